// What the server says about its page, and what the page never does.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { open } from './browser.mjs';
import { shared } from './file.mjs';
import { button, choose, connect, form, result, run, status } from './person.mjs';
import { Propusk } from './programs.mjs';

const file = shared(async () => ({ server: await Propusk.start(file) }));

test('every file of the page comes under a policy that lets nothing of others in', async () => {
  const { origin } = file.server;
  for (const path of ['/', '/callback', '/assets/app.js', '/assets/app.css', '/icon.svg']) {
    const { status: code, headers } = await fetch(origin + path);
    assert.equal(code, 200, path);
    const policy = Object.fromEntries(headers.get('content-security-policy').split(';').map((part) => {
      const [name, ...sources] = part.trim().split(' ');
      return [name, sources.join(' ')];
    }));
    assert.deepEqual(
      [policy['require-trusted-types-for'], policy['default-src'], policy['script-src'], policy['style-src'], policy['frame-ancestors'], policy['base-uri'], policy['form-action']],
      ["'script'", "'none'", "'self'", "'self'", "'none'", "'none'", "'none'"],
      path,
    );
    assert.doesNotMatch(headers.get('content-security-policy'), /unsafe|\*/, path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', path);
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin', path);
    assert.equal(headers.get('access-control-allow-origin'), null, path);
  }
});

test('the page has no script, style or handler of its own text', async () => {
  const html = await (await fetch(file.server.origin)).text();
  for (const [, attributes, content] of html.matchAll(/<script([^>]*)>([^]*?)<\/script>/g)) {
    assert.match(attributes, /src="\//);
    assert.equal(content, '');
  }
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|javascript:|https?:/i);
});

test('what is put into the page all the same does not run', async (t) => {
  const { page } = await open(t, file.browser, file.server.origin);
  const held = await page.evaluate(() => {
    const seen = [];
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => seen.push(effectiveDirective));
    const tries = [
      () => { document.body.appendChild(document.createElement('div')).innerHTML = '<img src=x onerror="window.hit=1">'; },
      () => { document.body.appendChild(document.createElement('script')).textContent = 'window.hit = 1'; },
      () => { document.createElement('img').setAttribute('onerror', 'window.hit = 1'); },
      () => { document.body.appendChild(document.createElement('style')).textContent = 'body { display: none }'; },
      () => { document.body.appendChild(document.createElement('iframe')).src = 'https://elsewhere.example/'; },
      () => { document.body.appendChild(document.createElement('img')).src = 'https://elsewhere.example/x.png'; },
    ];
    const thrown = tries.map((attempt) => {
      try { attempt(); return ''; } catch ({ name }) { return name; }
    });
    return new Promise((done) => { setTimeout(() => done({ seen, thrown }), 300); });
  });
  assert.equal(await page.evaluate(() => globalThis.hit), undefined);
  assert.deepEqual(held.thrown.slice(0, 3), ['TypeError', 'TypeError', 'TypeError'], 'trusted types');
  for (const directive of ['require-trusted-types-for', 'style-src-elem', 'frame-src', 'img-src']) {
    assert.ok(held.seen.includes(directive), `${directive}: ${held.seen.join()}`);
  }
});

test('no other page may put it into a frame', async (t) => {
  const around = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<iframe src="${file.server.origin}/"></iframe>`);
  });
  around.listen(0, '127.0.0.1');
  await once(around, 'listening');
  t.after(() => { around.closeAllConnections(); around.close(); });
  const { page, seen } = await open(t, file.browser, `http://127.0.0.1:${around.address().port}/`);
  await page.waitForLoadState('networkidle');
  const [frame] = page.frames().slice(1);
  assert.match(frame?.url() ?? 'chrome-error:', /^(chrome-error:|about:blank)/);
  assert.ok(!seen.requests.some((url) => url.includes('/assets/')), 'nothing of it was loaded');
  assert.ok(seen.console.some((line) => /frame-ancestors/.test(line)), seen.console.join('\n'));
});

test('from the first request to a result nothing is asked of anybody else', async (t) => {
  const { page, seen } = await open(t, file.browser, file.server.origin);
  await connect(page, { token: await file.server.issue('alice', ['echo']) });
  await status(page).getByText('Connected').waitFor();
  await choose(page, 'echo');
  await form(page).getByLabel('message').fill('for us alone');
  await run(page);
  await result(page).getByText('for us alone').waitFor();
  await button(page, 'Keys').click();
  assert.deepEqual(seen.requests.filter((url) => !url.startsWith(`${file.server.origin}/`)), []);
  assert.deepEqual(seen.console, []);
  assert.deepEqual(seen.errors, []);
});

test('where it is turned off there is no page', async (t) => {
  const server = await Propusk.start(t, { flags: ['--no-web'] });
  for (const path of ['/', '/callback', '/propusk.json', '/assets/app.js']) {
    assert.equal((await fetch(server.origin + path)).status, 404, path);
  }
});
