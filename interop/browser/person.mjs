// A person at a browser: opens a page of the identity provider, signs in, consents, and ends where the
// provider sends the browser.
//
//     node person.mjs --profile FOLDER --report FILE [--refuse] URL
//
// The profile keeps the provider's cookies from one visit to the next. Each visit adds one line of JSON
// to the report: `pages`, each with `title`, `text` and `scripts` (how many there are), and `security`,
// the Content-Security-Policy of the last. Nothing but 127.0.0.1 can be reached. `playwright-core` is
// looked for in the folder of PROPUSK_TEST_BROWSER, the browser itself on the PATH.

import { appendFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { program } from './chromium.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const home = process.env.PROPUSK_TEST_BROWSER ?? join(here, '../../.work/browser');
const { resolve } = createRequire(join(home, 'package.json'));
const { default: { chromium } } = await import(pathToFileURL(resolve('playwright-core')));

/** Sign-in, consent and the end make three. */
const MOST_PAGES = 6;

const { values: flags, positionals: [url] } = parseArgs({
  allowPositionals: true,
  options: {
    profile: { type: 'string' },
    report: { type: 'string' },
    refuse: { type: 'boolean', default: false },
  },
});

const context = await chromium.launchPersistentContext(flags.profile, {
  executablePath: program(),
  args: ['--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
});
context.setDefaultTimeout(30_000);
try {
  appendFileSync(flags.report, `${JSON.stringify(await visit(context.pages()[0]))}\n`);
} finally {
  await context.close();
}

async function visit(page) {
  const pages = [];
  let answer = await page.goto(url);
  while (pages.length < MOST_PAGES) {
    pages.push({
      title: await page.title(),
      text: await page.locator('body').innerText(),
      scripts: await page.locator('script, [onload], [onclick], [href^="javascript:"]').count(),
    });
    const next = await button(page);
    if (!next) return { pages, security: await answer.headerValue('content-security-policy') };
    const loaded = page.waitForEvent('load');
    const answers = [];
    const note = (response) => { if (response.request().isNavigationRequest()) answers.push(response); };
    page.on('response', note);
    await next.click();
    await loaded;
    page.off('response', note);
    answer = answers.at(-1);
  }
  throw new Error(`this does not end: ${JSON.stringify(pages)}`);
}

/** What the person presses on the provider's page; nothing where the way ends. */
async function button(page) {
  const login = page.locator('input[name=login]');
  if (await login.count()) {
    await login.fill('alice');
    await page.locator('input[name=password]').fill('any will do');
    return page.getByRole('button', { name: 'Sign-in' });
  }
  const allow = page.getByRole('button', { name: 'Continue' });
  if (!await allow.count()) return undefined;
  return flags.refuse ? page.getByRole('link', { name: 'Cancel' }) : allow;
}
