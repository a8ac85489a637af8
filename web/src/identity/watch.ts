import type { FetchLike } from '@modelcontextprotocol/client';
import { streamEvents } from '../connection/events';
import { backoffSeconds, retryAfterSeconds } from '../connection/retry';
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
  /** The server does not say who its callers are. */
  readonly onUnknown: () => void;
  readonly signal: AbortSignal;
}

/** A stream that lasted at least so long was a good one, in milliseconds. */
const GOOD = 2_000;

/**
 * Follows who the server says that we are, until the signal or a refusal. The server ends its stream
 * when a token ends: then it is asked again at once, and says what is true now.
 */
export async function watchCaller(watch: Watch): Promise<void> {
  for (let failures = 0; !watch.signal.aborted; ) {
    const began = performance.now();
    const next = await askOnce(watch).catch((): Next => ({ again: true, after: null }));
    if (watch.signal.aborted || !next.again) return;
    failures = performance.now() - began > GOOD ? 0 : failures + 1;
    // The first time at once: most streams end because something happened.
    await pause(next.after ?? (failures <= 1 ? 0.1 : backoffSeconds(failures - 1)), watch.signal);
  }
}

interface Next {
  readonly again: boolean;
  readonly after: number | null;
}

const STOP: Next = { again: false, after: null };

async function askOnce(watch: Watch): Promise<Next> {
  const token = watch.token();
  const headers = { accept: 'text/event-stream', ...(token && { authorization: `Bearer ${token}` }) };
  const response = await watch.fetch(watch.url, { headers, signal: watch.signal });
  if (response.status === 401) {
    if (await watch.renew()) return { again: true, after: 0 };
    watch.onRefused();
    return STOP;
  }
  if (response.status === 429 || response.status >= 500) {
    return { again: true, after: retryAfterSeconds(response.headers.get('retry-after')) };
  }
  if (!response.ok || !response.body) {
    watch.onUnknown();
    return STOP;
  }
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const identity = identityOfAnswer(await response.json());
    if (identity) watch.onIdentity(identity);
    else watch.onUnknown();
    return STOP;
  }
  for await (const event of streamEvents(response.body)) {
    const identity = event.name === 'caller' ? identityOfAnswer(JSON.parse(event.data)) : null;
    if (identity) watch.onIdentity(identity);
  }
  return { again: true, after: null };
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
