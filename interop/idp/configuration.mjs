// oidc-provider's configuration: strict where it matters, and without its warnings for beginners.

import { createHash } from 'node:crypto';

import { clients } from './clients.mjs';
import { actor } from './exchange.mjs';
import { resourceServer } from './resources.mjs';

export function configuration(flags, state, documents) {
  const lifetime = (_context, token) => token.resourceServer?.accessTokenTTL ?? Number(flags.ttl);
  return {
    adapter: state.storage.adapter,
    jwks: { keys: state.signing },
    clients: clients(state),
    cookies: { keys: [state.secret] },
    // A token ends at its `exp`, so that tests of short lives need not wait longer.
    clockTolerance: 0,
    scopes: ['openid', 'offline_access', ...flags.scopes.split(' ')],
    enabledJWA: signing(flags.alg),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    extraTokenClaims: async (_context, token) => actor(token),
    clientBasedCORS: () => true,
    findAccount: async (_context, subject) => ({
      accountId: subject,
      claims: async () => ({ sub: subject }),
    }),
    ...(!flags.pages && {
      interactions: {
        url: (_context, { uid }) => `${flags['issuer-path']}/interaction/${uid}`,
      },
    }),
    renderError: async (context, out) => {
      context.type = 'json';
      context.body = out;
    },
    ttl: {
      AccessToken: lifetime,
      ClientCredentials: lifetime,
      Grant: 86400,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 86400,
      Session: 86400,
    },
    fetch: async (url) => document(documents, String(url)),
    features: features(flags, state),
  };
}

function features(flags, state) {
  return {
    devInteractions: { enabled: flags.pages },
    rpInitiatedLogout: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: async (_context, indicator) => resourceServer(flags, indicator),
      // A token request without `resource` gets the one of the authorization request.
      useGrantedResource: async () => true,
    },
    introspection: {
      enabled: true,
      allowedPolicy: async (_context, client) => client.clientId.startsWith('resource-server'),
    },
    jwtIntrospection: { enabled: true },
    revocation: {
      enabled: true,
      allowedPolicy: async (_context, client, token) => (
        client.clientId === 'operator' || client.clientId === token.clientId
      ),
    },
    dPoP: {
      enabled: true,
      ...(flags['dpop-nonce'] && {
        nonceSecret: createHash('sha256').update(state.secret).digest(),
        requireNonce: () => true,
      }),
    },
    registration: { enabled: true },
    clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
  };
}

function signing(algorithms) {
  return Object.fromEntries([
    'clientAuthSigningAlgValues', 'idTokenSigningAlgValues', 'introspectionSigningAlgValues',
    'userinfoSigningAlgValues', 'authorizationSigningAlgValues',
  ].map((name) => [name, [...new Set(['RS256', 'ES256', ...algorithms])]]));
}

function document(documents, url) {
  if (!documents.has(url)) return new Response('unknown', { status: 404 });
  return Response.json(documents.get(url));
}
