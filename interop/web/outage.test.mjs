// The identity server that tokens are asked of goes away: the server says 503, and the page waits with it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './browser.mjs';
import { shared } from './file.mjs';
import { choose, connect, form, identity, result, run, status, view } from './person.mjs';
import { IdentityProvider, Propusk } from './programs.mjs';
import { text } from './words.mjs';

const file = shared(async () => {
  const provider = await IdentityProvider.start(file, ['--opaque-resource', 'http://', '--resource', 'https://']);
  const clients = await (await fetch(`${provider.controls}/clients`)).json();
  const { secret } = clients.find(({ id }) => id === 'resource-server');
  const server = await Propusk.start(file, {
    flags: ['--issuer', provider.issuer, '--introspect', 'issuer', '--introspect-client-id', 'resource-server'],
    env: { PROPUSK_INTROSPECT_SECRET: secret },
  });
  return { provider, server, machine: clients.find(({ id }) => id === 'machine') };
});

/** A token that only the provider can tell about. */
async function opaqueToken() {
  const { provider, server, machine } = file;
  const answer = await fetch(`${provider.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`machine:${machine.secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'notes:read', resource: server.url }),
  });
  return (await answer.json()).access_token;
}

test('a 503 is an outage and no refusal: the page says so, waits and recovers by itself', async (t) => {
  const { provider, server } = file;
  const token = await opaqueToken();
  const { page } = await open(t, file.browser, server.origin);
  await provider.control('/fault', { endpoint: 'introspection', kind: 'status', status: 500 });
  t.after(() => provider.control('/fault', { kind: 'none' }));

  await connect(page, { token });
  await view(page).getByRole('heading', { name: /does not answer as an MCP server|Not now/ }).first().waitFor();
  await view(page).getByText('HTTP 503').first().waitFor();
  await view(page).getByText(/again in \d+ s/).waitFor();

  await provider.control('/fault', { kind: 'none' });
  await status(page).getByText('Connected').waitFor({ timeout: 30_000 });
  assert.match(await text(identity(page)), /machine/);
  await choose(page, 'notes_list');
  await run(page);
  await result(page).getByText('Done').waitFor();
});
