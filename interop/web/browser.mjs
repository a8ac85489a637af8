// A real browser that sees nothing but this machine, and watches what a page does there.

import { accessSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { root } from './programs.mjs';

const home = process.env.PROPUSK_TEST_BROWSER ?? join(root, '.work/browser');
const { resolve } = createRequire(join(home, 'package.json'));
const { default: { chromium } } = await import(pathToFileURL(resolve('playwright-core')));
const { default: axe } = await import(pathToFileURL(resolve('axe-core')));

/** One browser for the tests of a file. */
export async function launch() {
  return chromium.launch({
    executablePath: program(),
    args: ['--disable-dev-shm-usage', '--disable-quic', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
  });
}

/** A page as somebody opens it for the first time: `locale`, `colorScheme`, `viewport` and so on. */
export async function open(t, browser, url, options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  t.after(() => context.close());
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const seen = watch(page);
  await page.goto(url);
  return { page, context, seen };
}

/** Everything that a page asks for, says, and does wrong. */
function watch(page) {
  const seen = { requests: [], console: [], errors: [] };
  page.on('request', (request) => seen.requests.push(request.url()));
  page.on('console', (message) => seen.console.push(message.text()));
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  return seen;
}

/** What axe finds against WCAG 2.2 A and AA: nothing, or a text for each. */
export async function violations(page) {
  // Its own way in: the page's policy lets no script of others in, and this is none of the page.
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  return found.violations.map(({ id, help, nodes }) =>
    `${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} (${failureSummary})`).join(' | ')}`);
}

function program() {
  const folders = process.env.PATH.split(delimiter);
  const programs = ['chromium-headless-shell', 'chromium', 'google-chrome'];
  const found = programs.flatMap((name) => folders.map((folder) => join(folder, name))).find(isThere);
  if (!found) throw new Error(`none of ${programs.join(', ')} is installed`);
  return found;
}

function isThere(path) {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
