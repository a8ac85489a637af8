// From an empty page to a result, and out of a refusal, without a mouse.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './browser.mjs';
import { shared } from './file.mjs';
import { startLavish } from './lavish.mjs';
import { button, form, identity, offers, result, rows, status, view } from './person.mjs';
import { Propusk } from './programs.mjs';

const file = shared(async () => ({ server: await Propusk.start(file), lavish: await startLavish(file) }));

/** Where the keyboard is, and whether a person can see that. */
async function focus(page) {
  return page.evaluate(() => {
    const it = document.activeElement;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(it);
    const shown = (style, width, shadow) => (style !== 'none' && parseFloat(width) > 0) || shadow !== 'none';
    // Of a hidden control the label around it shows the focus.
    const around = it.closest('label');
    const its = around && getComputedStyle(around);
    const box = it.getBoundingClientRect();
    return {
      name: it.getAttribute('aria-label') ?? it.textContent.trim().slice(0, 40) ?? it.id,
      tag: it.tagName,
      visible: shown(outlineStyle, outlineWidth, boxShadow) || (its !== null && shown(its.outlineStyle, its.outlineWidth, its.boxShadow)),
      inSight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    };
  });
}

async function seesFocus(page) {
  const at = await focus(page);
  assert.ok(at.visible, `the focus can be seen at ${JSON.stringify(at)}`);
  assert.ok(at.inSight, `it is in sight at ${JSON.stringify(at)}`);
  return at;
}

test('connect, find, fill in, run: keys alone', async (t) => {
  const token = await file.server.issue('alice', ['echo']);
  const { page } = await open(t, file.browser, file.server.origin);
  const { keyboard } = page;
  await page.locator('input[type=password]:focus').waitFor();
  await seesFocus(page);
  await keyboard.type(token);
  await keyboard.press('Enter');
  await status(page).getByText('Connected').waitFor();
  await offers(page).first().waitFor();

  await keyboard.press('/');
  await page.locator('input[type=search]:focus').waitFor();
  await seesFocus(page);
  await keyboard.type('say');
  await offers(page).nth(1).waitFor({ state: 'detached' });
  await keyboard.press('Enter');
  await form(page).locator('input:focus, textarea:focus').waitFor();
  await seesFocus(page);
  await keyboard.type('no mouse here');
  await keyboard.press('Control+Enter');
  await result(page).getByText('no mouse here').waitFor();

  // Where nobody types, the filter is one key away; the list goes by arrows.
  await keyboard.press('Tab');
  await keyboard.press('/');
  await keyboard.type('/'); // now a letter like any other
  assert.equal(await page.locator('input[type=search]').inputValue(), '/');
  await keyboard.press('Escape');
  assert.equal(await page.locator('input[type=search]').inputValue(), '');
  await keyboard.press('ArrowDown');
  await keyboard.press('Home');
  await seesFocus(page);
  await view(page).getByRole('option', { selected: true }).getByText('echo').waitFor();
  await keyboard.press('ArrowDown');
  await view(page).getByRole('option', { selected: true }).getByText('whoami').waitFor();
  await keyboard.press('Enter');
  await keyboard.press('Enter');
  await result(page).getByText('alice').first().waitFor();

  // The exchanges.
  await keyboard.press('t');
  await view(page).locator('[data-exchange]:focus').waitFor();
  await seesFocus(page);
  await keyboard.press('Enter');
  await view(page).locator('.exchanges').getByRole('heading', { name: 'Request' }).waitFor();
  await keyboard.press('Escape');
  assert.equal(await view(page).locator('.exchanges').getByRole('heading', { name: 'Request' }).count(), 0);

  // The keys themselves.
  await keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await keyboard.press('Escape');
  assert.equal(await page.getByRole('dialog', { name: 'Keys' }).count(), 0);
  await keyboard.press('n');
  await button(page, 'Connect').waitFor();
  await keyboard.press('Escape');
});

test('escape cancels a call', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin);
  const { keyboard } = page;
  await page.locator('input[type=password]:focus').waitFor();
  await keyboard.press('Shift+Tab');
  await keyboard.press('ArrowRight');
  await keyboard.press('ArrowRight');
  await page.getByRole('radio', { name: 'No token' }).and(page.locator(':checked')).waitFor();
  await keyboard.press('Shift+Tab');
  await keyboard.press('Control+a');
  await keyboard.type(file.lavish.url);
  await keyboard.press('Enter');
  await status(page).getByText('Connected').waitFor();
  await offers(page).first().waitFor();
  await keyboard.press('/');
  await keyboard.type('slow');
  await keyboard.press('Enter');
  await form(page).locator(':focus').waitFor();
  await keyboard.press('Control+Enter');
  await form(page).getByText('25 %').waitFor();
  await keyboard.press('Escape');
  await result(page).getByText('Cancelled').waitFor();
});

test('a refusal is read and overcome by keys', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin);
  const { keyboard } = page;
  await page.locator('input[type=password]:focus').waitFor();
  await keyboard.type('propusk_wrong-from-the-keyboard');
  await keyboard.press('Enter');
  await view(page).getByRole('heading', { name: 'The token is not accepted' }).waitFor();
  const better = button(view(page), 'Use another token and try again');
  await tabTo(page, better);
  await keyboard.press('Enter');
  await page.locator('dialog input:focus, dialog button:focus').first().waitFor();
  await tabTo(page, page.getByRole('dialog').getByLabel('Access token'));
  await keyboard.type(await file.server.issue('alice', ['echo']));
  await keyboard.press('Enter');
  await status(page).getByText('Connected').waitFor();
  await identity(page).getByText('alice').waitFor();
});

test('tab reaches every control, in sight, and goes round', async (t) => {
  const token = await file.server.issue('alice', ['echo']);
  const { page } = await open(t, file.browser, file.server.origin);
  await page.locator('input[type=password]:focus').waitFor();
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await status(page).getByText('Connected').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('echo');
  await page.keyboard.press('Enter');
  await form(page).locator(':focus').waitFor();

  const wanted = ['Close the connection', 'New connection', 'Another token', 'Tools', 'Filter', 'Run', 'Refused only', 'Clear'];
  const met = [];
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press('Tab');
    const { tag } = await focus(page);
    if (tag === 'BODY') continue; // Past the end: the browser's own controls would come.
    const { name } = await seesFocus(page);
    met.push(name || await page.evaluate(() => document.activeElement.labels?.[0]?.textContent.trim() ?? ''));
  }
  for (const name of wanted) assert.ok(met.some((one) => one.startsWith(name)), `${name} is not among ${met.join(', ')}`);
  assert.ok(await rows(page).count() > 1);
});

async function tabTo(page, wanted) {
  for (let step = 0; step < 40; step += 1) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
    await seesFocus(page);
  }
  assert.fail('tab never came there');
}
