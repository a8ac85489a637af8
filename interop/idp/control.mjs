// The tests' side door, on a port of its own.

import { createHash, randomUUID } from 'node:crypto';

import { credentials } from './clients.mjs';
import { authenticated, publicForms, publicKey, signed, thumbprint } from './keys.mjs';

/** A request listener. Every answer is JSON; what fails is a 400 with a reason. */
export function control({ state, endpoints, faults, tenant }) {
  const actions = {
    'GET /counts': () => endpoints.counts,
    'POST /reset': () => endpoints.reset(),
    'POST /fault': (fault) => faults.set(fault),
    'GET /clients': () => credentials(state),
    'POST /rotate': async () => { await state.rotate(); tenant.renew(); },
    'POST /retire': () => { state.retire(); tenant.renew(); },
    'POST /document': ({ url, document }) => { tenant.documents.set(url, document); },
    'POST /sign': (order) => sign(state, order),
    'POST /authenticate': (order) => authenticate(state, order),
    'POST /dpop': (order) => prove(state, order),
  };
  return async (request, response) => {
    try {
      const action = actions[`${request.method} ${request.url}`];
      if (!action) throw new Error(`no such control: ${request.method} ${request.url}`);
      const body = await read(request);
      send(response, 200, await action(body && JSON.parse(body)));
    } catch (error) {
      send(response, 400, { error: error.message });
    }
  };
}

/** A JWT by a named key, whatever the test wants in it. A text is taken as it is. */
async function sign(state, { key: name, alg, header = {}, claims }) {
  const key = await state.key(name, alg);
  if (!key) throw new Error(`no such key: ${name}`);
  const head = typeof header === 'string' ? header
    : { alg: key.alg, kid: key.kid, typ: 'JWT', ...header };
  return { jwt: signed(key, head, claims), jwk: publicKey(key), jkt: thumbprint(key) };
}

/** JWTs by HMAC: with a secret, or with each form of a public key in the place of a secret. */
async function authenticate(state, { secret, key: name, header, claims }) {
  if (secret) return [authenticated(secret, header, claims)];
  const key = await state.key(name);
  const head = { alg: 'HS256', kid: key.kid, typ: 'JWT', ...header };
  return publicForms(key).map((form) => authenticated(form, head, claims));
}

/** A proof of RFC 9449 section 4.2; header and claims may replace what it would say. */
async function prove(state, { key = 'dpop', method, url, token, nonce, header, claims }) {
  const { kty, crv, x, y } = await state.key(key);
  return sign(state, {
    key,
    header: { typ: 'dpop+jwt', kid: undefined, jwk: { kty, crv, x, y }, ...header },
    claims: {
      jti: randomUUID(),
      iat: Math.floor(Date.now() / 1000),
      htm: method,
      htu: url,
      ath: token && createHash('sha256').update(token).digest('base64url'),
      nonce: nonce ?? undefined,
      ...claims,
    },
  });
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function send(response, status, value = {}) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
