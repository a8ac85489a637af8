import { expect, test } from 'vitest';
import { answerFor, answerIn, handOn } from './callback';

const at = (query: string) => answerIn(new URL(`http://127.0.0.1:8000/callback${query}`));

test('what comes back with the person', () => {
  expect(at('?code=c&state=s&iss=https%3A%2F%2Fid')).toEqual({
    state: 's',
    code: 'c',
    iss: 'https://id',
    error: null,
    description: null,
  });
  expect(at('?error=access_denied&error_description=No&state=s')).toMatchObject({ error: 'access_denied', description: 'No' });
});

test.each(['', '?code=c', '?state=s', '#code=c&state=s'])('no answer: %s', (query) => {
  expect(at(query)).toBeNull();
});

test('the page that waits for this state gets the answer, and no other', async () => {
  const never = new AbortController();
  const other = answerFor('other', never.signal);
  const waits = answerFor('s', new AbortController().signal);
  expect(await handOn(at('?code=c&state=s')!)).toBe(true);
  expect((await waits).code).toBe('c');
  never.abort(new Error('given up'));
  await expect(other).rejects.toThrow('given up');
});

test('where nobody waits, that is said', async () => {
  expect(await handOn(at('?code=c&state=s')!, 30)).toBe(false);
});
