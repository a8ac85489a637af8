// A server that means harm: nothing of what it sends runs, loads, opens, or makes the page unusable.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './browser.mjs';
import { shared } from './file.mjs';
import { HUGE, MARKUP, startHostile, TOOLS } from './hostile.mjs';
import { button, connect, form, offers, result, run, status, view } from './person.mjs';
import { Propusk } from './programs.mjs';
import { text } from './words.mjs';

const file = shared(async () => ({ server: await Propusk.start(file), hostile: await startHostile(file) }));

async function connected(t) {
  const opened = await open(t, file.browser, file.server.origin);
  await connect(opened.page, { url: file.hostile.url, token: null });
  await status(opened.page).getByText('Connected').waitFor();
  await offers(opened.page).first().waitFor();
  return opened;
}

/** Filters the list down to this tool and chooses it. */
async function find(page, name) {
  await view(page).getByLabel('Filter').fill(name);
  await offers(page).filter({ has: page.getByText(name, { exact: true }) }).first().click();
}

/** Nothing ran, nothing else was asked, and the policy had nothing to hold back. */
async function unharmed(page, seen) {
  assert.equal(await page.evaluate(() => globalThis.hit), undefined);
  assert.equal(page.frames().length, 1);
  const known = [file.server.origin, new URL(file.hostile.url).origin];
  assert.deepEqual(seen.requests.filter((url) => !/^(data|blob):/.test(url) && !known.includes(new URL(url).origin)), []);
  assert.deepEqual(seen.console.filter((line) => /Content Security Policy|TrustedHTML|Trusted Type/i.test(line)), []);
  assert.deepEqual(seen.errors, []);
}

test('markup and scripts in names, descriptions, arguments and results are text', async (t) => {
  const { page, seen } = await connected(t);
  await view(page).getByText(MARKUP[2]).first().waitFor();
  await offers(page).first().click();
  await view(page).getByRole('heading', { name: MARKUP[1] }).waitFor();
  await run(page);
  await result(page).getByText('Done').waitFor();
  for (const markup of MARKUP) await result(page).getByText(markup, { exact: true }).first().waitFor();
  await button(result(page), 'Table').or(button(result(page), 'Tree')).first().click();
  await button(result(page), 'JSON').first().click();

  for (const list of ['Prompts', 'Resources']) {
    await view(page).getByRole('tab', { name: list }).click();
    await offers(page).first().click();
    await button(form(page), list === 'Prompts' ? 'Get' : 'Read').click();
  }
  await result(page).getByRole('alert').waitFor();
  for (const row of await view(page).locator('[data-exchange]').all()) await row.click();
  await unharmed(page, seen);
  assert.equal(await page.locator('iframe, object, embed').count(), 0);
  assert.match(await page.title(), /^127\.0\.0\.1:\d+ · propusk$/);
});

test('what is no web address is no link', async (t) => {
  const { page, seen } = await connected(t);
  await find(page, 'links');
  await run(page);
  await result(page).getByText('Done').waitFor();
  await result(page).getByText('javascript:window.hit=1').first().waitFor();
  const links = await result(page).getByRole('link').evaluateAll((all) => all.map((link) => [link.getAttribute('href'), link.rel, link.target]));
  assert.deepEqual(links, [['http://127.0.0.1:9/fine', 'noopener noreferrer', '_blank']]);
  await unharmed(page, seen);
});

test('five megabytes of text are shown a window at a time', async (t) => {
  const { page, seen } = await connected(t);
  await find(page, 'huge');
  assert.ok((await text(view(page).locator('.offer header'))).length < 5_000, 'a long description is cut');
  await run(page);
  await result(page).getByText('Done').waitFor();
  await result(page).getByText(/5,2\d\d,\d{3} characters/).waitFor();
  const nodes = () => page.evaluate(() => document.querySelectorAll('*').length);
  assert.ok(await nodes() < 3_000, `${await nodes()} elements`);
  assert.ok((await result(page).innerText()).length < 50_000);
  const lines = result(page).locator('.rows');
  await lines.evaluate((it) => { it.scrollTop = it.scrollHeight / 2; });
  await lines.getByText(MARKUP[0]).first().waitFor();
  assert.ok(await nodes() < 3_000);

  // The page goes on: another tool, another list.
  await find(page, 'links');
  await run(page);
  await result(page).getByText('vbscript:x').first().waitFor();
  await unharmed(page, seen);
  assert.ok(HUGE > 5_000_000);
});

test('two thousand tools are a list that scrolls and filters', async (t) => {
  const { page, seen } = await connected(t);
  await view(page).getByText(`${TOOLS} in all`).waitFor();
  assert.ok(await offers(page).count() < 100, 'only what is in sight is drawn');
  await offers(page).first().click();
  await page.keyboard.press('End');
  await offers(page).getByText(`tool-${TOOLS - 12}`).waitFor();
  assert.ok(await offers(page).count() < 100);
  await page.keyboard.press('Home');
  await offers(page).getByText('refers to itself', { exact: true }).waitFor();

  await view(page).getByLabel('Filter').pressSequentially('tool-19');
  await view(page).getByText(/of 2000/).waitFor();
  assert.equal(await offers(page).first().locator('.title').innerText(), 'tool-1900');
  await view(page).getByLabel('Filter').fill('there is no such tool');
  await button(view(page), 'Clear the filter').click();
  await view(page).getByText(`${TOOLS} in all`).waitFor();
  await unharmed(page, seen);
});

for (const [name, note] of [
  ['refers to itself', null],
  ['loop', /Write it as JSON/],
  ['circle', /Write it as JSON/],
  ['elsewhere', /another document, which this page does not load/],
  ['pattern', null],
  ['nonsense', undefined],
  ['__proto__', undefined],
]) {
  test(`a schema that is a trap gets a form or an editor: ${name}`, async (t) => {
    const { page, seen } = await connected(t);
    await find(page, name);
    await button(form(page), 'Run').waitFor();
    if (note) await view(page).getByText(note).waitFor();
    if (name === 'pattern') await form(page).getByRole('textbox').fill('a'.repeat(60) + '!');
    if (name === 'refers to itself') {
      for (let depth = 0; depth < 4; depth += 1) await button(form(page), 'Fill in').first().click();
      await form(page).getByLabel('value').nth(2).waitFor();
    }
    await run(page);
    await view(page).locator('.outcome, .offer [role=alert]:not(:empty)').first().waitFor();
    // It did not hang: the page still answers.
    await view(page).getByLabel('Filter').fill('links');
    await offers(page).nth(1).waitFor({ state: 'detached' });
    await unharmed(page, seen);
    assert.equal(await page.evaluate(() => ({}).polluted ?? Object.keys(Object.prototype).length), 0);
  });
}
