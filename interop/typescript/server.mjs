// A server by the official TypeScript SDK with bearer tokens, for tests of clients: its own handler of
// both eras behind its express middleware.
//
//     node server.mjs [--sessions] [--open]
//
// Prints `listening on URL` and serves until standard input closes. The tokens and tools are those of
// ../python/server_mcp.py and server_fastmcp.py; `notes_add` needs notes:write. The handler serves
// 2025-11-25 without sessions; with --sessions a transport for each session does. With --open it knows
// nothing of authorization. Packages are looked for
// in the folder of PROPUSK_TEST_TYPESCRIPT.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const home = process.env.PROPUSK_TEST_TYPESCRIPT ?? '.work/typescript';
const { resolve } = createRequire(pathToFileURL(join(home, 'package.json')));
const load = (name) => import(pathToFileURL(resolve(name)));
const {
  McpServer, OAuthError, createMcpHandler, fromJsonSchema, isLegacyRequest, requireScopes,
} = await load('@modelcontextprotocol/server');
const express = await load('@modelcontextprotocol/express');
const { NodeStreamableHTTPServerTransport, toNodeHandler, toWebRequest } = await load('@modelcontextprotocol/node');

const ISSUER = 'http://127.0.0.1:9'; // Nothing listens there: these tokens are not obtained.
const TOKENS = { 'reader-token': ['notes:read'], 'bare-token': [] };

/** Knows the fixed tokens, all of them issued for this server. */
function verifier(resource) {
  return {
    async verifyAccessToken(token) {
      if (!Object.hasOwn(TOKENS, token)) throw new OAuthError('invalid_token', 'This token is not known.');
      const expiresAt = Math.floor(Date.now() / 1000) + 600;
      return { token, clientId: 'interop', scopes: TOKENS[token], expiresAt, resource, extra: { subject: 'alice' } };
    },
  };
}

const text = (value) => ({ content: [{ type: 'text', text: value }] });

const strings = (...names) => fromJsonSchema({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  required: names,
});

const isOpen = process.argv.includes('--open');

function factory() {
  const server = new McpServer({ name: 'interop', version: '1' });
  server.registerTool('echo', { inputSchema: strings('message') }, ({ message }) => text(message));
  if (isOpen) {
    server.registerTool('notes_add', { inputSchema: strings('text') }, (note) => text(note.text));
    return server;
  }
  server.registerTool('whoami', {}, ({ http }) => text(http.authInfo.extra.subject));
  const needs = requireScopes('notes:write');
  server.registerTool('notes_add', { inputSchema: strings('text'), scopeChallenge: needs }, (note) => text(note.text));
  return server;
}

/** 2025-11-25 with sessions: a transport for each. */
function sessions() {
  const transports = new Map();
  return async (request, response) => {
    let transport = transports.get(request.headers['mcp-session-id']);
    if (!transport) {
      // Anything but an initialize is refused by it.
      transport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => transports.set(id, transport),
        onsessionclosed: (id) => transports.delete(id),
      });
      await factory().connect(transport);
    }
    await transport.handleRequest(request, response, request.body);
  };
}

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = new URL(`http://127.0.0.1:${server.address().port}/mcp`);
const resourceMetadataUrl = express.getOAuthProtectedResourceMetadataUrl(url);

const app = express.createMcpExpressApp();
app.use(express.mcpAuthMetadataRouter({
  oauthMetadata: {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}/auth`,
    token_endpoint: `${ISSUER}/token`,
    response_types_supported: ['code'],
  },
  resourceServerUrl: url,
}));
const bearer = express.requireBearerAuth({
  verifier: verifier(url),
  requiredScopes: ['notes:read'],
  expectedResource: url,
  resourceMetadataUrl,
});
const both = toNodeHandler(createMcpHandler(factory));
const legacy = process.argv.includes('--sessions') ? sessions() : both;
const anybody = (request, response, next) => next();
app.all('/mcp', isOpen ? anybody : bearer, async (request, response) => {
  const old = await isLegacyRequest(await toWebRequest(request, request.body), request.body);
  await (old ? legacy : both)(request, response, request.body);
});
server.on('request', app);

console.log(`listening on ${url}`);
process.stdin.on('end', () => process.exit()).resume();
