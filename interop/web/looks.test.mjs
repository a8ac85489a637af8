// Every main state in both languages, both themes, wide and narrow: nothing for axe to find, nothing
// that goes beyond the edge, nothing that jumps.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open, picture, violations } from './browser.mjs';
import { shared } from './file.mjs';
import { startLavish } from './lavish.mjs';
import { choose, connect, form, identity, offers, result, run, status, view } from './person.mjs';
import { Propusk } from './programs.mjs';
import { STATES } from './states.mjs';

const SIZES = { wide: { width: 1360, height: 860 }, narrow: { width: 375, height: 720 } };

const file = shared(async () => {
  const server = await Propusk.start(file, { flags: ['--show-all'] });
  return {
    server,
    lavish: await startLavish(file),
    token: await server.issue('alice', ['notes:read', 'echo']),
    wrong: 'propusk_this-one-was-never-issued',
  };
});

/** The elements that make the page wider than its window. */
const tooWide = (page) => page.evaluate(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  return [...document.querySelectorAll('body *')]
    .filter((it) => it.getBoundingClientRect().right > clientWidth + 1)
    .map((it) => `${it.tagName}.${it.className} to ${Math.round(it.getBoundingClientRect().right)} of ${clientWidth}`);
});

for (const locale of ['en-GB', 'ru-RU']) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`${locale}, ${size}, light and dark`, async (t) => {
      const { page, seen } = await open(t, file.browser, file.server.origin, { locale, colorScheme: 'light', viewport });
      const wrong = [];
      for (const [state, reach] of Object.entries(STATES)) {
        await reach(page, file);
        const note = (found) => wrong.push(...found.map((one) => `${state}: ${one}`));
        note(await violations(page));
        note(await tooWide(page));
        await picture(page, [state, locale.slice(0, 2), size, 'light'].join('-'));
        await page.emulateMedia({ colorScheme: 'dark' });
        // Nothing but colours is another now.
        note(await violations(page, ['color-contrast', 'link-in-text-block']));
        await picture(page, [state, locale.slice(0, 2), size, 'dark'].join('-'));
        await page.emulateMedia({ colorScheme: 'light' });
      }
      assert.deepEqual(wrong, []);
      assert.equal(await page.evaluate(() => document.documentElement.lang), locale.slice(0, 2));
      assert.deepEqual(seen.errors, []);
    });
  }
}

test('language and theme are changed in the page, and stay', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin, { colorScheme: 'light' });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.getByLabel('Colours').selectOption('Dark');
  assert.notEqual(await background(), light);
  await page.getByLabel('Language').selectOption('Русский');
  await page.getByRole('button', { name: 'Подключиться', exact: true }).waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Подключиться', exact: true }).waitFor();
  assert.notEqual(await background(), light);
  assert.deepEqual(await page.evaluate(() => Object.values(localStorage).sort()), ['dark', 'ru'], 'and nothing else is kept');
});

test('nothing jumps while something loads, runs or ends', async (t) => {
  const { page } = await open(t, file.browser, 'about:blank', { viewport: SIZES.wide });
  let slow = 400;
  await page.route('**/mcp', async (route) => {
    await new Promise((done) => { setTimeout(done, slow); });
    await route.continue().catch(() => undefined);
  });
  await page.goto(file.server.origin);
  await page.evaluate(() => {
    globalThis.shifted = 0;
    const take = (list) => list.getEntries().forEach(({ hadRecentInput, value }) => { if (!hadRecentInput) globalThis.shifted += value; });
    new PerformanceObserver(take).observe({ type: 'layout-shift', buffered: true });
  });
  const boxes = () => page.evaluate((names) => names.map((name) => {
    const box = document.querySelector(`.view:not([hidden]) ${name}`)?.getBoundingClientRect();
    return box && [name, box.x, box.y, box.width];
  }), ['.who', 'main', '.exchanges', 'nav', '[role=tablist]', 'input[type=search]']);

  await connect(page, { token: file.token });
  await status(page).getByText('Connected').waitFor();
  await view(page).getByText('Asking the server…').waitFor();
  const before = await boxes();
  await offers(page).first().waitFor();
  await identity(page).waitFor();
  assert.deepEqual(await boxes(), before);

  await choose(page, 'echo');
  await form(page).getByLabel('message').fill('still');
  const bar = () => form(page).locator('.bar').boundingBox();
  const atRest = await bar();
  slow = 600;
  await run(page);
  await form(page).getByRole('progressbar').waitFor();
  assert.deepEqual(await bar(), atRest);
  await result(page).getByText('Done').waitFor();
  assert.deepEqual(await bar(), atRest);
  assert.deepEqual(await boxes(), before);
  // The browser's own measure, where 0.1 is good: a tab that gets its name, a number that gets longer.
  const shifted = await page.evaluate(() => globalThis.shifted);
  assert.ok(shifted < 0.01, `${shifted}`);
});
