import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveConnection } from './live.svelte';
import { NoAnswerError, RefusedError } from './refusal';

interface Message {
  id?: number | string;
  method: string;
  params?: Record<string, unknown>;
}

type Answer = Response | object | Error;

const URL_ = 'http://127.0.0.1:8000/mcp';
const signal = new AbortController().signal;
let answers: Record<string, (message: Message) => Answer | Promise<Answer>>;
let asked: string[];

const refused = (status: number, challenge: string, more: Record<string, string> = {}) =>
  new Response('', { status, headers: { 'www-authenticate': challenge, ...more } });

/** A server of 2026-07-28; a method that is not in `answers` answers as one would. */
async function serve(_url: unknown, init?: RequestInit): Promise<Response> {
  const message = JSON.parse(String(init?.body)) as Message;
  asked.push(message.method);
  const answer = await (answers[message.method]?.(message) ?? usual(message));
  if (answer instanceof Error) throw answer;
  if (answer instanceof Response) return answer;
  const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer });
  return new Response(text, { headers: { 'content-type': 'application/json' } });
}

function usual({ method }: Message): Answer {
  const result = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
  if (method === 'server/discover') {
    return { result: { ...result, supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } } };
  }
  return { result: { ...result, tools: [], content: [] } };
}

function connection(callerUrl: string | null = null): LiveConnection {
  const asker = { ask: vi.fn(), answered: vi.fn() };
  return new LiveConnection({ url: URL_, revision: 'auto', asker, callerUrl, onCredentials: vi.fn() });
}

beforeEach(() => {
  answers = {};
  asked = [];
  vi.stubGlobal('fetch', vi.fn(serve));
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a server that takes the token is ready, with its revision and what it can', async () => {
  const it = connection();
  await it.useToken('a-good-token');
  expect(it.state).toMatchObject({ phase: 'ready', revision: '2026-07-28', capabilities: { tools: {} } });
  await expect(it.listTools()).resolves.toEqual([]);
  await expect(it.listPrompts()).resolves.toEqual([]);
  expect(asked).toEqual(['server/discover', 'tools/list']);
});

test('a wrong token is a refusal with its challenge, not an outage', async () => {
  answers['server/discover'] = () => refused(401, 'Bearer error="invalid_token"');
  const it = connection();
  await it.useToken('a-wrong-token');
  expect(it.state.phase).toBe('refused');
  expect(it.state.refusal?.challenge?.parameters.get('error')).toBe('invalid_token');
  expect(asked).toEqual(['server/discover']);
});

test('a call that needs more scopes says which, and the connection stays ready and learns', async () => {
  answers['tools/call'] = () => refused(403, 'Bearer error="insufficient_scope", scope="notes:write"');
  const it = connection();
  await it.connect();
  const error = await it.callTool('notes_add', {}, { signal }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RefusedError);
  expect(error).toMatchObject({ status: 403, missing: ['notes:write'] });
  expect(it.state.phase).toBe('ready');
  expect(it.learned.get('tool:notes_add')).toEqual(['notes:write']);
});

test('an error of one call is not another one’s refusal', async () => {
  answers['tools/list'] = () => refused(403, 'Bearer error="insufficient_scope"');
  answers['tools/call'] = async () => {
    await vi.waitFor(() => expect(it.log.all.some(({ refused: was }) => was)).toBe(true));
    return { error: { code: -32602, message: 'no such tool' } };
  };
  const it = connection();
  await it.connect();
  const [called, listed] = await Promise.allSettled([it.callTool('x', {}, { signal }), it.listTools()]);
  expect(listed.status === 'rejected' && listed.reason).toBeInstanceOf(RefusedError);
  expect(called.status === 'rejected' && called.reason).toMatchObject({ code: -32602 });
  expect(called.status === 'rejected' && called.reason).not.toBeInstanceOf(RefusedError);
});

test('a token that is revoked during use shows, and another one brings everything back', async () => {
  const it = connection();
  await it.useToken('a-good-token');
  answers['tools/list'] = () => refused(401, 'Bearer error="invalid_token"');
  await expect(it.listTools()).rejects.toBeInstanceOf(RefusedError);
  expect(it.state).toMatchObject({ phase: 'refused', capabilities: { tools: {} } });
  answers = {};
  const changed = vi.fn();
  it.onListChanged('tools', changed);
  await it.useToken('another-token');
  expect(it.state.phase).toBe('ready');
  expect(changed).toHaveBeenCalled();
});

test('rfc9110_15_6_4 a 503 says when to come back, and then it is asked again', async () => {
  vi.useFakeTimers();
  const it = connection();
  await it.connect();
  answers['tools/call'] = () => refused(503, '', { 'retry-after': '7' });
  await expect(it.callTool('echo', {}, { signal })).rejects.toMatchObject({ status: 503, retryAfterSeconds: 7 });
  expect(it.state).toMatchObject({ phase: 'unavailable', retryAt: Date.now() + 7_000 });
  await vi.advanceTimersByTimeAsync(6_900);
  expect(it.state.phase).toBe('unavailable');
  await vi.advanceTimersByTimeAsync(200);
  expect(it.state.phase).toBe('ready');
  expect(asked.at(-1)).toBe('server/discover');
});

test('no answer during use: it tries again by itself, more and more rarely', async () => {
  vi.useFakeTimers();
  const it = connection();
  await it.connect();
  const down = () => new TypeError('Failed to fetch');
  answers['tools/call'] = down;
  answers['server/discover'] = down;
  await expect(it.callTool('echo', {}, { signal })).rejects.toBeInstanceOf(NoAnswerError);
  expect(it.state).toMatchObject({ phase: 'unavailable', problem: { kind: 'network' } });
  await vi.advanceTimersByTimeAsync(1_100);
  expect(it.state.retryAt! - Date.now()).toBeGreaterThan(1_500);
  answers = {};
  await vi.advanceTimersByTimeAsync(2_000);
  expect(it.state.phase).toBe('ready');
});

test('no answer at first: it waits for the person, who may have mistyped', async () => {
  answers['server/discover'] = () => new TypeError('Failed to fetch');
  answers.initialize = answers['server/discover'];
  const it = connection();
  await it.connect();
  expect(it.state).toMatchObject({ phase: 'unavailable', problem: { kind: 'network' }, retryAt: null });
});

test('where nobody says who the caller is, the connection is as good as before', async () => {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', vi.fn(async (url: unknown, init?: RequestInit) => {
    if (String(url).endsWith('/caller')) throw new TypeError('Failed to fetch');
    return serve(url, init);
  }));
  const it = connection(`${URL_}/caller`);
  await it.connect();
  const phases = new Set<string>();
  for (let second = 0; second < 300; second += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    phases.add(it.state.phase);
  }
  expect([...phases]).toEqual(['ready']);
  const before = it.log.all.length;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(it.log.all).toHaveLength(before);
});

test('closed, it asks nothing more', async () => {
  vi.useFakeTimers();
  const it = connection();
  await it.connect();
  answers['tools/call'] = () => refused(503, '', { 'retry-after': '1' });
  await it.callTool('echo', {}, { signal }).catch(() => undefined);
  it.close();
  const before = asked.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(before);
  expect(it.state.phase).toBe('closed');
});

test('a call given up by the person is no refusal', async () => {
  const giveUp = new AbortController();
  answers['tools/call'] = () => new Promise<Answer>(() => undefined);
  const it = connection();
  await it.connect();
  const call = it.callTool('slow', {}, { signal: giveUp.signal });
  giveUp.abort();
  const error = await call.catch((thrown: unknown) => thrown);
  expect(error).not.toBeInstanceOf(RefusedError);
  expect(it.state.phase).toBe('ready');
});

test('a retry goes where its result is shown; nobody there, it is made all the same', async () => {
  answers['tools/call'] = () => refused(403, 'Bearer error="insufficient_scope", scope="a"');
  const it = connection();
  await it.connect();
  await it.callTool('echo', { message: 'hi' }, { signal }).catch(() => undefined);
  const exchange = it.log.all.at(-1)!;
  const shown = vi.fn(() => true);
  const end = it.onRetry(shown);
  await it.retry(exchange);
  expect(shown).toHaveBeenCalledWith({ kind: 'tool', name: 'echo', args: { message: 'hi' } });
  end();
  answers = {};
  await it.retry(exchange);
  expect(it.log.all.at(-1)).toMatchObject({ status: 200, request: { name: 'echo' } });
});
