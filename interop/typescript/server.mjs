// A server by the official TypeScript SDK with bearer tokens, for tests of clients: its own handler of
// both eras, and its express middleware.
//
//     node server.mjs
//
// Prints `listening on URL` and serves until standard input closes. The tokens and tools are those of
// ../python/server_mcp.py and server_fastmcp.py; `notes_add` needs notes:write. Packages are looked for in the folder of
// PROPUSK_TEST_TYPESCRIPT.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const home = process.env.PROPUSK_TEST_TYPESCRIPT ?? '.work/typescript';
const { resolve } = createRequire(pathToFileURL(join(home, 'package.json')));
const load = (name) => import(pathToFileURL(resolve(name)));
const { McpServer, OAuthError, createMcpHandler, fromJsonSchema, requireScopes } = await load('@modelcontextprotocol/server');
const express = await load('@modelcontextprotocol/express');
const { toNodeHandler } = await load('@modelcontextprotocol/node');

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

function factory() {
  const server = new McpServer({ name: 'interop', version: '1' });
  server.registerTool('echo', { inputSchema: strings('message') }, ({ message }) => text(message));
  server.registerTool('whoami', {}, ({ http }) => text(http.authInfo.extra.subject));
  const needs = requireScopes('notes:write');
  server.registerTool('notes_add', { inputSchema: strings('text'), scopeChallenge: needs }, (note) => text(note.text));
  return server;
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
const handler = toNodeHandler(createMcpHandler(factory));
app.all('/mcp', bearer, (request, response) => handler(request, response, request.body));
server.on('request', app);

console.log(`listening on ${url}`);
process.stdin.on('end', () => process.exit()).resume();
