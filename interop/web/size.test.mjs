// What the page weighs on its way, and when something is seen of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open } from './browser.mjs';
import { shared } from './file.mjs';
import { button, connect, status } from './person.mjs';
import { Propusk } from './programs.mjs';

const MOST = 250_000;
const file = shared(async () => ({ server: await Propusk.start(file) }));

test('all of it, as it comes over the wire, is below 250 KB', async (t) => {
  const { page, context } = await open(t, file.browser, 'about:blank');
  const wire = await context.newCDPSession(page);
  await wire.send('Network.enable');
  const names = new Map();
  const encodings = new Map();
  const sizes = new Map();
  wire.on('Network.responseReceived', ({ requestId, response }) => {
    names.set(requestId, new URL(response.url).pathname);
    encodings.set(names.get(requestId), response.headers['content-encoding']);
  });
  wire.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => sizes.set(names.get(requestId), encodedDataLength));

  await page.goto(file.server.origin, { waitUntil: 'networkidle' });
  const parts = [...sizes].map(([name, size]) => `${name} ${size}`).join(', ');
  const sum = [...sizes.values()].reduce((all, size) => all + size, 0);
  t.diagnostic(`${sum} bytes: ${parts}`);
  assert.ok(sum > 10_000 && sum < MOST, parts);
  assert.equal(encodings.get('/assets/app.js'), 'gzip');
  assert.equal(encodings.get('/assets/app.css'), 'gzip');

  // Nothing more of it comes later.
  const before = sizes.size;
  await connect(page, { token: await file.server.issue('alice', ['echo']) });
  await status(page).getByText('Connected').waitFor();
  const later = [...sizes.keys()].slice(before).filter((name) => !name.startsWith('/mcp') && !name.startsWith('/.well-known'));
  assert.deepEqual(later, []);
});

test('what is in the cache is only asked about', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin);
  await button(page, 'Connect').waitFor();
  const answers = [];
  page.on('response', (response) => answers.push(response));
  await page.reload({ waitUntil: 'networkidle' });
  const script = answers.find((response) => response.url().endsWith('/assets/app.js'));
  assert.ok(script.status() === 304 || script.status() === 200);
  const { headers } = await fetch(`${file.server.origin}/assets/app.js`, { headers: { 'accept-encoding': 'gzip' } });
  const again = await fetch(`${file.server.origin}/assets/app.js`, {
    headers: { 'accept-encoding': 'gzip', 'if-none-match': headers.get('etag') },
  });
  assert.equal(again.status, 304);
});

test('when the first useful thing is painted', async (t) => {
  const { page } = await open(t, file.browser, 'about:blank');
  await page.goto(file.server.origin);
  await button(page, 'Connect').waitFor();
  const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  t.diagnostic(`first contentful paint after ${Math.round(painted)} ms`);
  assert.ok(painted > 0);
});
