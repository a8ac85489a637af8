// The resource's half of ID-JAG: its authorization server takes the assertion of an identity provider
// that it trusts for a token (RFC 7523, draft-ietf-oauth-identity-assertion-authz-grant section 5).

import { issued } from './exchange.mjs';
import { errors, jose } from './modules.mjs';

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

const PARAMETERS = ['assertion', 'resource', 'scope'];

export function registerAssertions(provider, flags) {
  // No pause between two looks for a key: a test rotates when it likes.
  const options = { cooldownDuration: 0 };
  const keys = new Map(flags.trust.map((issuer) => (
    [issuer, jose.createRemoteJWKSet(new URL(`${issuer}/jwks`), options)]
  )));
  const grant = async (context) => { context.body = await take(context, flags, keys); };
  provider.registerGrantType(JWT_BEARER, grant, PARAMETERS);
}

async function take(context, flags, keys) {
  const { client, params, provider } = context.oidc;
  if (!params.assertion) throw new errors.InvalidRequest('assertion is missing');
  const claims = await verified(provider, params.assertion, keys);
  const invalid = (why) => new errors.InvalidGrant(why);
  // The draft: it is for the client that the identity provider gave it to.
  if (claims.client_id !== client.clientId) throw invalid('assertion is another client\'s');
  if (params.resource && params.resource !== claims.resource) throw new errors.InvalidTarget();
  const { sub, scope, iss, jti, exp, resource } = claims;
  if (!await provider.ReplayDetection.unique(iss, jti, exp)) throw invalid('assertion was used before');
  return issued(context, flags, {
    resource, subject: { sub, scopes: scope?.split(' ') ?? [] }, gty: JWT_BEARER,
  });
}

async function verified(provider, assertion, keys) {
  try {
    const { iss } = jose.decodeJwt(assertion);
    if (!keys.has(iss)) throw new errors.InvalidGrant('assertion is of an issuer that is not trusted');
    const { payload } = await jose.jwtVerify(assertion, keys.get(iss), {
      issuer: iss,
      audience: provider.issuer,
      typ: 'oauth-id-jag+jwt',
      requiredClaims: ['sub', 'client_id', 'resource', 'jti', 'iat', 'exp'],
      clockTolerance: 0,
    });
    return payload;
  } catch (error) {
    const { JOSEError, JWKSTimeout } = jose.errors;
    const wrong = error instanceof JOSEError && !(error instanceof JWKSTimeout);
    if (wrong) throw new errors.InvalidGrant(error.message);
    throw error;
  }
}
