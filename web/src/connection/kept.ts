import type { LoginData } from './oauth';
import type { Revision } from './client';

/** A connection that the person asked to keep while this tab lives. */
export interface KeptConnection {
  readonly url: string;
  readonly revision: Revision;
  readonly token: string | null;
  readonly login: LoginData | null;
}

/** An attempt to sign in that left the page in this very tab. */
export interface KeptAttempt extends KeptConnection {
  readonly keep: boolean;
}

const CONNECTIONS = 'propusk.connections';
const ATTEMPT = 'propusk.sign-in';

/** Session storage: gone with the tab, and seen by no other. */
export const kept = {
  connections(): KeptConnection[] {
    const found = read(CONNECTIONS);
    return Array.isArray(found) ? found.filter((one): one is KeptConnection => typeof one?.url === 'string') : [];
  },
  keepConnections(connections: readonly KeptConnection[]): void {
    write(CONNECTIONS, connections.length > 0 ? connections.map(withoutAttempt) : null);
  },
  keepAttempt(attempt: KeptAttempt): void {
    write(ATTEMPT, attempt);
  },
  /** Takes the attempt out: it is good for one way back only. */
  takeAttempt(): KeptAttempt | null {
    const found = read(ATTEMPT);
    write(ATTEMPT, null);
    return found as KeptAttempt | null;
  },
};

/** The verifier and the state of somebody who signs in elsewhere are nobody's business here. */
function withoutAttempt(connection: KeptConnection): KeptConnection {
  const { verifier: _, state: __, requested: ___, ...login } = connection.login ?? {};
  return { ...connection, login: connection.login && login };
}

function read(key: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

function write(key: string, value: unknown): void {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is turned off: nothing is kept.
  }
}
