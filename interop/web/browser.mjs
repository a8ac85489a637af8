// A real browser that sees nothing but this machine, and watches what a page does there.

import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { program } from '../browser/chromium.mjs';
import { root } from './programs.mjs';

const home = process.env.PROPUSK_TEST_BROWSER ?? join(root, '.work/browser');
const { resolve } = createRequire(join(home, 'package.json'));
const { default: { chromium } } = await import(pathToFileURL(resolve('playwright-core')));
const { default: axe } = await import(pathToFileURL(resolve('axe-core')));

/** A folder with another page than the one that the binary has in it, for those who work on it. */
const BUILT = process.env.PROPUSK_TEST_PAGE;
const PICTURES = process.env.PROPUSK_TEST_PICTURES ?? join(root, '.work/pictures');

/** One browser for the tests of a file. */
export async function launch(t) {
  const browser = await chromium.launch({
    executablePath: program(),
    args: [
      '--disable-dev-shm-usage', '--disable-quic', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      // A page from a file comes from no address, which then may not speak to this machine.
      ...(BUILT ? ['--disable-features=LocalNetworkAccessChecks'] : []),
    ],
  });
  t.after(() => browser.close());
  return browser;
}

/** A page as somebody opens it for the first time: `locale`, `colorScheme`, `viewport` and so on. */
export async function open(t, browser, url, options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(20_000);
  if (BUILT) await context.route(/\/(callback(\?.*)?|assets\/[^/]+|(\?.*)?)$/, builtFile);
  const page = await context.newPage();
  const seen = watch(page);
  await page.goto(url);
  return { page, context, seen };
}

/** Keeps what the page shows now, under this name. */
export async function picture(page, name) {
  mkdirSync(PICTURES, { recursive: true });
  return page.screenshot({ path: join(PICTURES, `${name}.png`), animations: 'disabled', caret: 'hide' });
}

/** A file of `BUILT` under the headers of the real one. */
async function builtFile(route) {
  const answer = await route.fetch();
  const name = new URL(route.request().url()).pathname;
  if (route.request().method() !== 'GET' || !answer.headers()['content-security-policy']) return route.fulfill({ response: answer });
  const file = extname(name) ? name.slice(1) : 'index.html';
  return route.fulfill({ response: answer, body: await readFile(join(BUILT, file)) });
}

/** Everything that a page asks for, says, and does wrong. */
function watch(page) {
  const seen = { requests: [], console: [], errors: [] };
  page.on('request', (request) => seen.requests.push(request.url()));
  page.on('console', (message) => seen.console.push(message.text()));
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  return seen;
}

/** What axe finds against WCAG 2.2 A and AA: nothing, or a text for each. `rules` are the only ones to look at. */
export async function violations(page, rules) {
  // Its own way in: the page's policy lets no script of others in, and this is none of the page.
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(axe.source);
  const found = await page.evaluate((only) => globalThis.axe.run(document, {
    runOnly: only ?? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations'],
  }), rules);
  return found.violations.map(({ id, help, nodes }) =>
    `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} (${failureSummary})`).join(' | ')}`);
}
