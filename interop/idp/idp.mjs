// A real identity provider for the tests: oidc-provider from the npm registry on a loopback port.
//
// stdout: `listening on <issuer>`, then `control on <url>`; both servers answer by then. Without a
// fault (faults.mjs) every answer is the real provider's. README.md has the flags.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

import { control } from './control.mjs';
import { Endpoints } from './endpoints.mjs';
import { Faults } from './faults.mjs';
import { State } from './state.mjs';
import { Tenant } from './tenant.mjs';

// stdout is for our two lines; what a library has to say goes to stderr.
console.log = console.error;
console.info = console.error;

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    'issuer-path': { type: 'string', default: '' },
    state: { type: 'string' },
    scopes: { type: 'string', default: 'notes:read notes:write notes echo mcp whoami admin' },
    ttl: { type: 'string', default: '600' },
    alg: { type: 'string', multiple: true, default: ['RS256', 'ES256', 'PS256', 'EdDSA'] },
    resource: { type: 'string', multiple: true, default: ['http://', 'https://'] },
    'opaque-resource': { type: 'string', multiple: true, default: [] },
    exchange: { type: 'string', multiple: true, default: [] },
    'assert-for': { type: 'string', multiple: true, default: [] },
    trust: { type: 'string', multiple: true, default: [] },
    'dpop-nonce': { type: 'boolean', default: false },
    pages: { type: 'boolean', default: false },
    'until-stdin-closes': { type: 'boolean', default: false },
  },
});

const state = await State.load(flags.state, flags.alg);
const endpoints = new Endpoints(flags['issuer-path']);
const faults = new Faults();

const server = createServer();
server.listen(Number(flags.port), '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}${flags['issuer-path']}`;
const tenant = new Tenant(issuer, flags, state);

server.on('request', (request, response) => {
  const endpoint = endpoints.enter(request);
  faults.pass(endpoint, request, response, () => tenant.serve(request, response)).catch((error) => {
    console.error(error);
    response.destroy();
  });
});

const controls = createServer(control({ state, endpoints, faults, tenant }));
controls.listen(0, '127.0.0.1');
await once(controls, 'listening');

process.stdout.write(`listening on ${issuer}\n`);
process.stdout.write(`control on http://127.0.0.1:${controls.address().port}\n`);

function end() {
  server.close();
  server.closeAllConnections();
  state.save();
  process.exit(0);
}
process.on('SIGTERM', end);
process.on('SIGINT', end);
if (flags['until-stdin-closes']) process.stdin.on('end', end).on('error', end).resume();
