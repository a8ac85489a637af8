// Whose token a client shows (`subject_token` of RFC 8693), verified as its issuer can.

import { publicKey } from './keys.mjs';
import { errors, jose } from './modules.mjs';

const TYPE = 'urn:ietf:params:oauth:token-type:';

/**
 * Who the subject is, and what it may do; `scopes` is missing where the token is about nobody's
 * rights. A token that is not valid, was revoked, or is for somebody whom this client does not stand
 * for is `invalid_grant`.
 */
export async function subjectOf(context, flags, state) {
  const { client, params, provider } = context.oidc;
  const { subject_token: token, subject_token_type: type } = params;
  if (!token) throw new errors.InvalidRequest('subject_token is missing');
  const facts = await read(provider, state, token, type);
  const audiences = flags.exchange
    .map((pair) => pair.split(/=(.*)/s))
    .filter(([id]) => id === client.clientId)
    .map(([, audience]) => audience);
  const ours = [facts.aud].flat().some((audience) => audiences.includes(audience));
  if (!ours) throw new errors.InvalidGrant('subject_token is not for this client');
  return { sub: facts.sub, scopes: facts.scope?.split(' ') };
}

function read(provider, state, token, type) {
  switch (type) {
    case `${TYPE}access_token`:
      return token.includes('.') ? ofJwt(provider, state, token, ['at+jwt']) : ofStore(provider, token);
    case `${TYPE}id_token`: return ofJwt(provider, state, token, [undefined, 'JWT']);
    default: throw new errors.InvalidRequest('subject_token_type is not known');
  }
}

async function ofJwt(provider, state, token, types) {
  const keys = jose.createLocalJWKSet({ keys: state.signing.map(publicKey) });
  try {
    const { payload, protectedHeader } = await jose.jwtVerify(token, keys, {
      issuer: provider.issuer, requiredClaims: ['sub', 'aud', 'exp'], clockTolerance: 0,
    });
    if (types.includes(protectedHeader.typ)) return payload;
    throw new errors.InvalidGrant('subject_token is of another type');
  } catch (error) {
    if (error instanceof jose.errors.JOSEError) throw new errors.InvalidGrant(error.message);
    throw error;
  }
}

/** An opaque one is what the provider keeps of it, and so is its grant. */
async function ofStore(provider, value) {
  const token = await provider.AccessToken.find(value) ?? await provider.ClientCredentials.find(value);
  const grant = token?.grantId && await provider.Grant.find(token.grantId);
  if (!token?.isValid || (token.grantId && !grant?.isValid)) {
    throw new errors.InvalidGrant('subject_token is not active');
  }
  return { sub: token.accountId ?? token.clientId, aud: token.aud, scope: token.scope };
}
