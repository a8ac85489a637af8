import { IssuerMismatchError } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Secrets } from '../timeline/secrets';
import type { AuthorizationAnswer } from './callback';
import { Login, type LoginData } from './oauth';
import { finishSignIn, prepareSignIn, type SignInRequest } from './signin';

const SERVER = 'http://127.0.0.1:8000/mcp';
const ISSUER = 'https://id.example';

let metadata: Record<string, unknown>;
let tokenRequests: URLSearchParams[];

async function servers(input: unknown, init?: RequestInit): Promise<Response> {
  const { pathname } = new URL(String(input));
  if (pathname === '/.well-known/oauth-protected-resource/mcp') {
    return Response.json({ resource: SERVER, authorization_servers: [ISSUER], scopes_supported: ['notes:read'] });
  }
  if (pathname === '/.well-known/oauth-authorization-server') return Response.json(metadata);
  if (pathname === '/token') {
    tokenRequests.push(new URLSearchParams(String(init?.body)));
    return Response.json({ access_token: 'access-token-1', token_type: 'Bearer' });
  }
  return new Response('', { status: 404 });
}

function request(more: Partial<SignInRequest> = {}, data: LoginData = { client: { client_id: 'web' }, clientIsGiven: true }) {
  return { serverUrl: SERVER, login: new Login(data, new Secrets()), fetch: servers, ...more };
}

function answer(to: SignInRequest, more: Partial<AuthorizationAnswer> = {}): AuthorizationAnswer {
  return { state: to.login.data.state ?? '', code: 'the-code', iss: ISSUER, error: null, description: null, ...more };
}

beforeEach(() => {
  tokenRequests = [];
  metadata = {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}/auth`,
    token_endpoint: `${ISSUER}/token`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
  vi.stubGlobal('location', { origin: 'http://127.0.0.1:8000' });
  vi.stubGlobal('isSecureContext', true);
});

afterEach(() => vi.unstubAllGlobals());

test('rfc8707_2 rfc7636_4_3 the person is sent with a challenge, a state and the resource', async () => {
  const it = request();
  const url = await prepareSignIn(it);
  expect(url.origin + url.pathname).toBe(`${ISSUER}/auth`);
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    client_id: 'web',
    code_challenge_method: 'S256',
    redirect_uri: 'http://127.0.0.1:8000/callback',
    resource: SERVER,
    scope: 'notes:read',
    state: it.login.data.state,
  });
});

test('the scopes of a challenge come before what the metadata suggests', async () => {
  const url = await prepareSignIn(request({ scope: 'notes:read notes:write' }));
  expect(url.searchParams.get('scope')).toBe('notes:read notes:write');
});

test('the code becomes a token, and nothing of the attempt stays', async () => {
  const it = request();
  await prepareSignIn(it);
  const { verifier } = it.login.data;
  await finishSignIn(it, answer(it));
  expect(Object.fromEntries(tokenRequests[0]!)).toMatchObject({ code: 'the-code', code_verifier: verifier, resource: SERVER });
  expect(it.login.data.tokens).toMatchObject({ access_token: 'access-token-1', scope: 'notes:read', issuer: ISSUER });
  expect(it.login.data).not.toHaveProperty('verifier');
  expect(it.login.data).not.toHaveProperty('state');
});

test.each([
  ['javascript:alert(1)'],
  ['http://id.example/auth'],
  ['data:text/html,x'],
])('nobody is sent to %s', async (endpoint) => {
  metadata.authorization_endpoint = endpoint;
  await expect(prepareSignIn(request())).rejects.toThrow();
});

test('without https or this machine there is no PKCE, and no sign-in', async () => {
  vi.stubGlobal('isSecureContext', false);
  await expect(prepareSignIn(request())).rejects.toMatchObject({ reason: 'insecure-page' });
});

test('an answer to another attempt is thrown away', async () => {
  const it = request();
  await prepareSignIn(it);
  await expect(finishSignIn(it, answer(it, { state: 'another' }))).rejects.toMatchObject({ reason: 'refused', detail: null });
  expect(tokenRequests).toEqual([]);
});

test.each([
  ['of another server', { iss: 'https://evil.example' }],
  ['without the issuer that was promised', { iss: null }],
  ['of another server, with an error', { iss: 'https://evil.example', code: null, error: 'access_denied', description: 'call 555' }],
])('rfc9207_2_4 an answer %s is thrown away, and nothing of it is shown', async (_name, wrong) => {
  const it = request();
  await prepareSignIn(it);
  const error = await finishSignIn(it, answer(it, wrong)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(IssuerMismatchError);
  expect(String(error)).not.toContain('555');
  expect(tokenRequests).toEqual([]);
});

test('a refusal of the authorization server is said in its words', async () => {
  const it = request();
  await prepareSignIn(it);
  const no = answer(it, { code: null, error: 'access_denied', description: 'Not today' });
  await expect(finishSignIn(it, no)).rejects.toMatchObject({ reason: 'refused', detail: 'access_denied: Not today' });
});

test('nobody is sent to a guessed address where the metadata cannot be read', async () => {
  const noMetadata = async (input: unknown, init?: RequestInit) => {
    if (String(input).startsWith(ISSUER)) return new Response('', { status: 404 });
    return servers(input, init);
  };
  await expect(prepareSignIn(request({ fetch: noMetadata }))).rejects.toMatchObject({ reason: 'metadata' });
  await expect(prepareSignIn(request({ fetch: noMetadata }, {}))).rejects.toMatchObject({ reason: 'metadata' });
});
