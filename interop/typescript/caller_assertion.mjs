// Verifies who is calling, as a server behind the gate would, with jose.
//
//     node caller_assertion.mjs KEYS ISSUER
//
// As ../python/caller_assertion.py. jose is looked for in the folder of PROPUSK_TEST_TYPESCRIPT.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const home = process.env.PROPUSK_TEST_TYPESCRIPT ?? '.work/typescript';
const { resolve } = createRequire(pathToFileURL(join(home, 'package.json')));
const { createRemoteJWKSet, jwtVerify } = await import(pathToFileURL(resolve('jose')));

const [url, issuer] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(url));

async function verified(assertion, audience) {
  const { payload } = await jwtVerify(assertion, keys, {
    algorithms: ['ES256'],
    audience,
    issuer,
    requiredClaims: ['sub', 'exp', 'iat', 'jti'],
    typ: 'propusk-caller+jwt',
  });
  return payload;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { assertion, audience } = JSON.parse(line);
  const said = await verified(assertion, audience).then(
    (claims) => ({ claims }),
    (error) => ({ refused: `${error.code}: ${error.message}` }),
  );
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
