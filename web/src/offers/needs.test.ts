import { describe, expect, it } from 'vitest';
import { lockOf, needOf } from './needs';

const scopes = (written: unknown, missing?: unknown) => ({
  'propusk/scopes': written,
  ...(missing === undefined ? {} : { 'propusk/missing-scopes': missing }),
});

describe('a lock', () => {
  it.each<[string, Record<string, unknown> | undefined, string[] | null, string, string[]?]>([
    ['nothing declared', undefined, ['a'], 'unknown'],
    ['nothing declared, nobody known', {}, null, 'unknown'],
    ['declared as none', scopes([]), [], 'open'],
    ['held', scopes(['a', 'b']), ['b', 'a', 'c'], 'open'],
    ['one lacks', scopes(['a', 'b']), ['a'], 'locked', ['b']],
    ['scopes not known', scopes(['a']), null, 'unknown'],
    [
      'the nearest alternative',
      scopes({
        anyOf: [
          ['x', 'y', 'z'],
          ['a', 'b'],
        ],
      }),
      ['a'],
      'locked',
      ['b'],
    ],
    ['one alternative held', scopes({ anyOf: [['x'], ['a']] }), ['a'], 'open'],
    ['no alternative at all', scopes({ anyOf: [] }), ['a'], 'locked', []],
    ['a text with blanks', scopes('a  b'), ['a'], 'locked', ['b']],
    ['the server says what lacks', scopes(['a'], ['a']), null, 'locked', ['a']],
    ['granted since the list was made', scopes(['a'], ['a']), ['a'], 'open'],
    ['no scope would help', scopes(['a'], []), ['a'], 'locked', []],
    ['only what lacks is written', scopes(undefined, ['a']), null, 'locked', ['a']],
  ])('%s', (_, meta, held, state, missing) => {
    const lock = lockOf(needOf(meta), held);
    expect(lock).toEqual(missing === undefined ? { state } : { state, missing });
  });

  it('learns from a refusal where nothing is declared', () => {
    const need = needOf(undefined, ['notes:write']);
    expect(need.source).toBe('refused');
    expect(lockOf(need, ['notes:read'])).toEqual({ state: 'locked', missing: ['notes:write'] });
    expect(lockOf(need, ['notes:write'])).toEqual({ state: 'open' });
  });

  it('takes what is declared over what was learned', () => {
    expect(needOf(scopes(['a']), ['b'])).toMatchObject({ source: 'declared', alternatives: [['a']] });
  });

  it.each([[42], [null], [{ any: 1 }], [true]])('reads %j as no declaration', (written) => {
    expect(needOf(scopes(written)).source).toBe('none');
  });
});
