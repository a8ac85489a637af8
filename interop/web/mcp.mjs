// As little of an MCP server as a test needs: 2025-11-25 without sessions, over JSON or an event
// stream, for pages of every origin. It asks for no token.

import { createServer } from 'node:http';
import { once } from 'node:events';

const HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*, authorization',
  'access-control-allow-methods': '*',
  'access-control-expose-headers': '*',
};

/**
 * A server on a port of its own. `answer(message, call)` gives the result of a request, or throws
 * `{code, message}`; `call.notify(method, params)`, `call.ask(method, params)` and `call.gone` (an
 * AbortSignal) belong to that request. Notifications of the client are kept in `notified`.
 */
export async function serve(t, answer) {
  const asked = new Map();
  const notified = [];
  let next = 0;
  const server = createServer(async (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    if (request.method !== 'POST') return response.writeHead(405).end();
    const message = await read(request);
    if (message.method === undefined) {
      asked.get(message.id)?.(message);
      return response.writeHead(202).end();
    }
    if (message.id === undefined) {
      notified.push(message);
      return response.writeHead(202).end();
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const stream = new Stream(response);
    const call = {
      gone: gone.signal,
      notify: (method, params) => stream.send({ method, params }),
      ask: (method, params) => {
        const id = `asked-${next++}`;
        const answered = new Promise((done) => { asked.set(id, done); });
        stream.send({ id, method, params });
        return answered;
      },
    };
    try {
      stream.end({ id: message.id, result: await answer(message, call) });
    } catch ({ code = -32603, message: text }) {
      stream.end({ id: message.id, error: { code, message: String(text) } });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${server.address().port}/mcp`, notified };
}

/** JSON, unless something has to be said before the end. */
class Stream {
  constructor(response) {
    this.response = response;
  }

  send(message) {
    if (!this.response.headersSent) this.response.writeHead(200, { 'content-type': 'text/event-stream' });
    this.response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
  }

  end(message) {
    if (this.response.headersSent) {
      this.send(message);
      this.response.end();
    } else {
      this.response.writeHead(200, { 'content-type': 'application/json' });
      this.response.end(JSON.stringify({ jsonrpc: '2.0', ...message }));
    }
  }
}

async function read(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return JSON.parse(body);
}

/** What `initialize` says. */
export function welcome(serverInfo, instructions) {
  return {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {}, prompts: {}, resources: {}, completions: {} },
    serverInfo,
    instructions,
  };
}

export const unknown = (text) => Object.assign(new Error(text), { code: -32601 });
