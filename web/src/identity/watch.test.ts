import { expect, test, vi } from 'vitest';
import type { Identity } from './identity';
import { watchCaller, type Watch } from './watch';

const answer = (subject: string) =>
  `event: caller\ndata: ${JSON.stringify({ anonymous: false, subject, scopes: [], audience: [] })}\n\n`;
const stream = (...events: string[]) =>
  new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } });
const status = (code: number) => new Response('', { status: code });

/** Follows the answers one after the other until the watch ends by itself. */
async function follow(answers: (() => Response)[], more: Partial<Watch> = {}) {
  const told: string[] = [];
  const asked: (string | null)[] = [];
  const rest = [...answers];
  await watchCaller({
    url: 'http://a/mcp/caller',
    fetch: async (_url, init) => {
      asked.push(new Headers(init?.headers).get('authorization'));
      return rest.shift()!();
    },
    token: () => 'T',
    renew: async () => false,
    onIdentity: (identity: Identity) => told.push(identity.subject ?? '?'),
    onRefused: () => told.push('refused'),
    onTrouble: async () => {
      told.push('trouble');
      return false;
    },
    signal: new AbortController().signal,
    ...more,
  });
  return { told, asked };
}

const gone = () => {
  throw new TypeError('Failed to fetch');
};

test.each<[string, (() => Response)[], string[]]>([
  ['the token is revoked: the stream ends, and asking again says so', [() => stream(answer('alice')), () => status(401)], ['alice', 'refused']],
  ['the server says more in one stream', [() => stream(answer('a'), ': alive\n\n', answer('b')), () => status(401)], ['a', 'b', 'refused']],
  ['an outage', [() => status(503)], ['trouble']],
  ['no server: one more try, then it is said', [() => stream(answer('a')), gone, gone], ['a', 'trouble']],
  ['a server that knows no such address', [() => status(404)], []],
  ['JSON instead of a stream', [() => Response.json({ anonymous: true })], ['?']],
  ['something else altogether', [() => Response.json({ hello: 1 })], []],
])('%s', async (_name, answers, expected) => {
  expect((await follow(answers)).told).toEqual(expected);
});

test('a login that can be renewed is, and nobody is refused', async () => {
  const renew = vi.fn(async () => true);
  const { told, asked } = await follow([() => status(401)], { renew });
  expect(renew).toHaveBeenCalledOnce();
  expect(told).toEqual([]);
  expect(asked).toEqual(['Bearer T']);
});

test('nothing is shown where there is no token', async () => {
  expect((await follow([() => status(404)], { token: () => null })).asked).toEqual([null]);
});

test('an address that fails while its server serves is asked again, and after some times left alone', async () => {
  vi.useFakeTimers();
  const onTrouble = vi.fn(async () => true);
  const back = follow([gone, gone, () => status(503), () => stream(answer('a')), () => status(401)], { onTrouble });
  await vi.runAllTimersAsync();
  expect((await back).told).toEqual(['a', 'refused']);
  expect(onTrouble).toHaveBeenCalledTimes(2);

  const never = follow(Array.from({ length: 100 }, () => gone), { onTrouble });
  await vi.runAllTimersAsync();
  expect((await never).asked).toHaveLength(7);
  vi.useRealTimers();
});
