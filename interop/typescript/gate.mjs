// The official TypeScript client at servers of others that stand behind the gate.
//
//     node gate.mjs CASES
//
// As ../python/gate.py. Packages are looked for in the folder of PROPUSK_TEST_TYPESCRIPT.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const home = process.env.PROPUSK_TEST_TYPESCRIPT ?? '.work/typescript';
const { resolve } = createRequire(pathToFileURL(join(home, 'package.json')));
const { Client, StreamableHTTPClientTransport } = await import(
  pathToFileURL(resolve('@modelcontextprotocol/client'))
);

const MODES = ['auto', 'legacy'];

/** Does the work; the HTTP responses, and what was thrown. */
async function session(url, mode, token, work) {
  const responses = [];
  const watched = async (input, init) => {
    const response = await fetch(input, init);
    responses.push(response);
    return response;
  };
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, fetch: watched });
  const client = new Client({ name: 'interop', version: '1' }, { versionNegotiation: { mode } });
  try {
    await client.connect(transport);
    await work(client);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return { responses, error };
  } finally {
    await client.close().catch(() => {});
  }
  return { responses };
}

async function call(client, { name, arguments: values, gives }) {
  const result = await client.callTool({ name, arguments: values });
  const texts = result.content.filter(({ type }) => type === 'text').map(({ text }) => text).join(' ');
  assert(!result.isError && texts.includes(gives), `${name} answered ${JSON.stringify(result)}`);
}

const names = async (client) => (await client.listTools()).tools.map(({ name }) => name);

async function rich({ url, open, locked }, mode, token) {
  const { error } = await session(url, mode, token, async (client) => {
    const listed = await names(client);
    assert(listed.includes(open.name) && listed.includes(locked.name), `tools/list gave ${listed}`);
    await call(client, open);
    await call(client, locked);
  });
  if (error) throw error;
}

async function poor({ url, open, locked }, mode, token) {
  const { responses, error } = await session(url, mode, token, async (client) => {
    const listed = await names(client);
    assert(!listed.includes(locked.name), `a tool that is locked is listed: ${listed}`);
    await call(client, open);
    await client.callTool({ name: locked.name, arguments: locked.arguments });
  });
  assert(error, 'a locked tool was called without its scope');
  const refused = responses.filter(({ status }) => status === 403);
  const statuses = responses.map(({ status }) => status);
  assert.equal(refused.length, 1, `HTTP statuses were ${statuses}: ${error}`);
  const challenge = refused[0].headers.get('www-authenticate');
  assert.match(challenge, /error="insufficient_scope".*write|write.*error="insufficient_scope"/);
}

async function stranger({ url }, mode, token, status) {
  const { responses, error } = await session(url, mode, token, names);
  assert(error, 'a stranger got a list');
  const statuses = [...new Set(responses.map((response) => response.status))];
  assert.deepEqual(statuses, [status]);
  for (const response of responses) assert.match(response.headers.get('www-authenticate'), /^Bearer/);
}

const { tokens, endpoints } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
for (const endpoint of endpoints) {
  for (const mode of MODES) {
    try {
      await rich(endpoint, mode, tokens.rich);
      await poor(endpoint, mode, tokens.poor);
      await stranger(endpoint, mode, undefined, 401);
      await stranger(endpoint, mode, 'unknown-token', 401);
      await stranger(endpoint, mode, tokens.none, 403);
    } catch (error) {
      console.error(`FAIL  typescript  ${endpoint.name}  ${mode}`, error);
      process.exit(1);
    }
    console.log(`ok  typescript  ${mode.padEnd(6)}  ${endpoint.name}`);
  }
}
process.exit(0);
