import { expect, test } from 'vitest';
import { challengedScopes, parseChallenges, tokenChallenge } from './challenge';

const plain = (field: string) =>
  parseChallenges(field).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test.each<[string, string, unknown]>([
  ['nothing', '', []],
  ['a scheme alone', 'Bearer', [['Bearer', {}]]],
  [
    'rfc6750_3 parameters',
    'Bearer realm="mcp", error="insufficient_scope", scope="a b"',
    [['Bearer', { realm: 'mcp', error: 'insufficient_scope', scope: 'a b' }]],
  ],
  ['rfc9728_5_1 a URL in quotes', 'Bearer resource_metadata="http://a/b?c=d,e"', [['Bearer', { resource_metadata: 'http://a/b?c=d,e' }]]],
  ['quoted pairs', 'Bearer error_description="say \\"no\\", \\\\"', [['Bearer', { error_description: 'say "no", \\' }]]],
  ['a token as value, spaces around =', 'bearer ERROR = invalid_token', [['bearer', { error: 'invalid_token' }]]],
  ['the first of two counts', 'Bearer scope="a", scope="b"', [['Bearer', { scope: 'a' }]]],
  [
    'several challenges in one field',
    'Basic realm="x", Bearer error="invalid_token",, DPoP algs="ES256"',
    [
      ['Basic', { realm: 'x' }],
      ['Bearer', { error: 'invalid_token' }],
      ['DPoP', { algs: 'ES256' }],
    ],
  ],
  ['token68', 'Negotiate YII==, Bearer scope=a', [['Negotiate', {}], ['Bearer', { scope: 'a' }]]],
  ['an open quote', 'Bearer error="never ends', [['Bearer', { error: '' }]]],
  ['markup is only text', 'Bearer error_description="<img src=x>"', [['Bearer', { error_description: '<img src=x>' }]]],
])('%s', (_name, field, expected) => {
  expect(plain(field)).toEqual(expected);
});

test('a long field is read in bounded time', () => {
  const started = parseChallenges(`Bearer ${'a="b", '.repeat(100_000)}`);
  expect(started).toHaveLength(1);
});

test('the bearer challenge is the one to act on, and its scopes come once each', () => {
  const challenge = tokenChallenge(parseChallenges('Basic realm="x", Bearer scope="b a  b"'));
  expect(challenge?.scheme).toBe('Bearer');
  expect(challengedScopes(challenge)).toEqual(['b', 'a']);
  expect(challengedScopes(null)).toEqual([]);
});
