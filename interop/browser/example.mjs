// The example of a client in the browser, in a real one: another origin than the server's, so that the
// browser asks first (CORS).
//
//     node example.mjs --page FOLDER --allowed URL --scoped URL --closed URL
//
// The folder holds the built example. The servers take the token of PROPUSK_TOKEN: the first lets pages
// of this machine ask, the second does and wants a scope that the token lacks, the third lets no page.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { program } from './chromium.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const home = process.env.PROPUSK_TEST_BROWSER ?? join(here, '../../.work/browser');
const { resolve } = createRequire(join(home, 'package.json'));
const { default: { chromium } } = await import(pathToFileURL(resolve('playwright-core')));

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };
const { values: flags } = parseArgs({
  options: Object.fromEntries(['page', 'allowed', 'scoped', 'closed'].map((name) => [name, { type: 'string' }])),
});
const token = process.env.PROPUSK_TOKEN;

const files = createServer(async ({ url }, response) => {
  const path = url === '/' ? '/index.html' : url;
  const content = await readFile(join(flags.page, path)).catch(() => null);
  response.writeHead(content ? 200 : 404, { 'content-type': TYPES[extname(path)] ?? 'text/plain' }).end(content);
});
await new Promise((resolve) => { files.listen(0, '127.0.0.1', resolve); });
const browser = await chromium.launch({
  executablePath: program(),
  args: ['--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`http://127.0.0.1:${files.address().port}/`);

  const said = await ask(page, flags.allowed, token);
  assert.match(said, /"subject": "alice"/);
  assert.match(said, /Hello!$/);
  assert.match(await ask(page, flags.allowed, 'another-token'), /^401: /);
  assert.match(await ask(page, flags.scoped, token), /^403: .* this needs: talk$/);
  assert.match(await ask(page, flags.closed, token), /lets no pages of http:\/\/127\.0\.0\.1:\d+ ask$/);
} finally {
  await browser.close();
  files.close();
}
console.log('the example of a client in the browser works');

async function ask(page, server, token) {
  await page.getByLabel('Server').fill(server);
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Ask' }).click();
  const answer = page.getByRole('status');
  await answer.filter({ hasNotText: 'Asking…' }).filter({ hasText: /./ }).waitFor();
  return answer.innerText();
}
