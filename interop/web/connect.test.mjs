// Getting in: by token in both revisions, by a wrong one and then another, by none, side by side.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './browser.mjs';
import { shared } from './file.mjs';
import { button, choose, connect, form, identity, offers, PROTOCOLS, result, rows, run, status, view } from './person.mjs';
import { Propusk } from './programs.mjs';
import { text } from './words.mjs';

const file = shared(async () => {
  const server = await Propusk.start(file);
  return { server, alice: await server.issue('alice', ['notes:read', 'echo']) };
});

for (const revision of PROTOCOLS) {
  test(`a token gets in and calls a tool, revision ${revision}`, async (t) => {
    const { page, seen } = await open(t, file.browser, file.server.origin);
    await connect(page, { token: file.alice, revision });

    await status(page).getByText('Connected').waitFor();
    assert.match(await text(identity(page)), /Subject alice .*notes:read.*Expires/);
    assert.match(await text(view(page).locator('.server')), new RegExp(`propusk .*${revision}`));

    await choose(page, 'echo');
    await form(page).getByLabel('message').fill('as I said');
    await run(page);
    await result(page).getByText('as I said').waitFor();
    assert.deepEqual(seen.errors, []);
  });
}

test('a wrong token is refused, the refusal decoded, and another token recovers', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin);
  await connect(page, { token: 'propusk_not-one-of-them' });

  await status(page).getByText('401').waitFor();
  const refusal = view(page).locator('.standstill');
  await refusal.getByRole('heading', { name: 'The token is not accepted' }).waitFor();
  const parts = await text(refusal.getByRole('table', { name: 'Challenge' }));
  assert.match(parts, /scheme.*Bearer/i);
  assert.match(parts, /error.*invalid_token expired, revoked, malformed or not for this server/);

  await button(refusal, 'Use another token and try again').click();
  const dialog = page.getByRole('dialog', { name: 'Use another token' });
  await dialog.getByLabel('Access token').fill(file.alice);
  await button(dialog, 'Use it').click();
  await status(page).getByText('Connected').waitFor();
  assert.match(await text(identity(page)), /alice/);
});

test('what is typed wrong is said at its field, and nothing is sent', async (t) => {
  const { page, seen } = await open(t, file.browser, file.server.origin);
  const before = seen.requests.length;
  await page.getByLabel('Server').fill('example.com');
  await connect(page, { token: 'two words' });
  await page.getByText('This is not a URL that starts with http:// or https://.').waitFor();
  await page.getByText('A token has no spaces').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.type), 'url');
  assert.deepEqual(seen.requests.slice(before), []);
});

test('without a token a server that wants none shows what anybody may do', async (t) => {
  const lax = await Propusk.start(t, { flags: ['--admission', 'optional'] });
  const { page } = await open(t, file.browser, lax.origin);
  await connect(page, { token: null });
  await status(page).getByText('Connected').waitFor();
  await view(page).getByText('Nobody: no token is shown').waitFor();
  await offers(page).getByText('echo').waitFor();
});

test('without a token a server that wants one says so, and takes one', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin);
  await connect(page, { token: null });
  await view(page).getByRole('heading', { name: 'A token is needed' }).waitFor();
  await button(view(page), 'Give a token and try again').click();
  const dialog = page.getByRole('dialog', { name: 'Give a token' });
  await dialog.getByLabel('Access token').fill(file.alice);
  await dialog.getByLabel('Access token').press('Enter');
  await status(page).getByText('Connected').waitFor();
});

test('a server that is not there is told from one that refuses', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin);
  await connect(page, { url: 'http://127.0.0.1:9/mcp', token: file.alice });
  await view(page).getByRole('heading', { name: 'No answer from 127.0.0.1:9.' }).waitFor();
  await view(page).getByText(/does it allow pages of/).waitFor();
});

test('identities stand side by side, each with what it may do', async (t) => {
  const bob = await file.server.issue('bob', ['notes:write', 'notes:read', 'echo']);
  const { page } = await open(t, file.browser, file.server.origin);
  await connect(page, { token: file.alice });
  await status(page).getByText('Connected').waitFor();
  await connect(page, { token: bob });
  await identity(page).getByText('bob').waitFor();
  await choose(page, 'notes_add');
  await form(page).getByLabel('text').fill('milk');
  await run(page);
  await result(page).getByText('milk').first().waitFor();

  const tabs = page.getByRole('navigation', { name: 'Connections' });
  await tabs.getByRole('button', { name: /^alice/ }).click();
  await identity(page).getByText('alice').waitFor();
  await choose(page, 'notes_list');
  await run(page);
  await result(page).getByText('Done').waitFor();
  assert.doesNotMatch(await text(result(page)), /milk/);
  assert.equal(await rows(page, 'notes_add').count(), 0, 'each has exchanges of its own');

  // What was done and filled in at the other is still there.
  await page.keyboard.press(']');
  await identity(page).getByText('bob').waitFor();
  await result(page).getByText('milk').first().waitFor();
  assert.equal(await form(page).getByLabel('text').inputValue(), 'milk');

  await button(tabs, 'Close the connection bob').or(tabs.getByRole('button', { name: /^Close the connection bob/ })).click();
  await identity(page).getByText('alice').waitFor();
});

test('another server than the one of the page, across origins: refused, decoded, connected, and asked who it is', async (t) => {
  const other = await Propusk.start(t, { flags: ['--allowed-origin', file.server.origin] });
  const { page } = await open(t, file.browser, file.server.origin);
  await connect(page, { url: other.url, token: file.alice });
  await view(page).getByRole('heading', { name: 'The token is not accepted' }).waitFor();
  assert.match(await text(view(page).getByRole('table', { name: 'Challenge' })), /error.*invalid_token/);

  await connect(page, { url: other.url, token: await other.issue('carol', ['notes:read']) });
  await status(page).getByText('Connected').waitFor();
  await view(page).getByText('Not known: the token is opaque to this page').waitFor();
  await button(view(page), 'Ask the tool whoami').click();
  await result(page).getByText('carol').first().waitFor();
});

test('a server that lets no page of others in is said to be so', async (t) => {
  const other = await Propusk.start(t);
  const { page } = await open(t, file.browser, file.server.origin);
  await connect(page, { url: other.url, token: file.alice });
  await view(page).getByRole('heading', { name: `No answer from ${new URL(other.url).host}.` }).waitFor();
  await view(page).getByText(`does it allow pages of ${file.server.origin} (CORS)?`).waitFor();
});
