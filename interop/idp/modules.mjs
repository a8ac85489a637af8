// Where oidc-provider is installed, with the `jose` that it verifies with: the folder in PROPUSK_TEST_IDP, or `.work/idp` of the workspace.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const home = process.env.PROPUSK_TEST_IDP ?? join(here, '../../.work/idp');
const { resolve } = createRequire(join(home, 'package.json'));

export const { Provider, errors } = await import(pathToFileURL(resolve('oidc-provider')).href);
export const jose = await import(pathToFileURL(resolve('jose')).href);
