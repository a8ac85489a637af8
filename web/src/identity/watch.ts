import type { FetchLike } from '@modelcontextprotocol/client';
import { streamEvents } from '../connection/events';
import { backoffSeconds } from '../connection/retry';
import { identityOfAnswer } from './claims';
import type { Identity } from './identity';

/** Whom to ask, and whom to tell. */
export interface Watch {
  readonly url: string;
  readonly fetch: FetchLike;
  readonly token: () => string | null;
  /** Tries to get a new token; true where that worked. */
  readonly renew: () => Promise<boolean>;
  readonly onIdentity: (identity: Identity) => void;
  /** The token counts no more, or never did. */
  readonly onRefused: () => void;
  /**
   * This address does not answer. True where the server serves all the same: then it is asked again, more
   * and more rarely.
   */
  readonly onTrouble: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** So often in a row an address may fail that the server does not need; then it is left alone. */
const MOST = 6;
/** A stream that lasted at least so long was a good one, in milliseconds. */
const GOOD = 2_000;

/**
 * Follows who the server says that we are, until the signal, a refusal or an outage. The server ends its
 * stream when a token ends: then it is asked again at once, and says what is true now.
 */
export async function watchCaller(watch: Watch): Promise<void> {
  for (let failures = 0; !watch.signal.aborted; ) {
    const began = performance.now();
    const next = await askOnce(watch).catch((): Next => (failures > 0 ? 'trouble' : 'again'));
    if (watch.signal.aborted || next === 'done') return;
    if (next === 'trouble' && !(await watch.onTrouble())) return;
    failures = performance.now() - began > GOOD ? 0 : failures + 1;
    if (failures > MOST) return;
    // The first time at once: most streams end because something happened.
    await pause(failures <= 1 && next === 'again' ? 0.1 : backoffSeconds(failures), watch.signal);
  }
}

/** How it goes on. `done`: whoever had to know was told, or this server says nothing. */
type Next = 'again' | 'trouble' | 'done';

async function askOnce(watch: Watch): Promise<Next> {
  const token = watch.token();
  const headers = { accept: 'text/event-stream', ...(token && { authorization: `Bearer ${token}` }) };
  const response = await watch.fetch(watch.url, { headers, redirect: 'error', signal: watch.signal });
  if (response.status === 401) {
    if (await watch.renew()) return 'done'; // Whoever has the new token begins a new watch.
    watch.onRefused();
    return 'done';
  }
  if (response.status === 429 || response.status >= 500) return 'trouble';
  if (!response.ok || !response.body) return 'done';
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    tell(watch, await response.json());
    return 'done';
  }
  for await (const event of streamEvents(response.body)) {
    if (event.name === 'caller') tell(watch, JSON.parse(event.data));
  }
  return 'again';
}

function tell(watch: Watch, answer: unknown): void {
  const identity = identityOfAnswer(answer);
  if (identity && !watch.signal.aborted) watch.onIdentity(identity);
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
