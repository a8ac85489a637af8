// Signing in at a real identity provider: the window, consent, refusal, more scopes, renewal.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './browser.mjs';
import { shared } from './file.mjs';
import { button, choose, form, identity, result, rows, run, status, view } from './person.mjs';
import { IdentityProvider, Propusk } from './programs.mjs';
import { text } from './words.mjs';

const file = shared(async () => {
  const provider = await IdentityProvider.start(file);
  const server = await Propusk.start(file, { flags: ['--issuer', provider.issuer, '--show-all', '--suggested-scope', 'notes:read'] });
  return { provider, server };
});

/** Asks to sign in, as the client that the provider knows. */
async function signIn(page, { client = 'native', scopes } = {}) {
  await page.getByText('Sign in', { exact: true }).first().click();
  await page.getByLabel('Client ID').fill(client);
  if (scopes) await page.getByLabel('Scopes').fill(scopes);
  await button(page, 'Sign in').click();
}

/** What the person does in the window of the provider, until it closes by itself. */
async function inWindow(opening, { refuse = false } = {}) {
  const window = await opening;
  const closed = window.waitForEvent('close');
  await window.locator('input[name=login]').or(window.getByRole('button', { name: 'Continue' })).first().waitFor();
  if (await window.locator('input[name=login]').count()) {
    await window.locator('input[name=login]').fill('alice');
    await window.locator('input[name=password]').fill('any will do');
    await window.getByRole('button', { name: 'Sign-in' }).click();
    await window.getByRole('button', { name: 'Continue' }).waitFor();
  }
  if (refuse) await window.getByRole('link', { name: 'Cancel' }).click();
  else await window.getByRole('button', { name: 'Continue' }).click();
  await closed;
}

test('signed in with consent, more scopes are asked for where they are needed, and what was filled in stays', async (t) => {
  const { page, seen } = await open(t, file.browser, file.server.origin);
  const first = page.waitForEvent('popup');
  await signIn(page);
  await inWindow(first);
  await status(page).getByText('Connected').waitFor();
  const who = await text(identity(page));
  assert.match(who, /Subject alice Client native Scopes notes:read/);
  assert.match(who, new RegExp(`Issuer ${file.provider.issuer}`));

  await choose(page, 'notes_add');
  await form(page).getByLabel('text').fill('kept all the way');
  await run(page);
  const refusal = result(page).locator('.refusal');
  assert.match(await text(refusal), /Missing notes:write You have notes:read/);
  const second = page.waitForEvent('popup');
  await button(refusal, 'Get the scopes and try again').click();
  await inWindow(second);
  await result(page).getByText('kept all the way').first().waitFor();
  assert.equal(await form(page).getByLabel('text').inputValue(), 'kept all the way');
  assert.match(await text(identity(page)), /Scopes notes:readnotes:write|Scopes notes:read notes:write/);

  // The code, the verifier and the tokens are in no row of the timeline and in no URL.
  const tokens = rows(page, 'sign-in').filter({ hasText: '/token' });
  await tokens.first().click();
  const exchange = await view(page).locator('.exchanges').innerText();
  assert.match(exchange, /code=•••/);
  assert.match(exchange, /code_verifier=•••/);
  assert.match(exchange, /"access_token": "•••"/);
  assert.doesNotMatch(exchange, /eyJ/);
  assert.equal(page.url(), `${file.server.origin}/`);
  assert.deepEqual(await page.evaluate(() => [sessionStorage.length, document.cookie]), [0, '']);
  assert.deepEqual(seen.errors, []);
});

test('whoever refuses consent is told so, and may try again', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin);
  const first = page.waitForEvent('popup');
  await signIn(page);
  await inWindow(first, { refuse: true });
  await page.getByText('The authorization server did not let you in.').waitFor();
  await page.getByText(/access_denied/).waitFor();
  assert.equal(await view(page).locator('.who dl').count(), 0);
});

test('where the page cannot register itself, it asks for a client that the provider knows', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin);
  const first = page.waitForEvent('popup');
  await signIn(page, { client: '' });
  await first;
  await page.getByText('The authorization server registers no clients by itself.').waitFor();
  await view(page).getByLabel('Client ID').fill('native');
  const second = page.waitForEvent('popup');
  await button(view(page), 'Sign in').click();
  await inWindow(second);
  await status(page).getByText('Connected').waitFor();
});

test('where the metadata of the provider cannot be had, nobody is sent anywhere', async (t) => {
  const { provider } = file;
  for (const endpoint of ['oauth-metadata', 'openid-configuration']) await provider.control('/fault', { endpoint, kind: 'status', status: 404 });
  t.after(() => provider.control('/fault', { kind: 'none' }));
  const { page, context } = await open(t, file.browser, file.server.origin);
  const first = page.waitForEvent('popup');
  await signIn(page);
  await page.getByText('The metadata of the authorization server could not be read').waitFor();
  await first;
  assert.equal(context.pages().length, 1, 'its window is closed again');
});

test('a client that the provider does not know is no sign-in, and is said', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin);
  const first = page.waitForEvent('popup');
  await signIn(page, { client: 'nobody-knows-this-one' });
  const window = await first;
  await window.getByText(/invalid_client/).waitFor();
  await window.close();
  await button(view(page), 'Cancel').click();
  await view(page).getByRole('heading', { name: 'A token is needed' }).waitFor();
  // Where it leads, by the metadata that the challenge points to.
  await button(view(page), 'Show the metadata').click();
  await view(page).locator('.standstill pre', { hasText: file.provider.issuer }).waitFor();
});

test('a login renews its tokens before they end, and nobody notices', async (t) => {
  const provider = await IdentityProvider.start(t, ['--ttl', '10']);
  const server = await Propusk.start(t, { flags: ['--issuer', provider.issuer, '--suggested-scope', 'notes:read'] });
  const { page } = await open(t, file.browser, server.origin);
  const first = page.waitForEvent('popup');
  await signIn(page);
  await inWindow(first);
  await status(page).getByText('Connected').waitFor();
  const tokens = rows(page, 'sign-in').filter({ hasText: '/token' });
  const before = await tokens.count();

  await tokens.nth(before).waitFor();
  await choose(page, 'notes_list');
  await run(page);
  await result(page).getByText('Done').waitFor();
  assert.equal(await rows(page, '401').filter({ hasNotText: 'server/discover' }).count(), 0, 'nothing was refused for it');
  await tokens.last().click();
  assert.match(await view(page).locator('.exchanges').innerText(), /grant_type=refresh_token/);
});

test('where the browser opens no window, the way there and back is in this tab', async (t) => {
  const { page, context } = await open(t, file.browser, 'about:blank');
  await context.addInitScript(() => { globalThis.open = () => null; });
  await page.goto(file.server.origin);
  await signIn(page);
  await button(view(page), 'Go there in this tab').click();
  await page.locator('input[name=login]').fill('alice');
  await page.locator('input[name=password]').fill('any will do');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await status(page).getByText('Connected').waitFor();
  assert.match(await text(identity(page)), /Subject alice/);
  assert.doesNotMatch(page.url(), /[?#]/);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, 'the verifier is gone');
});
