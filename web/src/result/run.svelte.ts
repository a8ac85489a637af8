// One call: that it runs, how far it is, how it ended. It lives on when the person looks at another offer.

import type { CallOptions } from '../connection/connection';

export type Progress = { readonly progress: number; readonly total?: number; readonly message?: string };

export type Outcome<Result> =
  | { readonly state: 'done'; readonly result: Result }
  | { readonly state: 'failed'; readonly error: unknown }
  | { readonly state: 'cancelled' };

export class Run<Result> {
  readonly startedAt = performance.now();
  /** Null while it runs. */
  outcome = $state.raw<Outcome<Result> | null>(null);
  progress = $state.raw<Progress | null>(null);
  endedAt = $state.raw<number | null>(null);
  readonly #abort = new AbortController();

  constructor(call: (options: CallOptions) => Promise<Result>) {
    void this.#follow(call);
  }

  cancel(): void {
    if (this.outcome !== null) return;
    this.#end({ state: 'cancelled' });
    this.#abort.abort(new DOMException('cancelled', 'AbortError'));
  }

  async #follow(call: (options: CallOptions) => Promise<Result>): Promise<void> {
    try {
      const result = await call({ signal: this.#abort.signal, onProgress: (progress) => this.#advance(progress) });
      this.#end({ state: 'done', result });
    } catch (error) {
      this.#end({ state: 'failed', error });
    }
  }

  #advance(progress: Progress): void {
    if (this.outcome === null) this.progress = progress;
  }

  /** The first end counts: an answer that comes after a cancel is not shown. */
  #end(outcome: Outcome<Result>): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    this.endedAt = performance.now();
  }
}
