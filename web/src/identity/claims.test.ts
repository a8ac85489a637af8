import { expect, test } from 'vitest';
import { identityOfAnswer, identityOfToken } from './claims';

const jwt = (claims: unknown) => {
  const text = new TextEncoder().encode(JSON.stringify(claims));
  return `e30.${btoa(String.fromCharCode(...text)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}.sig`;
};

test('rfc9068_2_2 the claims of an access token', () => {
  const token = jwt({ sub: 'Алиса', iss: 'https://id', client_id: 'web', scope: 'a b', aud: 'https://api', exp: 1790000000 });
  expect(identityOfToken(token)).toEqual({
    source: 'token',
    anonymous: false,
    subject: 'Алиса',
    issuer: 'https://id',
    clientId: 'web',
    scopes: ['a', 'b'],
    audience: ['https://api'],
    expiresAt: 1790000000,
  });
});

test('other spellings, and claims of the wrong kind', () => {
  const identity = identityOfToken(jwt({ sub: 7, azp: 'spa', scp: ['a', 1], aud: ['x', null], exp: 'soon' }));
  expect(identity).toMatchObject({ subject: null, clientId: 'spa', scopes: ['a'], audience: ['x'], expiresAt: null });
  expect(identityOfToken(jwt({}))?.scopes).toBeNull();
});

test.each(['', 'propusk_opaque', 'a.b', 'a.b.c', 'e30.W10.x', `e30.${'A'.repeat(70_000)}.x`])('no JWT: %.20s', (token) => {
  expect(identityOfToken(token)).toBeNull();
});

test('the answer of the server', () => {
  const answer = { anonymous: false, subject: 'alice', issuer: 'i', client_id: null, scopes: ['a'], audience: [], expires_at: null };
  expect(identityOfAnswer(answer)).toEqual({
    source: 'server',
    anonymous: false,
    subject: 'alice',
    issuer: 'i',
    clientId: null,
    scopes: ['a'],
    audience: [],
    expiresAt: null,
  });
  expect(identityOfAnswer({ subject: 'alice' })).toBeNull();
  expect(identityOfAnswer(null)).toBeNull();
});
