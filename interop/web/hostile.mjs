// An MCP server that means harm to the page that shows it: markup and scripts in every text, too much
// of everything, schemas that refer to themselves.

import { serve, unknown, welcome } from './mcp.mjs';

export const TOOLS = 2000;
/** Would set a mark on the window if anything ran it. */
export const MARKUP = [
  '<img src=x onerror="window.hit=1">',
  '<script>window.hit=1</script>',
  '<svg onload="window.hit=1"></svg>',
  '"><iframe srcdoc="<script>parent.hit=1</script>"></iframe>',
  '[click](javascript:window.hit=1)',
  '{{constructor.constructor("window.hit=1")()}}',
];
export const HUGE = 5 * 1024 * 1024;

const itself = {
  type: 'object',
  properties: { name: { type: 'string', title: MARKUP[0] }, child: { $ref: '#/$defs/node' } },
  $defs: { node: { type: 'object', properties: { value: { type: 'string' }, next: { $ref: '#/$defs/node' } } } },
};

const TRICKY = [
  { name: MARKUP[0], title: MARKUP[1], description: MARKUP.join('\n') },
  { name: 'refers to itself', description: 'A schema that refers to itself', inputSchema: itself },
  { name: 'loop', inputSchema: { type: 'object', $ref: '#' } },
  { name: 'circle', inputSchema: { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } } },
  { name: 'elsewhere', inputSchema: { type: 'object', properties: { a: { $ref: 'http://evil.example/schema.json' } } } },
  { name: 'pattern', inputSchema: { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } } },
  { name: 'nonsense', inputSchema: { type: 'object', properties: { a: { type: 7, enum: 'x' }, b: null, c: 12 } } },
  { name: '__proto__', inputSchema: JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}}}') },
  { name: 'huge', description: 'x'.repeat(200_000) },
  { name: 'markup', description: 'Answers with markup of every kind' },
  { name: 'links', description: 'Answers with links that are none' },
];

function tools() {
  const plain = Array.from({ length: TOOLS - TRICKY.length }, (_, n) => ({
    name: `tool-${String(n).padStart(4, '0')}`,
    description: `${MARKUP[n % MARKUP.length]} number ${n}`,
  }));
  return [...TRICKY, ...plain].map((tool) => ({ inputSchema: { type: 'object' }, ...tool }));
}

function call(name) {
  const text = (value) => ({ type: 'text', text: value });
  if (name === 'huge') return { content: [text(`${MARKUP[0]}\n`.repeat(HUGE / (MARKUP[0].length + 1)))] };
  if (name === 'links') {
    return {
      content: ['javascript:window.hit=1', 'data:text/html,<script>window.hit=1</script>', 'file:///etc/passwd', 'vbscript:x', 'http://127.0.0.1:9/fine']
        .map((uri) => ({ type: 'resource_link', uri, name: uri })),
    };
  }
  return {
    content: [...MARKUP.map(text),
      { type: 'image', mimeType: 'image/svg+xml', data: Buffer.from(MARKUP[2]).toString('base64') },
      { type: 'image', mimeType: 'text/html', data: Buffer.from(MARKUP[1]).toString('base64') },
      { type: 'resource', resource: { uri: 'ui://x', mimeType: 'text/html', text: MARKUP[1] } }],
    structuredContent: { [MARKUP[0]]: MARKUP, rows: MARKUP.map((value) => ({ [MARKUP[1]]: value })) },
  };
}

function answer({ method, params }) {
  switch (method) {
    case 'initialize':
      return welcome({ name: MARKUP[0], title: MARKUP[1], version: MARKUP[2] }, MARKUP.join('\n'));
    case 'tools/list': return { tools: tools() };
    case 'tools/call': return call(params.name);
    case 'prompts/list': return { prompts: [{ name: MARKUP[0], description: MARKUP[1], arguments: [{ name: MARKUP[2], description: MARKUP[3] }] }] };
    case 'resources/list': return { resources: [{ uri: 'javascript:window.hit=1', name: MARKUP[0], description: MARKUP[1] }] };
    case 'resources/templates/list': return { resourceTemplates: [] };
    case 'ping': return {};
    default: throw unknown(MARKUP[0]);
  }
}

/** A running one; its `url` is the endpoint. */
export const startHostile = (t) => serve(t, answer);
