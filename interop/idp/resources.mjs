// Resource indicators (RFC 8707): which resources there are, and what their tokens look like.

import { errors } from './modules.mjs';

/**
 * A resource below the flag `--resource` gets a JWT (RFC 9068), one below `--opaque-resource` an
 * opaque token. Query members of the resource decide for one request, and are not part of the
 * audience: `idp.format=opaque`, `idp.alg=ES256`, `idp.ttl=2`.
 */
export function resourceServer(flags, indicator) {
  const { audience, wishes } = parse(indicator);
  const below = (prefixes) => prefixes.some((prefix) => audience.startsWith(prefix));
  if (!below(flags.resource) && !below(flags['opaque-resource'])) throw new errors.InvalidTarget();

  const alg = wishes.get('idp.alg') ?? 'RS256';
  const ttl = Number(wishes.get('idp.ttl') ?? flags.ttl);
  if (!flags.alg.includes(alg) || !(ttl > 0)) throw new errors.InvalidTarget();
  const opaque = wishes.get('idp.format') === 'opaque' || below(flags['opaque-resource']);
  return {
    audience,
    scope: flags.scopes,
    accessTokenTTL: ttl,
    accessTokenFormat: opaque ? 'opaque' : 'jwt',
    jwt: { sign: { alg } },
  };
}

function parse(indicator) {
  const [base, query = ''] = indicator.split('?', 2);
  const members = query.split('&').filter(Boolean);
  const wishes = new URLSearchParams(members.filter((member) => member.startsWith('idp.')).join('&'));
  const rest = members.filter((member) => !member.startsWith('idp.'));
  return { audience: rest.length ? `${base}?${rest.join('&')}` : base, wishes };
}
