import { afterEach, expect, test, vi } from 'vitest';
import { ExchangeLog } from './log.svelte';
import { recordingFetch } from './record';
import { MASK, Secrets } from './secrets';

const TOKEN = 'propusk_secret_token';

function recording(answer: () => Response | Promise<Response>) {
  vi.stubGlobal('fetch', vi.fn(answer));
  const log = new ExchangeLog();
  const secrets = new Secrets();
  secrets.add(TOKEN);
  return { log, record: (purpose: 'mcp' | 'oauth') => recordingFetch(log, secrets, purpose) };
}

afterEach(() => vi.unstubAllGlobals());

const last = (log: ExchangeLog) => log.all.at(-1)!;

test('a call is a row, and whoever made it gets the answer untouched', async () => {
  const { log, record } = recording(() => new Response(`{"result":{"echo":"${TOKEN}"}}`, { status: 200 }));
  const body = JSON.stringify({ method: 'tools/call', params: { name: 'echo', arguments: { message: TOKEN } } });
  const response = await record('mcp')('http://a/mcp', {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${TOKEN}`, 'mcp-name': 'echo' },
  });
  expect(await response.text()).toContain(TOKEN);
  await vi.waitFor(() => expect(last(log).phase).toBe('done'));
  const { request, status, body: answered } = last(log);
  expect(request).toMatchObject({ method: 'tools/call', name: 'echo', httpMethod: 'POST' });
  expect(request.headers).toContainEqual(['authorization', `Bearer ${MASK}`]);
  expect(status).toBe(200);
  expect(request.body + answered).not.toContain(TOKEN);
});

test('a refusal is decoded', async () => {
  const challenge = 'Bearer error="insufficient_scope", scope="notes:write"';
  const { log, record } = recording(
    () => new Response('', { status: 403, headers: { 'www-authenticate': challenge, 'retry-after': '7' } }),
  );
  await record('mcp')('http://a/mcp');
  expect(last(log).refused).toBe(true);
  expect(last(log).challenge?.parameters.get('scope')).toBe('notes:write');
  expect(last(log).retryAfter).toBe(7);
  expect(log.refusedSince(0)).toBe(last(log));
});

test('new tokens are masked before anybody could know them', async () => {
  const { log, record } = recording(() => Response.json({ access_token: 'new-one-here', token_type: 'Bearer' }));
  await record('oauth')('http://a/token', { method: 'POST', body: new URLSearchParams({ code: 'the-code' }) });
  await vi.waitFor(() => expect(last(log).phase).toBe('done'));
  expect(JSON.parse(last(log).body)).toEqual({ access_token: MASK, token_type: 'Bearer' });
  expect(last(log).request.body).toBe(`code=${MASK}`);
});

test('a stream shows whole events as they come, and never half a secret', async () => {
  let stream!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (controller) => void (stream = controller) });
  const { log, record } = recording(
    () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
  );
  await record('mcp')('http://a/mcp');
  const send = (text: string) => stream.enqueue(new TextEncoder().encode(text));
  send(`data: one\n\ndata: ${TOKEN.slice(0, 12)}`);
  await vi.waitFor(() => expect(last(log).body).toBe('data: one\n\n'));
  expect(last(log).phase).toBe('reading');
  send(`${TOKEN.slice(12)}\n\n`);
  stream.close();
  await vi.waitFor(() => expect(last(log).phase).toBe('done'));
  expect(last(log).body).toBe(`data: one\n\ndata: ${MASK}\n\n`);
});

test('of a huge answer the beginning is kept, and no secret at its edge', async () => {
  const { log, record } = recording(() => new Response('x'.repeat(131_072 - 5) + TOKEN + 'y'.repeat(5_000_000)));
  const response = await record('mcp')('http://a/mcp');
  expect((await response.text()).length).toBe(131_072 - 5 + TOKEN.length + 5_000_000);
  await vi.waitFor(() => expect(last(log).phase).toBe('done'));
  expect(last(log).cut).toBe(true);
  expect(last(log).body.length).toBe(131_072);
  expect(last(log).body).not.toContain(TOKEN.slice(0, 5));
});

test('no answer at all', async () => {
  const { log, record } = recording(() => Promise.reject(new TypeError(`Failed to fetch ${TOKEN}`)));
  await expect(record('mcp')('http://a/mcp')).rejects.toThrow('Failed');
  expect(last(log)).toMatchObject({ phase: 'failed', status: null, problem: `Failed to fetch ${MASK}` });
});

test('given up by who made it', async () => {
  const giveUp = new AbortController();
  const { log, record } = recording(() => Promise.reject(giveUp.signal.reason));
  giveUp.abort();
  await expect(record('mcp')('http://a/mcp', { signal: giveUp.signal })).rejects.toThrow();
  expect(last(log)).toMatchObject({ phase: 'cancelled', problem: null });
});

test('the oldest rows go', async () => {
  const { log, record } = recording(() => new Response(''));
  for (let i = 0; i < 505; i += 1) await record('mcp')(`http://a/${i}`);
  expect(log.all).toHaveLength(500);
  expect(log.all[0]?.request.url).toBe('http://a/5');
});
