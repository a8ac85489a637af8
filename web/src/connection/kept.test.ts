import { beforeEach, expect, test, vi } from 'vitest';
import { kept } from './kept';

const storage = new Map<string, string>();

beforeEach(() => {
  storage.clear();
  vi.stubGlobal('sessionStorage', {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => storage.set(key, value),
    removeItem: (key: string) => storage.delete(key),
  });
});

const one = { url: 'http://a/mcp', revision: 'auto', token: null } as const;

test('what is kept comes back, without a sign-in that is under way', () => {
  kept.keepConnections([{ ...one, login: { verifier: 'v', state: 's', requested: 'x', client: { client_id: 'c' } } }]);
  expect(kept.connections()).toEqual([{ ...one, login: { client: { client_id: 'c' } } }]);
  kept.keepConnections([]);
  expect(storage.size).toBe(0);
});

test('an attempt is good for one way back', () => {
  kept.keepAttempt({ ...one, login: { verifier: 'v', state: 's' }, keep: false });
  expect(kept.takeAttempt()?.login?.verifier).toBe('v');
  expect(storage.size).toBe(0);
  expect(kept.takeAttempt()).toBeNull();
});

test.each(['{', '"text"', 'null', '7', '[7, null, {}]'])('what is not ours is as nothing: %s', (text) => {
  storage.set('propusk.connections', text);
  expect(kept.connections()).toEqual([]);
});
