// Token exchange (RFC 8693), and the identity provider's half of ID-JAG
// (draft-ietf-oauth-identity-assertion-authz-grant). oidc-provider authenticates the client, knows
// the resources and makes the access tokens; what it does not have is the grant.

import { randomUUID } from 'node:crypto';

import { signed } from './keys.mjs';
import { errors } from './modules.mjs';
import { resourceServer } from './resources.mjs';
import { subjectOf } from './subject.mjs';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const TYPE = 'urn:ietf:params:oauth:token-type:';
const ACCESS_TOKEN = `${TYPE}access_token`;
const ID_JAG = `${TYPE}id-jag`;

/** In seconds. */
const ASSERTION_TTL = 300;

const PARAMETERS = [
  'subject_token', 'subject_token_type', 'requested_token_type', 'resource', 'audience', 'scope',
  'actor_token', 'actor_token_type',
];

export function registerExchange(provider, flags, state) {
  const grant = async (context) => {
    const { params } = context.oidc;
    if (params.actor_token) throw new errors.InvalidRequest('actor tokens are not taken');
    const subject = await subjectOf(context, flags, state);
    switch (params.requested_token_type ?? ACCESS_TOKEN) {
      case ACCESS_TOKEN: context.body = await accessToken(context, flags, subject); return;
      case ID_JAG: context.body = await assertion(context, flags, state, subject); return;
      default: throw new errors.InvalidRequest('requested_token_type is not issued here');
    }
  };
  provider.registerGrantType(TOKEN_EXCHANGE, grant, PARAMETERS);
}

/** RFC 8693 section 2.2.1: an access token for the resource, by the provider's own model of one. */
async function accessToken(context, flags, subject) {
  const { resource = context.oidc.params.audience, audience = resource } = context.oidc.params;
  if (!resource || audience !== resource) throw new errors.InvalidTarget();
  const token = await issued(context, flags, { resource, subject, gty: TOKEN_EXCHANGE });
  return { ...token, issued_token_type: ACCESS_TOKEN };
}

/** A token of the provider for a subject that was verified. */
export async function issued(context, flags, { resource, subject, gty }) {
  const { client, params, provider } = context.oidc;
  const server = new provider.ResourceServer(resource, resourceServer(flags, resource));
  const scopes = granted(params, subject).filter((scope) => server.scopes.has(scope));
  const token = new provider.AccessToken({
    client, accountId: subject.sub, gty, resourceServer: server, scope: scopes.join(' ') || undefined,
  });
  const value = await token.save();
  return {
    access_token: value, token_type: token.tokenType, expires_in: token.expiration, scope: token.scope,
  };
}

/** The claims that only a token of this grant has (RFC 8693 section 4.1). */
export function actor(token) {
  return token.gty === TOKEN_EXCHANGE ? { act: { sub: token.clientId } } : undefined;
}

/** An assertion for another authorization server (section 4 of the draft). */
async function assertion(context, flags, state, subject) {
  const { client, params, provider } = context.oidc;
  const { audience, resource } = params;
  const known = flags['assert-for'].some((prefix) => audience?.startsWith(prefix));
  if (!known || !resource) throw new errors.InvalidTarget();
  const scope = granted(params, subject).join(' ') || undefined;
  const now = Math.floor(Date.now() / 1000);
  const key = await state.key('provider:RS256');
  const header = { alg: key.alg, kid: key.kid, typ: 'oauth-id-jag+jwt' };
  const jwt = signed(key, header, {
    iss: provider.issuer,
    sub: subject.sub,
    aud: audience,
    client_id: client.clientId,
    jti: randomUUID(),
    iat: now,
    exp: now + ASSERTION_TTL,
    resource,
    scope,
  });
  return {
    issued_token_type: ID_JAG, access_token: jwt, token_type: 'N_A', expires_in: ASSERTION_TTL, scope,
  };
}

/** What is asked for, without what the subject may not do itself. */
function granted({ scope }, { scopes }) {
  const wanted = scope?.split(' ');
  return scopes && wanted ? wanted.filter((name) => scopes.includes(name)) : wanted ?? scopes ?? [];
}
