import { beforeAll, expect, test, vi } from 'vitest';
import { Secrets } from '../timeline/secrets';
import { Login, type LoginData } from './oauth';

beforeAll(() => void vi.stubGlobal('location', { origin: 'http://127.0.0.1:8000' }));

function login(data: LoginData = {}) {
  const secrets = new Secrets();
  return { login: new Login(data, secrets), secrets };
}

test('a page at an origin is one client, with one place to come back to', () => {
  const { login: it } = login();
  expect(it.clientMetadata).toMatchObject({
    redirect_uris: ['http://127.0.0.1:8000/callback'],
    token_endpoint_auth_method: 'none',
  });
});

test('states are never the same', () => {
  const { login: it } = login();
  expect(it.state()).not.toBe(it.state());
  expect(it.state()).toMatch(/^[\w-]{32}$/);
});

test('rfc6749_6 a renewal keeps what its answer leaves out', () => {
  const { login: it } = login({ tokens: { access_token: 'a1', refresh_token: 'r1', scope: 'x y', token_type: 'Bearer' } });
  it.saveTokens({ access_token: 'a2', token_type: 'Bearer' });
  expect(it.data.tokens).toMatchObject({ access_token: 'a2', refresh_token: 'r1', scope: 'x y' });
});

test('rfc6749_5_1 a new login was granted what it asked for, if its answer says nothing else', () => {
  const { login: it } = login({ tokens: { access_token: 'a1', refresh_token: 'r1', scope: 'x', token_type: 'Bearer' } });
  it.saveCodeVerifier('verifier');
  it.redirectToAuthorization(new URL('https://id/auth?scope=x+y'));
  it.saveTokens({ access_token: 'a2', token_type: 'Bearer' });
  expect(it.data.tokens).toMatchObject({ access_token: 'a2', scope: 'x y' });
  expect(it.data.tokens?.refresh_token).toBeUndefined();
});

test('once somebody is back nothing of the attempt is left', () => {
  const { login: it } = login();
  it.saveCodeVerifier('verifier');
  it.state();
  it.redirectToAuthorization(new URL('https://id/auth?scope=x'));
  it.forgetAttempt();
  expect(it.data).toEqual({});
  expect(() => it.codeVerifier()).toThrow();
});

test('whatever it holds is masked from then on', () => {
  const { login: it, secrets } = login();
  it.saveCodeVerifier('verifier-1234');
  it.saveTokens({ access_token: 'access-1234', refresh_token: 'refresh-1234', token_type: 'Bearer' });
  it.learnCode('code-1234');
  expect(secrets.mask('verifier-1234 access-1234 refresh-1234 code-1234')).toBe('••• ••• ••• •••');
});

test('a client that was given belongs to the first authorization server, and is not thrown away', () => {
  const { login: it } = login({ client: { client_id: 'web' }, clientIsGiven: true });
  expect(it.clientInformation({ issuer: 'https://one' })?.issuer).toBe('https://one');
  expect(it.clientInformation({ issuer: 'https://two' })?.issuer).toBe('https://one');
  it.invalidateCredentials('client');
  expect(it.data.client?.client_id).toBe('web');
});

test.each([
  ['for fewer scopes', { client_id: 'c', scope: 'a' }, false, true],
  ['for these scopes', { client_id: 'c', scope: 'a b' }, false, false],
  ['for any scopes', { client_id: 'c' }, false, false],
  ['by hand', { client_id: 'c', scope: 'a' }, true, false],
])('a client registered %s', (_name, client, clientIsGiven, anew) => {
  const { login: it } = login({ client, clientIsGiven });
  it.widen(['a', 'b']);
  expect(it.data.client === undefined).toBe(anew);
});
