// Where a token is, and where it never is.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './browser.mjs';
import { shared } from './file.mjs';
import { button, choose, connect, form, identity, result, rows, run, status, view } from './person.mjs';
import { Propusk } from './programs.mjs';

const file = shared(async () => ({ server: await Propusk.start(file) }));

/** Everything that the page keeps, shows or says, each with its text. */
async function everything(page, seen) {
  const kept = await page.evaluate(() => ({
    localStorage: JSON.stringify(localStorage),
    sessionStorage: JSON.stringify(sessionStorage),
    url: location.href,
    history: JSON.stringify(history.state),
    cookie: document.cookie,
    title: document.title,
    dom: document.documentElement.outerHTML,
    fields: [...document.querySelectorAll('input, textarea')].map(({ value }) => value).join('\n'),
  }));
  return { ...kept, console: seen.console.join('\n'), errors: seen.errors.join('\n'), requests: seen.requests.join('\n') };
}

/** Its places in all that; a part of it counts too. */
async function places(page, seen, token) {
  const found = Object.entries(await everything(page, seen));
  return found.filter(([, text]) => text.includes(token.slice(8, 30))).map(([place]) => place);
}

/** Opens every row of the timeline, one after the other, and calls `look` at each. */
async function eachExchange(page, look) {
  for (const row of await rows(page).all()) {
    await row.click();
    await look();
    await row.click();
  }
}

test('a token is in memory only: not even a tool that says it back shows it in an exchange', async (t) => {
  const token = await file.server.issue('alice', ['echo']);
  const { page, seen } = await open(t, file.browser, file.server.origin);
  await connect(page, { token });
  await status(page).getByText('Connected').waitFor();
  assert.deepEqual(await places(page, seen, token), []);

  await choose(page, 'whoami');
  await run(page);
  await result(page).getByText('Done').waitFor();
  await eachExchange(page, async () => assert.deepEqual(await places(page, seen, token), []));
  await rows(page, 'whoami').click();
  const exchanges = view(page).locator('.exchanges');
  await exchanges.getByText(/^Headers/).first().click();
  await exchanges.getByText('Bearer •••').first().waitFor();

  // What the person writes into a form is theirs; the exchange masks it all the same.
  await choose(page, 'echo');
  await form(page).getByLabel('message').fill(`it is ${token}`);
  await run(page);
  await result(page).getByText('it is').waitFor();
  await rows(page, 'echo').click();
  assert.doesNotMatch(await exchanges.innerHTML(), new RegExp(token.slice(8, 30)));
  assert.match(await exchanges.innerText(), /it is •••/);

  // Nothing is kept: after a reload nobody is connected.
  await page.reload();
  await button(page, 'Connect').waitFor();
  assert.deepEqual(await places(page, { console: [], errors: [], requests: seen.requests }, token), []);
});

test('a token that is refused is in no error and in no exchange', async (t) => {
  const token = 'propusk_this-is-nobody-s-token-but-a-secret-still';
  const { page, seen } = await open(t, file.browser, file.server.origin);
  await connect(page, { token });
  await view(page).getByRole('heading', { name: 'The token is not accepted' }).waitFor();
  assert.deepEqual(await places(page, seen, token), []);
  await eachExchange(page, async () => assert.deepEqual(await places(page, seen, token), []));
});

test('a token is kept in the session storage of the tab where the person asks for it, and gone with the connection', async (t) => {
  const token = await file.server.issue('alice', ['echo']);
  const { page, seen, context } = await open(t, file.browser, file.server.origin);
  await connect(page, { token, keep: true });
  await status(page).getByText('Connected').waitFor();
  assert.deepEqual(await places(page, seen, token), ['sessionStorage']);

  await page.reload();
  await status(page).getByText('Connected').waitFor();
  await identity(page).getByText('alice').waitFor();

  const beside = await context.newPage();
  await beside.goto(file.server.origin);
  await button(beside, 'Connect').waitFor();
  assert.equal(await beside.locator('.view').count(), 0, 'another tab knows nothing of it');

  await page.getByRole('button', { name: /^Close the connection/ }).click();
  await button(page, 'Connect').waitFor();
  assert.deepEqual(await places(page, seen, token), []);
});
