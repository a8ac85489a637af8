// The real provider behind the HTTP server. It has no way to change its keys while it runs, so that
// a rotation puts a new provider object on the same state; tokens, grants and clients live on there.

import { registerAssertions } from './assertions.mjs';
import { registerExchange } from './exchange.mjs';
import { Provider } from './modules.mjs';
import { configuration } from './configuration.mjs';
import { interact } from './interaction.mjs';

export class Tenant {
  #issuer;

  #flags;

  #state;

  #provider;

  #answer;

  /** Client id metadata documents by URL, for the provider to "fetch": no test leaves the machine. */
  documents = new Map();

  constructor(issuer, flags, state) {
    this.#issuer = issuer;
    this.#flags = flags;
    this.#state = state;
    this.renew();
  }

  get issuer() { return this.#issuer; }

  /** Takes over the keys that the state has now. */
  renew() {
    const configured = configuration(this.#flags, this.#state, this.documents);
    this.#provider = new Provider(this.#issuer, configured);
    registerExchange(this.#provider, this.#flags, this.#state);
    registerAssertions(this.#provider, this.#flags);
    this.#provider.on('server_error', (_context, error) => console.error(error));
    this.#answer = this.#provider.callback();
  }

  async serve(request, response) {
    if (!this.#flags.pages && request.url.startsWith('/interaction/')) {
      await interact(this.#provider, request, response);
    } else {
      await this.#answer(request, response);
    }
  }
}
