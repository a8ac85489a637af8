// Forms of every kind of schema, and results of every kind, at a server that has one of each.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './browser.mjs';
import { shared } from './file.mjs';
import { startLavish } from './lavish.mjs';
import { button, choose, connect, form, result, rows, run, status, view } from './person.mjs';
import { Propusk } from './programs.mjs';
import { text } from './words.mjs';

const file = shared(async () => ({ server: await Propusk.start(file), lavish: await startLavish(file) }));

async function connected(t, options) {
  const opened = await open(t, file.browser, file.server.origin, options);
  await connect(opened.page, { url: file.lavish.url, token: null });
  await status(opened.page).getByText('Connected').waitFor();
  return opened;
}

/** What the tool `every kind` says that it got. */
async function said(page) {
  await result(page).getByText('Done').waitFor();
  await button(result(page), 'JSON').click();
  return JSON.parse(await result(page).locator('pre').innerText());
}

test('a field of every kind is drawn, filled in and sent as the schema wants it', async (t) => {
  const { page, seen } = await connected(t);
  await choose(page, 'every kind');
  const it = form(page);
  const field = (name) => it.getByLabel(name, { exact: false }).first();
  await field('Text').fill('words');
  await it.getByText('Said under the field').waitFor();
  await field('Mail').fill('a@example.com');
  await field('Day').fill('2026-01-31');
  await field('Count').fill('3');
  await field('Ratio').fill('0.5');
  await field('Sure').check();
  await field('Colour').selectOption({ label: 'green' });
  await field('Fixed').selectOption('always');
  await field('Maybe').selectOption('nothing (null)');
  await button(it, 'Add an item').click();
  await it.getByRole('textbox', { name: /Tags/ }).fill('one');
  await it.getByRole('textbox', { name: /^1/ }).fill('first');
  await it.getByRole('spinbutton', { name: /^2/ }).fill('2');
  await field('City').fill('Berlin');
  await field('Either').selectOption('By number');
  await field('Number').fill('7');
  await button(it, 'Add a member').click();
  await it.getByRole('textbox', { name: /Name/ }).last().fill('size');
  await it.getByRole('textbox', { name: /Name/ }).last().press('Tab');
  await field('Value').fill('root');
  await button(it, 'Fill in').first().click();
  await it.getByLabel('Value').last().fill('leaf');
  await run(page);
  assert.deepEqual(await said(page), {
    text: 'words', mail: 'a@example.com', day: '2026-01-31', count: 3, ratio: 0.5, sure: true, colour: 'green',
    fixed: 'always', maybe: null, tags: ['one'], pair: ['first', 2], place: { city: 'Berlin' }, either: { number: 7 },
    labels: { size: '' }, tree: { value: 'root', next: { value: 'leaf' } },
  });
  assert.deepEqual(seen.errors, []);
});

test('what does not fit is said at its field in words, and nothing is sent', async (t) => {
  const { page } = await connected(t);
  await choose(page, 'every kind');
  const it = form(page);
  await it.getByLabel('Text').first().fill('x');
  await it.getByLabel('Mail').fill('no mail');
  await it.getByLabel('Count').fill('11');
  await run(page);
  const summary = it.getByRole('alert').filter({ hasText: 'need another look' });
  await summary.waitFor();
  const problems = await text(summary);
  assert.match(problems, /text: At least 2 characters\./);
  assert.match(problems, /mail: Must be an e-mail address\./);
  assert.match(problems, /count: 10 or less\./);
  assert.equal(await rows(page, 'tools/call').count(), 0);
  assert.ok(await page.evaluate(() => document.activeElement.closest('form') !== null), 'the focus is where the work is');
  assert.ok(await it.locator('[aria-invalid=true]').count() >= 3);
});

test('one press of the button is enough after a correction, however long it takes', async (t) => {
  const { page } = await connected(t);
  await choose(page, 'greet', 'Prompts');
  await run(page, 'Get');
  await form(page).getByText('Needed.').first().waitFor();
  await form(page).getByLabel('who').fill('Ada');
  await button(form(page), 'Get').click({ delay: 200 });
  await result(page).getByText('Say hello to Ada').waitFor();
});

test('the same input as JSON, both ways', async (t) => {
  const { page } = await connected(t);
  await choose(page, 'every kind');
  const it = form(page);
  await it.getByLabel('Text').first().fill('words');
  await it.getByLabel('Count').fill('3');
  const modes = view(page).locator('.offer');
  await button(modes, 'JSON').click();
  const editor = it.getByLabel('Arguments as JSON');
  const shown = JSON.parse(await editor.inputValue());
  assert.equal(shown.text, 'words');
  assert.equal(shown.count, 3);

  await editor.fill('{ "text": "wo');
  await run(page);
  await it.getByText(/This is not JSON: look at line 1/).waitFor();
  await editor.fill('{ "text": "w", "count": 3 }');
  await run(page);
  await it.getByText('At least 2 characters.').waitFor();
  await editor.fill('{ "text": "from JSON", "count": 4, "tree": { "value": "a", "next": { "value": "b" } } }');
  await run(page);
  assert.deepEqual(await said(page), { text: 'from JSON', count: 4, tree: { value: 'a', next: { value: 'b' } } });
  await button(modes, 'Form').click();
  assert.equal(await it.getByLabel('Text').first().inputValue(), 'from JSON');
});

test('results are drawn as what they are', async (t) => {
  const { page } = await connected(t);
  await choose(page, 'picture');
  await run(page);
  const image = result(page).getByRole('img', { name: 'An image from the server' });
  await image.waitFor();
  assert.equal(await image.evaluate((it) => it.naturalWidth), 1);
  await result(page).locator('audio').or(result(page).getByText('The browser cannot show this.')).first().waitFor();

  await choose(page, 'table');
  await run(page);
  const table = result(page).getByRole('table');
  await table.getByRole('columnheader', { name: 'city' }).waitFor();
  assert.deepEqual(await table.getByRole('row').allInnerTexts().then((all) => all.map((row) => row.replace(/\s+/g, ' ').trim())),
    ['city size', 'Berlin 3.7', 'Hamburg 1.9']);
  await button(result(page), 'Tree').click();
  await result(page).getByText('Hamburg').waitFor();
  await button(result(page), 'JSON').click();
  await result(page).locator('pre', { hasText: '"city": "Hamburg"' }).waitFor();

  await choose(page, 'wrong');
  await view(page).getByText('may destroy').waitFor();
  await run(page);
  await result(page).getByText('The tool reports an error').waitFor();
  await result(page).getByText('the disk is full').waitFor();

  await choose(page, 'nothing');
  await run(page);
  await result(page).getByText('The result is empty.').waitFor();
});

test('progress is a bar, and cancelling reaches the server', async (t) => {
  const { page } = await connected(t);
  await choose(page, 'slow');
  await run(page);
  const bar = view(page).getByRole('progressbar', { name: 'Progress' });
  await form(page).getByText('25 %').waitFor();
  assert.equal(await bar.getAttribute('value'), '0.25');
  await form(page).getByText('a quarter').waitFor();
  await button(form(page), 'Cancel').click();
  await result(page).getByText('Cancelled').waitFor();
  assert.equal(await bar.count(), 0);
  await until(() => file.lavish.notified.some(({ method }) => method === 'notifications/cancelled'));

  await choose(page, 'steps');
  await run(page);
  await result(page).getByText('all steps done').waitFor();
});

test('a question of the server is a dialog, and each answer is the one that the person gave', async (t) => {
  const { page } = await connected(t);
  const dialog = page.getByRole('dialog');
  const answers = async (answer) => {
    await run(page);
    await dialog.getByText('Who are you?').waitFor();
    await answer();
    return said(page);
  };
  await choose(page, 'asks');
  assert.deepEqual(await answers(async () => {
    await button(dialog, 'Send').click();
    await dialog.getByText('Needed.').first().waitFor();
    await dialog.getByLabel('Your name').fill('Ada');
    await dialog.getByLabel('Age').fill('36');
    await page.keyboard.press('Control+Enter');
  }), { action: 'accept', content: { name: 'Ada', age: 36 } });
  assert.deepEqual(await answers(() => button(dialog, 'Decline').click()), { action: 'decline' });
  assert.deepEqual(await answers(() => page.keyboard.press('Escape')), { action: 'cancel' });
});

test('an address that the server asks to open is opened by the person only', async (t) => {
  const { page, seen } = await connected(t);
  await choose(page, 'asks elsewhere');
  await run(page);
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Please pay').waitFor();
  await dialog.getByText('pay.example', { exact: true }).waitFor();
  const link = dialog.getByRole('link', { name: 'Open in a new tab' });
  assert.equal(await link.getAttribute('href'), 'https://pay.example/');
  assert.equal(await link.getAttribute('rel'), 'noopener noreferrer');
  assert.ok(!seen.requests.some((url) => url.includes('pay.example')), 'nothing was asked of it before');
  await button(dialog, 'Decline').click();
  assert.deepEqual(await said(page), { action: 'decline' });
});

test('prompts are filled in and read, resources and their templates too', async (t) => {
  const { page } = await connected(t);
  await choose(page, 'greet', 'Prompts');
  await run(page, 'Get');
  await form(page).getByText('Needed.').first().waitFor();
  await form(page).getByLabel('who').fill('Ada');
  await run(page, 'Get');
  await result(page).getByRole('heading', { name: 'User' }).waitFor();
  await result(page).getByText('Say hello to Ada').waitFor();

  await choose(page, 'one', 'Resources');
  await run(page, 'Read');
  await result(page).getByText('what note://one says').waitFor();
  await choose(page, 'a note', 'Resources');
  await form(page).getByLabel('name').fill('two words');
  await run(page, 'Read');
  await result(page).getByText('what note://two%20words says').waitFor();
});

/** Looks again and again, at most for some seconds. */
async function until(is) {
  for (let looked = 0; looked < 200; looked += 1) {
    if (is()) return;
    await new Promise((done) => { setTimeout(done, 25); });
  }
  assert.fail('it did not come about');
}
