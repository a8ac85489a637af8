import type { Challenge } from './challenge';

/** A call that got no answer: the server is gone, or keeps pages of this origin out. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';

  constructor(
    readonly host: string,
    /** In the browser's words. */
    message: string,
  ) {
    super(message);
  }
}

/** A call that the server refused over HTTP. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(
    readonly status: number,
    /** The decoded `WWW-Authenticate`, where there is one. */
    readonly challenge: Challenge | null,
    /** The scopes that the challenge names and this identity lacks. */
    readonly missing: readonly string[],
    readonly retryAfterSeconds: number | null,
    /** The row of the timeline that shows it. */
    readonly exchangeId: string,
  ) {
    super(`HTTP ${status}`);
  }
}
