// What survives a stop and a start: keys, secrets, tokens.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';

import { newKey } from './keys.mjs';
import { Storage } from './storage.mjs';

/** Clients that authenticate with a key, with the algorithm of that key. */
const CLIENT_KEYS = { 'machine-jwt': 'ES256', 'resource-server-jwt': 'RS256', 'gate-jwt': 'ES256' };

export class State {
  /** Reads the file, or makes a new state where there is none. */
  static async load(file, algorithms) {
    const state = new State();
    state.file = file;
    const saved = file && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    if (saved) {
      Object.assign(state, saved, { storage: new Storage(saved.storage) });
      return state;
    }
    state.storage = new Storage();
    state.secret = randomBytes(24).toString('base64url');
    state.algorithms = algorithms;
    state.signing = await Promise.all(algorithms.map(newKey));
    // Keys of clients and of holders of bound tokens, by name.
    state.named = {};
    await Promise.all(Object.entries(CLIENT_KEYS).map(async ([client, alg]) => {
      state.named[`client:${client}`] = await newKey(alg);
    }));
    // Also written now, so that a provider that was killed starts with the same keys.
    state.save();
    return state;
  }

  /** New signing keys become active; those before stay published. */
  async rotate() {
    this.signing.unshift(...await Promise.all(this.algorithms.map(newKey)));
    this.save();
  }

  /** Only the active signing keys stay published. */
  retire() {
    this.signing.length = this.algorithms.length;
    this.save();
  }

  /** The key of a name: `provider:<alg>` is the active signing key, any other is made on demand. */
  async key(name, alg = 'ES256') {
    if (name.startsWith('provider:')) {
      return this.signing.find((key) => key.alg === name.slice('provider:'.length));
    }
    return this.named[name] ??= await newKey(alg);
  }

  save() {
    const { file, ...content } = this;
    if (file) writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  }
}
