// Key pairs as JSON Web Keys, and signatures with them (RFC 7515, 7518, 8037).

import {
  constants, createHash, createHmac, createPrivateKey, createPublicKey, generateKeyPair, randomUUID,
  sign,
} from 'node:crypto';
import { promisify } from 'node:util';

const generate = promisify(generateKeyPair);
const CURVES = { ES256: 'P-256', ES384: 'P-384' };

/** A new private key for one algorithm. */
export async function newKey(alg) {
  const pair = alg === 'EdDSA' ? await generate('ed25519')
    : CURVES[alg] ? await generate('ec', { namedCurve: CURVES[alg] })
      : await generate('rsa', { modulusLength: 2048 });
  return { ...pair.privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID() };
}

/** What may be shown of a key. */
export function publicKey({ d, p, q, dp, dq, qi, ...rest }) { return rest; }

/** PKCS #8 in PEM, for those who sign by themselves. */
export function pem(key) {
  return createPrivateKey({ key, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' });
}

/** The thumbprint of RFC 7638. */
export function thumbprint({ kty, crv, x, y, e, n }) {
  // JSON.stringify leaves out what a type of key does not have; the order is the RFC's.
  const members = JSON.stringify({ crv, e, kty, n, x, y });
  return createHash('sha256').update(members).digest('base64url');
}

/** A JSON Web Signature in compact form. A text stands for itself: what no JSON library would write. */
export function signed(key, header, claims) {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${signature(key, input).toString('base64url')}`;
}

/** The same with HMAC and SHA-256, whatever the header says. */
export function authenticated(secret, header, claims) {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** A public key in the forms in which a library may have kept it. */
export function publicForms(key) {
  const of = createPublicKey({ key: publicKey(key), format: 'jwk' });
  const types = key.kty === 'RSA' ? ['spki', 'pkcs1'] : ['spki'];
  const pems = types.map((type) => of.export({ type, format: 'pem' }));
  return [
    ...pems, ...pems.map((text) => text.trimEnd()),
    ...types.map((type) => of.export({ type, format: 'der' })),
    JSON.stringify(publicKey(key)), Buffer.from(key.n ?? key.x, 'base64url'), '',
  ];
}

function part(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return Buffer.from(text).toString('base64url');
}

function signature(jwk, input) {
  const key = { key: createPrivateKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  if (jwk.alg === 'EdDSA') return sign(null, Buffer.from(input), key.key);
  if (jwk.alg.startsWith('PS')) {
    key.padding = constants.RSA_PKCS1_PSS_PADDING;
    key.saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  }
  return sign(`sha${jwk.alg.slice(2)}`, Buffer.from(input), key);
}
