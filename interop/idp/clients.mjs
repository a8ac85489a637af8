// The clients that every test may use.

import { createHmac } from 'node:crypto';

import { JWT_BEARER } from './assertions.mjs';
import { TOKEN_EXCHANGE } from './exchange.mjs';
import { pem, publicKey } from './keys.mjs';

const LOOPBACK = ['http://127.0.0.1/callback', 'http://localhost/callback', 'http://[::1]/callback'];

const CLIENTS = [
  { client_id: 'machine', ...machine('client_secret_basic') },
  { client_id: 'machine-post', ...machine('client_secret_post') },
  { client_id: 'machine-jwt', ...machine('private_key_jwt') },
  { client_id: 'resource-server', ...resourceServer('client_secret_basic') },
  { client_id: 'resource-server-post', ...resourceServer('client_secret_post') },
  { client_id: 'resource-server-jwt', ...resourceServer('private_key_jwt') },
  // Stand for callers (RFC 8693, RFC 7523).
  { client_id: 'gate', ...gate('client_secret_basic') },
  { client_id: 'gate-jwt', ...gate('private_key_jwt') },
  // May revoke any token.
  { client_id: 'operator', ...machine('client_secret_basic') },
  // For people: code flow with PKCE, any port of the loopback (RFC 8252 section 7.3).
  {
    client_id: 'native',
    client_name: 'A program on a desk',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: LOOPBACK,
  },
];

function machine(method) {
  return {
    token_endpoint_auth_method: method,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  };
}

function gate(method) {
  return { ...machine(method), grant_types: [TOKEN_EXCHANGE, JWT_BEARER] };
}

function resourceServer(method) {
  // Signed answers (RFC 9701) for those who ask for them by `Accept`; others get JSON.
  return { ...machine(method), introspection_signed_response_alg: 'RS256' };
}

/** The clients as oidc-provider wants them. */
export function clients(state) {
  return CLIENTS.map((client) => {
    switch (client.token_endpoint_auth_method) {
      case 'none': return client;
      case 'private_key_jwt':
        return { ...client, jwks: { keys: [publicKey(state.named[`client:${client.client_id}`])] } };
      default: return { ...client, client_secret: secret(state, client.client_id) };
    }
  });
}

/** How the clients authenticate, for the tests. */
export function credentials(state) {
  return CLIENTS.map(({ client_id: id, token_endpoint_auth_method: method }) => {
    const key = state.named[`client:${id}`];
    return {
      id,
      method,
      ...(method.startsWith('client_secret') && { secret: secret(state, id) }),
      ...(key && { key: { alg: key.alg, kid: key.kid, pem: pem(key) } }),
    };
  });
}

function secret(state, id) {
  return createHmac('sha256', state.secret).update(id).digest('base64url');
}
