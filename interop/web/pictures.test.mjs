// The README's pictures: made anew by each run, next to those of the other states. docs/pictures has
// the ones that were looked at and committed.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open, picture } from './browser.mjs';
import { shared } from './file.mjs';
import { button, choose, connect, form, identity, offers, result, run, status, view } from './person.mjs';
import { Propusk } from './programs.mjs';

const WIDE = { width: 1180, height: 720 };
const NARROW = { width: 390, height: 720 };

const file = shared();

async function connected(page, token, name) {
  await connect(page, { token });
  await status(page).getByText('Connected').waitFor();
  await identity(page).getByText(name).waitFor();
  await offers(page).first().waitFor();
}

async function addNote(page, note) {
  await form(page).getByLabel('text').fill(note);
  await run(page);
}

/** Alice's notes, as a table. */
async function notes(page, server) {
  await connected(page, await server.issue('alice', ['notes:read', 'notes:write']), 'alice');
  await choose(page, 'notes_add');
  for (const note of ['Ask for the scope, not for the token', 'Rotate the keys in spring', 'Buy milk']) {
    await addNote(page, note);
    await result(page).getByText(note).first().waitFor();
  }
  const back = button(view(page), '← Back to the list');
  if (await back.isVisible()) await back.click();
  await choose(page, 'notes_list');
  await run(page);
  await result(page).getByRole('table').waitFor();
}

/** What Bob reads where a scope is missing. */
async function refused(page, server) {
  await connected(page, await server.issue('bob', ['notes:read']), 'bob');
  await choose(page, 'notes_add');
  await addNote(page, 'Buy milk');
  await result(page).locator('.refusal').waitFor();
}

for (const [name, reach, options] of [
  ['page', notes, { viewport: WIDE, colorScheme: 'light' }],
  ['refused', refused, { viewport: { ...WIDE, height: 860 }, colorScheme: 'light' }],
  ['dark', notes, { viewport: WIDE, colorScheme: 'dark' }],
  ['narrow', notes, { viewport: NARROW, colorScheme: 'light' }],
]) {
  test(`the picture ${name}`, async (t) => {
    const server = await Propusk.start(t, { flags: ['--show-all'] });
    const { page } = await open(t, file.browser, server.origin, options);
    await reach(page, server);
    await page.mouse.move(0, 0);
    await page.evaluate(() => document.activeElement.blur());
    const bytes = await picture(page, name);
    assert.ok(bytes.length > 10_000 && bytes.length < 150_000, `${bytes.length} bytes`);
  });
}
