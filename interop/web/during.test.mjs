// What changes while a connection is in use: the token ends, the server or what it needs goes away.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './browser.mjs';
import { shared } from './file.mjs';
import { button, choose, connect, form, identity, PROTOCOLS, result, rows, run, status, view } from './person.mjs';
import { Propusk } from './programs.mjs';
import { text } from './words.mjs';

const file = shared(async () => ({ server: await Propusk.start(file) }));

test('a token that expires during use is seen to, and said, and another one goes on', async (t) => {
  const token = await file.server.issue('alice', ['echo'], ['--expires-in', '6s']);
  const { page } = await open(t, file.browser, file.server.origin);
  await connect(page, { token });
  await status(page).getByText('Connected').waitFor();
  assert.match(await text(identity(page)), /Expires [0-6] s/);
  await choose(page, 'echo');
  await form(page).getByLabel('message').fill('still here');

  await status(page).getByText('401 · The token is not accepted').waitFor();
  await identity(page).getByText('expired').waitFor();
  await button(view(page), 'Why?').click();
  await view(page).locator('.exchanges').getByRole('heading', { name: /The token is not accepted/ }).waitFor();

  const next = await file.server.issue('alice', ['echo']);
  await button(view(page).locator('.who'), 'Another token').click();
  await page.getByRole('dialog').getByLabel('Access token').fill(next);
  await page.getByRole('dialog').getByLabel('Access token').press('Enter');
  await status(page).getByText('Connected').waitFor();
  assert.equal(await form(page).getByLabel('message').inputValue(), 'still here');
  await run(page);
  await result(page).getByText('still here').waitFor();
});

for (const revision of PROTOCOLS) {
  test(`a token that is revoked during use shows at once, revision ${revision}`, async (t) => {
    const token = await file.server.issue('alice', ['echo']);
    const { page } = await open(t, file.browser, file.server.origin);
    await connect(page, { token, revision });
    await status(page).getByText('Connected').waitFor();
    await identity(page).getByText('alice').waitFor();
    const asked = await rows(page, 'tools/').count();

    await file.server.revoke(token);
    await status(page).getByText('401 · The token is not accepted').waitFor();
    assert.equal(await rows(page, 'tools/').count(), asked, 'nobody had to try anything for it');
  });
}

test('a tool that lacks a scope is locked, refused and decoded, and comes with another token', async (t) => {
  const token = await file.server.issue('alice', ['notes:read']);
  const server = await Propusk.start(t, { flags: ['--show-all'], store: file.server.store });
  const { page } = await open(t, file.browser, server.origin);
  await connect(page, { token });
  await choose(page, 'notes_add');
  await view(page).getByText('You lack what it needs.').waitFor();
  await form(page).getByLabel('text').fill('milk');
  await run(page);

  const refusal = result(page).locator('.refusal');
  await refusal.getByText('More scopes are needed').waitFor();
  const said = await text(refusal);
  assert.match(said, /403 More scopes are needed/);
  assert.match(said, /Missing notes:write/);
  assert.match(said, /You have notes:read/);
  assert.match(said, /insufficient_scope the token is good, its scopes are too few/);

  await button(refusal, 'Use another token and try again').click();
  const dialog = page.getByRole('dialog');
  assert.match(await text(dialog), /propusk token issue --subject alice --scope notes:read --scope notes:write/);
  await dialog.getByLabel('Access token').fill(await server.issue('alice', ['notes:read', 'notes:write']));
  await dialog.getByLabel('Access token').press('Enter');
  await result(page).getByText('milk').first().waitFor();
  assert.equal(await form(page).getByLabel('text').inputValue(), 'milk');
});

test('a server that goes away and comes back is found again, with what was filled in', async (t) => {
  const first = await Propusk.start(t);
  const token = await first.issue('alice', ['echo']);
  const { page } = await open(t, file.browser, first.origin);
  await connect(page, { token });
  await status(page).getByText('Connected').waitFor();
  await choose(page, 'echo');
  await form(page).getByLabel('message').fill('and again');

  await first.stop();
  await status(page).getByText(/^No answer from/).waitFor();
  await view(page).getByText(/again in \d+ s/).waitFor();

  await Propusk.start(t, { store: first.store, listen: new URL(first.url).host });
  await status(page).getByText('Connected').waitFor({ timeout: 30_000 });
  await run(page);
  await result(page).getByText('and again').waitFor();
});

test('who cannot say who its caller is, serves all the same', async (t) => {
  const { server } = file;
  const token = await server.issue('alice', ['echo']);
  const { page } = await open(t, file.browser, 'about:blank');
  // A gateway that knows nothing of the caller's address, and one that lets no page read it.
  await page.route('**/mcp/caller', (route) => route.abort());
  await page.goto(server.origin);
  await connect(page, { token });
  await status(page).getByText('Connected').waitFor();
  const said = await everSaid(status(page));
  await rows(page, 'who am I').nth(2).waitFor();
  assert.deepEqual(await said(), ['Connected']);
  await choose(page, 'echo');
  await form(page).getByLabel('message').fill('all the same');
  await run(page);
  await result(page).getByText('all the same').waitFor();
  assert.match(await text(view(page).locator('.who')), /Not known: the token is opaque to this page/);
});

/** All that stands there from now on, until it is called. */
async function everSaid(locator) {
  const kept = await locator.evaluateHandle((element) => {
    const said = new Set([element.textContent]);
    new MutationObserver(() => said.add(element.textContent)).observe(element, { subtree: true, characterData: true, childList: true });
    return said;
  });
  return () => kept.evaluate((said) => [...said]);
}
