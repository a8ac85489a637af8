import { expect, test } from 'vitest';
import { MASK, Secrets } from './secrets';

const TOKEN = 'propusk_abc+/="quoted"';

function holding(...known: string[]): Secrets {
  const secrets = new Secrets();
  known.forEach((secret) => secrets.add(secret));
  return secrets;
}

test.each([
  ['as it is', `before ${TOKEN} after`],
  ['percent-encoded', `https://a/?x=${encodeURIComponent(TOKEN)}`],
  ['inside JSON', JSON.stringify({ echoed: TOKEN })],
])('a known secret is masked %s', (_name, text) => {
  const masked = holding(TOKEN).mask(text);
  expect(masked).toContain(MASK);
  expect(masked).not.toContain('propusk_abc');
});

test.each([
  ['Authorization', 'Bearer whatever.it.is', `Bearer ${MASK}`],
  ['authorization', 'DPoP x', `DPoP ${MASK}`],
  ['Authorization', 'opaque', MASK],
  ['Mcp-Session-Id', '1234', MASK],
  ['Mcp-Name', 'echo', 'echo'],
])('header %s: %s', (name, value, expected) => {
  expect(new Secrets().header(name, value)).toBe(expected);
});

test('a token request and its answer keep nothing to act with', () => {
  const secrets = new Secrets();
  expect(secrets.oauthBody('grant_type=authorization_code&code=S1&code_verifier=S2&client_secret=S3&client_id=web')).toBe(
    `grant_type=authorization_code&code=${MASK}&code_verifier=${MASK}&client_secret=${MASK}&client_id=web`,
  );
  const answer = JSON.parse(
    secrets.oauthBody('{"access_token":"S1","refresh_token":"S2","id_token":"S3","expires_in":60,"scope":"a"}'),
  );
  expect(answer).toEqual({ access_token: MASK, refresh_token: MASK, id_token: MASK, expires_in: 60, scope: 'a' });
});

test('the code of a callback and a token in a query are masked in URLs', () => {
  expect(new Secrets().url('https://a/callback?code=S1&state=x#access_token=S2')).toBe(
    `https://a/callback?code=${MASK}&state=x#access_token=${MASK}`,
  );
});

test('short texts are not taken for secrets', () => {
  expect(holding('a', '').mask('a banana')).toBe('a banana');
});
