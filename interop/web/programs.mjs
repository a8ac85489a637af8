// Starts the real programs of a test, on ports of their own, and ends them with it.
//
// `PROPUSK_TEST_BINARY` is the propusk to test; `PROPUSK_TEST_NODE`, `PROPUSK_TEST_IDP` and
// `PROPUSK_TEST_BROWSER` say where `cargo xtask` has put the others.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.PROPUSK_TEST_BINARY ?? join(root, 'target/debug/propusk');
const node = process.env.PROPUSK_TEST_NODE ?? join(root, '.work/node/node_modules/.bin/node');

/** A folder that is gone after the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'propusk-web-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The first lines of a program's standard output, once it has said them all. */
async function started(t, program, args, { env = {}, lines: wanted = 1 } = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const said = [];
  let complaints = '';
  child.stderr.on('data', (data) => { complaints = (complaints + data).slice(-20_000); });
  const ended = once(child, 'exit');
  t.after(async () => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await ended;
  });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    said.push(line);
    if (said.length === wanted) return { child, said, ended, complaints: () => complaints };
  }
  throw new Error(`${program} ${args.join(' ')} did not start: ${complaints}`);
}

/** A running `propusk serve` with a store of its own. */
export class Propusk {
  /** More flags of `serve`; `listen` starts another one in the place of one that has ended. */
  static async start(t, { flags = [], store, listen = '127.0.0.1:0', env = {} } = {}) {
    const server = new Propusk();
    server.store = store ?? `sqlite:${join(folder(t), 'tokens.db')}`;
    const args = ['serve', '--listen', listen, '--tokens', server.store, ...flags];
    server.process = await started(t, binary, args, { env });
    server.url = server.process.said[0].replace('listening on ', '');
    server.origin = new URL(server.url).origin;
    return server;
  }

  /** A new token for this subject, with these scopes. */
  async issue(subject, scopes = [], more = []) {
    const wanted = scopes.flatMap((scope) => ['--scope', scope]);
    const { stdout } = await this.propusk('token', 'issue', '--subject', subject, ...wanted, ...more);
    return stdout.trim();
  }

  async revoke(token) {
    await this.propusk('token', 'revoke', token);
  }

  async propusk(...args) {
    return run(binary, [...args, '--tokens', this.store]);
  }

  async stop() {
    this.process.child.kill('SIGTERM');
    await this.process.ended;
  }
}

/** The real identity provider, with pages for people. */
export class IdentityProvider {
  static async start(t, flags = []) {
    const provider = new IdentityProvider();
    const args = [join(root, 'interop/idp/idp.mjs'), '--pages', '--until-stdin-closes', ...flags];
    const modules = process.env.PROPUSK_TEST_IDP ?? join(root, '.work/idp');
    const { said } = await started(t, node, args, { env: { PROPUSK_TEST_IDP: modules }, lines: 2 });
    provider.issuer = said[0].replace('listening on ', '');
    provider.controls = said[1].replace('control on ', '');
    return provider;
  }

  async control(path, body) {
    const answer = await fetch(`${this.controls}${path}`, {
      method: 'POST', body: JSON.stringify(body ?? {}), headers: { 'content-type': 'application/json' },
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.headers.get('content-type')?.includes('json') ? answer.json() : undefined;
  }
}
