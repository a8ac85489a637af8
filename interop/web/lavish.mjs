// An MCP server that has one of everything that a client can be asked to draw.

import { serve, unknown, welcome } from './mcp.mjs';

/** One field for every kind of schema. */
export const EVERY_KIND = {
  type: 'object',
  required: ['text', 'count'],
  properties: {
    text: { type: 'string', title: 'Text', minLength: 2, maxLength: 20 },
    long: { type: 'string', title: 'Long text', description: 'Said under the field' },
    mail: { type: 'string', title: 'Mail', format: 'email' },
    day: { type: 'string', title: 'Day', format: 'date' },
    count: { type: 'integer', title: 'Count', minimum: 1, maximum: 10 },
    ratio: { type: 'number', title: 'Ratio', exclusiveMaximum: 1 },
    sure: { type: 'boolean', title: 'Sure' },
    colour: { type: 'string', title: 'Colour', enum: ['red', 'green'] },
    fixed: { const: 'always', title: 'Fixed' },
    maybe: { type: ['string', 'null'], title: 'Maybe' },
    tags: { type: 'array', title: 'Tags', items: { type: 'string' }, maxItems: 3 },
    pair: { type: 'array', title: 'Pair', prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false },
    place: {
      type: 'object', title: 'Place', required: ['city'],
      properties: { city: { type: 'string', title: 'City' }, zip: { type: 'string', title: 'Zip' } },
    },
    either: {
      title: 'Either',
      oneOf: [
        { type: 'object', title: 'By name', properties: { name: { type: 'string', title: 'Name' } }, required: ['name'] },
        { type: 'object', title: 'By number', properties: { number: { type: 'integer', title: 'Number' } }, required: ['number'] },
      ],
    },
    labels: { type: 'object', title: 'Labels', additionalProperties: { type: 'string' } },
    tree: { $ref: '#/$defs/node', title: 'Tree' },
  },
  $defs: { node: { type: 'object', properties: { value: { type: 'string', title: 'Value' }, next: { $ref: '#/$defs/node' } } } },
};

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const TOOLS = [
  { name: 'every kind', description: 'Says back what it got', inputSchema: EVERY_KIND },
  { name: 'nothing', description: 'Takes no input', annotations: { readOnlyHint: true } },
  { name: 'picture', description: 'Gives a picture and a sound' },
  { name: 'table', description: 'Gives rows', annotations: { readOnlyHint: true, destructiveHint: false } },
  { name: 'wrong', description: 'Reports an error', annotations: { destructiveHint: true } },
  { name: 'slow', description: 'Tells of its progress until it is cancelled' },
  { name: 'steps', description: 'Tells of its progress and ends' },
  { name: 'asks', description: 'Asks for something' },
  { name: 'asks elsewhere', description: 'Asks to open an address' },
];

const text = (value) => ({ type: 'text', text: value });

async function call({ name, arguments: given, _meta }, request, state) {
  const progress = (n, total, message) => request.notify('notifications/progress', { progressToken: _meta?.progressToken, progress: n, total, message });
  switch (name) {
    case 'every kind': return { content: [text(JSON.stringify(given))], structuredContent: given };
    case 'nothing': return { content: [] };
    case 'picture': return { content: [{ type: 'image', data: PIXEL, mimeType: 'image/png' }, { type: 'audio', data: 'UklGRiQAAABXQVZF', mimeType: 'audio/wav' }] };
    case 'table': return { content: [text('as rows')], structuredContent: { rows: [{ city: 'Berlin', size: 3.7 }, { city: 'Hamburg', size: 1.9 }] } };
    case 'wrong': return { isError: true, content: [text('the disk is full')] };
    case 'steps':
      for (let n = 1; n <= 3; n += 1) progress(n, 3, `step ${n}`);
      return { content: [text('all steps done')] };
    case 'slow': {
      progress(1, 4, 'a quarter');
      await new Promise((done) => { request.gone.addEventListener('abort', done); state.finish.push(done); });
      return { content: [text('too late')] };
    }
    case 'asks': {
      const schema = { type: 'object', required: ['name'], properties: { name: { type: 'string', title: 'Your name' }, age: { type: 'integer', title: 'Age', minimum: 0 } } };
      const { result } = await request.ask('elicitation/create', { message: 'Who are you?', requestedSchema: schema });
      return { content: [text(JSON.stringify(result))] };
    }
    case 'asks elsewhere': {
      const { result } = await request.ask('elicitation/create', { mode: 'url', message: 'Please pay', url: 'https://pay.example/', elicitationId: 'e1' });
      return { content: [text(JSON.stringify(result))] };
    }
    default: throw unknown(`no tool ${name}`);
  }
}

function answer(message, request, state) {
  const { method, params } = message;
  switch (method) {
    case 'initialize': return welcome({ name: 'lavish', version: '1.0.0' });
    case 'ping': return {};
    case 'tools/list': return { tools: TOOLS.map((tool) => ({ inputSchema: { type: 'object' }, ...tool })) };
    case 'tools/call': return call(params, request, state);
    case 'prompts/list': return { prompts: [{ name: 'greet', description: 'A greeting', arguments: [{ name: 'who', required: true }] }] };
    case 'prompts/get': return { messages: [{ role: 'user', content: text(`Say hello to ${params.arguments?.who}`) }] };
    case 'resources/list': return { resources: [{ uri: 'note://one', name: 'one', mimeType: 'text/plain' }] };
    case 'resources/templates/list': return { resourceTemplates: [{ uriTemplate: 'note://{name}', name: 'a note' }] };
    case 'resources/read': return { contents: [{ uri: params.uri, mimeType: 'text/plain', text: `what ${params.uri} says` }] };
    case 'completion/complete': return { completion: { values: ['one', 'two'] } };
    default: throw unknown(method);
  }
}

/** A running one; `finish()` ends what is slow. */
export async function startLavish(t) {
  const state = { finish: [] };
  const server = await serve(t, (message, request) => answer(message, request, state));
  return { ...server, finish: () => state.finish.forEach((done) => done()) };
}
