import type { FetchLike } from '@modelcontextprotocol/client';
import type { Credentials } from '../connection/credentials.svelte';
import { identityOfToken } from './claims';
import type { Identity } from './identity';
import { watchCaller } from './watch';

/** Where the identity of a connection comes from, and who hears of its end. */
export interface CallerSettings {
  /** Where the server says who its caller is; null where it does not. */
  readonly url: string | null;
  readonly fetch: FetchLike;
  readonly credentials: Credentials;
  readonly onRefused: () => void;
  /** That address does not answer; true where the server serves all the same. */
  readonly onTrouble: () => Promise<boolean>;
}

/** A login is renewed so long before it ends, in milliseconds. */
const AHEAD = 3_000;
/** Longer timers end at once in browsers. */
const LONGEST_TIMER = 2_000_000_000;

/** Who a connection acts as: what the server says, or else what its token says of itself. */
export class Caller {
  private said = $state.raw<Identity | null>(null);
  private read = $state.raw<Identity | null>(null);
  private of: string | null = null;
  private watching = new AbortController();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly settings: CallerSettings) {}

  get identity(): Identity | null {
    return this.said ?? this.read;
  }

  /** Another token, perhaps another person: then what was known is forgotten. */
  reset(): void {
    this.stop();
    const { token } = this.settings.credentials;
    if (token !== this.of) this.said = null;
    this.of = token;
    this.read = token ? identityOfToken(token) : null;
  }

  /** Asks the server, goes on listening, and renews the login shortly before it ends. */
  watch(): void {
    this.stop();
    this.planRenewal();
    this.watching = new AbortController();
    const { url, fetch, credentials, onRefused, onTrouble } = this.settings;
    if (!url) return;
    void watchCaller({
      url,
      fetch,
      token: () => credentials.token,
      renew: () => credentials.renew(),
      onIdentity: (identity) => {
        this.said = identity;
        this.planRenewal();
      },
      onRefused,
      onTrouble,
      signal: this.watching.signal,
    });
  }

  /** Another token of the same login. */
  renewed(): void {
    const { token } = this.settings.credentials;
    this.of = token;
    this.read = token ? identityOfToken(token) : null;
    this.watch();
  }

  stop(): void {
    this.watching.abort();
    clearTimeout(this.timer);
  }

  private planRenewal(): void {
    clearTimeout(this.timer);
    const { credentials } = this.settings;
    const ends = this.identity?.expiresAt;
    if (!ends || !credentials.canRenew) return;
    const left = ends * 1000 - Date.now() - AHEAD;
    this.timer = setTimeout(() => void credentials.renew(), Math.min(LONGEST_TIMER, Math.max(AHEAD, left)));
  }
}
