// The official TypeScript client with its own OAuth code, driven line by line.
//
//     node oauth_client.mjs URL auto|2026-07-28|legacy [CLIENT]
//
// The arguments, orders and events are those of ../python/oauth_client.py. This client leaves one thing to its
// application: it ends a sign-in with an error, and the application finishes it and tries again. Here
// that happens at most MOST_SIGN_INS times for one order. Packages are looked for in the folder of
// PROPUSK_TEST_TYPESCRIPT.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const home = process.env.PROPUSK_TEST_TYPESCRIPT ?? '.work/typescript';
const resolve = createRequire(pathToFileURL(join(home, 'package.json'))).resolve;
const { Client, StreamableHTTPClientTransport, UnauthorizedError } = await import(
  pathToFileURL(resolve('@modelcontextprotocol/client'))
);

const MOST_SIGN_INS = 2;
const CALLBACK = 'http://127.0.0.1:9/callback'; // Nothing listens there: the last redirect is read.

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const hear = async () => (await lines.next()).value;
const tell = (event) => console.log(JSON.stringify(event));

/** Tokens and registration, for as long as this process lives. */
class Memory {
  constructor(client) {
    if (client?.startsWith('https://')) this.clientMetadataUrl = client;
    else if (client) this.client = { client_id: client };
  }

  clientMetadata = {
    client_name: 'propusk interoperability',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };

  get redirectUrl() { return CALLBACK; }
  clientInformation() { return this.client; }
  saveClientInformation(client) { this.client = client; }
  tokens() { return this.saved; }
  saveTokens(tokens) { this.saved = tokens; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  discoveryState() { return this.discovery; }
  saveDiscoveryState(discovery) { this.discovery = discovery; }
  redirectToAuthorization(url) { this.waiting = url.href; }
}

async function watched(url, init) {
  const response = await fetch(url, init);
  if (response.status === 401 || response.status === 403) {
    tell({ refused: [response.status, response.headers.get('www-authenticate')] });
  }
  return response;
}

/** Does the work; where the client wants a person to sign in, finishes that and does it again. */
async function signedIn(memory, transport, work) {
  for (let signIns = 0; ; signIns += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || !memory.waiting) throw error;
      if (signIns === MOST_SIGN_INS) throw new Error('still refused after signing in');
      tell({ visit: memory.waiting });
      memory.waiting = undefined;
      await transport().finishAuth(new URL(await hear()).searchParams);
    }
  }
}

async function obey(client, order) {
  if (!order.call) return (await client.listTools()).tools.map(({ name }) => name).sort();
  const result = await client.callTool({ name: order.call, arguments: order.arguments });
  const texts = result.content.filter(({ type }) => type === 'text').map(({ text }) => text);
  if (result.isError) throw new Error(`the tool failed: ${texts}`);
  return result.structuredContent ?? texts;
}

async function main(url, era, clientId) {
  const memory = new Memory(clientId);
  const mode = { auto: 'auto', legacy: 'legacy' }[era] ?? { pin: era };
  let client;
  let transport;
  await signedIn(memory, () => transport, async () => {
    client = new Client({ name: 'interop', version: '1' }, { versionNegotiation: { mode } });
    transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: memory, fetch: watched });
    await client.connect(transport);
  });
  tell({ connected: client.getNegotiatedProtocolVersion() });
  for (let line = await hear(); line; line = await hear()) {
    try {
      const order = JSON.parse(line);
      tell({ answer: await signedIn(memory, () => transport, () => obey(client, order)) });
    } catch (error) {
      tell({ error: `${error.name}: ${error.message}` });
    }
  }
  await client.close();
}

try {
  await main(...process.argv.slice(2));
} catch (error) {
  tell({ error: `${error.name}: ${error.message}` });
  process.exitCode = 1;
}
