// One list of a server: asked for, come, or failed. What came stays in sight while it is asked for again.

import { distinct, type Offer } from './offer';

export class Listing {
  offers = $state.raw<readonly Offer[]>([]);
  state = $state<'none' | 'loading' | 'ready' | 'failed'>('none');
  error = $state.raw<unknown>(null);
  #byKey: ReadonlyMap<string, Offer> = new Map();
  #asked = 0;

  constructor(private readonly ask: () => Promise<readonly Offer[]>) {}

  find(key: string | null): Offer | null {
    // Read so that what shows it follows the list.
    void this.offers;
    return key === null ? null : (this.#byKey.get(key) ?? null);
  }

  async load(): Promise<void> {
    this.#asked += 1;
    const mine = this.#asked;
    if (this.state !== 'ready') this.state = 'loading';
    try {
      const offers = distinct(await this.ask());
      if (mine === this.#asked) this.#take(offers);
    } catch (error) {
      if (mine === this.#asked) this.#fail(error);
    }
  }

  #take(offers: readonly Offer[]): void {
    this.#byKey = new Map(offers.map((offer) => [offer.key, offer]));
    this.offers = offers;
    this.error = null;
    this.state = 'ready';
  }

  #fail(error: unknown): void {
    this.error = error;
    this.state = 'failed';
  }
}
