import type { FetchLike } from '@modelcontextprotocol/client';
import type { Credentials } from '../connection/credentials';
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
  readonly onTrouble: (retryAfter: number | null) => void;
}

/** Who a connection acts as: what the server says, or else what its token says of itself. */
export class Caller {
  private said = $state.raw<Identity | null>(null);
  private read = $state.raw<Identity | null>(null);
  private watching = new AbortController();

  constructor(private readonly settings: CallerSettings) {}

  get identity(): Identity | null {
    return this.said ?? this.read;
  }

  /** Another token, perhaps another person: what was known is forgotten. */
  reset(): void {
    this.stop();
    const { token } = this.settings.credentials;
    this.said = null;
    this.read = token ? identityOfToken(token) : null;
  }

  /** Asks the server, and goes on listening. */
  watch(): void {
    this.stop();
    this.watching = new AbortController();
    const { url, fetch, credentials, onRefused, onTrouble } = this.settings;
    if (!url) return;
    void watchCaller({
      url,
      fetch,
      token: () => credentials.token,
      renew: () => credentials.renew(),
      onIdentity: (identity) => (this.said = identity),
      onRefused,
      onTrouble,
      signal: this.watching.signal,
    });
  }

  stop(): void {
    this.watching.abort();
  }
}
