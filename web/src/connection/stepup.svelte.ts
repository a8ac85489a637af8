import { challengedScopes } from './challenge';
import type { LiveConnection } from './live.svelte';
import type { RefusedError } from './refusal';

/** Somebody is asked for another token, and somebody waits for it. */
export interface Wanted {
  /** What it must do better; null where the person only wants another one. */
  readonly refusal: RefusedError | null;
  readonly done: (given: boolean) => void;
}

/** How a connection gets to be allowed more, or to be somebody else. */
export class StepUp {
  /** What the dialog that asks for a token shows. */
  wanted = $state.raw<Wanted | null>(null);

  constructor(private readonly connection: LiveConnection) {}

  /** Signs in for more where that is possible, and asks for another token where it is not. */
  up(refusal: RefusedError): Promise<boolean> {
    if (!this.canSignIn(refusal)) return this.askForToken(refusal);
    return this.connection.signing.begin({ refusal, scopes: this.scopesWith(refusal) });
  }

  /** The same identity once more, or another one. */
  renew(): Promise<boolean> {
    const { credentials, signing, state } = this.connection;
    return credentials.login ? signing.begin({ refusal: state.refusal }) : this.askForToken(state.refusal);
  }

  /** True once another token is in use. */
  askForToken(refusal: RefusedError | null): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (given: boolean) => {
        this.wanted = null;
        resolve(given);
      };
      this.wanted = { refusal, done };
    });
  }

  /** The server has an authorization server, as far as it said (RFC 9728, section 5.1). */
  canSignIn({ challenge }: Pick<RefusedError, 'challenge'>): boolean {
    return this.connection.credentials.login !== null || (challenge?.parameters.has('resource_metadata') ?? false);
  }

  /** Those of now and those that are asked for: a server need not repeat what is granted already. */
  scopesWith(refusal: RefusedError | null): string[] {
    return [...new Set([...(this.connection.scopes ?? []), ...challengedScopes(refusal?.challenge ?? null)])];
  }
}
