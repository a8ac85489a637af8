import { challengedScopes } from './challenge';
import type { AuthorizationAnswer } from './callback';
import { kept } from './kept';
import type { LiveConnection } from './live.svelte';
import type { RefusedError } from './refusal';
import { finishSignIn, prepareSignIn, signInBeside, SignInError, type SignInRequest } from './signin';

/** What somebody signs in for. */
export interface SignInPurpose {
  /** What the server said; null where it was not asked yet. */
  readonly refusal?: RefusedError | null;
  /** Undefined leaves the choice to the server. */
  readonly scopes?: readonly string[];
  /** A client that the authorization server knows; otherwise this page registers itself. */
  readonly clientId?: string;
}

const WINDOW = 'popup,width=560,height=760';

/** Signing in at the authorization server of a connection: in a window beside this page, or in its place. */
export class SigningIn {
  /** `preparing` asks the servers, `away` waits for the person, `blocked` has no window to send them to. */
  phase = $state<'idle' | 'preparing' | 'away' | 'blocked'>('idle');
  error = $state.raw<{ cause: unknown; detail: string } | null>(null);
  /** The authorization server was found, but does not know this page: it takes a client that it was told of. */
  needsClient = $state(false);
  private attempt = new AbortController();
  private purpose: SignInPurpose = {};

  constructor(private readonly connection: LiveConnection) {}

  /** Called by a click, so that the browser lets a window open. True once the new token is in use. */
  async begin(purpose: SignInPurpose): Promise<boolean> {
    const beside = window.open('about:blank', '_blank', WINDOW);
    this.attempt.abort();
    this.attempt = new AbortController();
    const { signal } = this.attempt;
    this.purpose = purpose;
    this.error = null;
    this.needsClient = false;
    this.phase = 'preparing';
    try {
      if (this.connection.state.phase === 'new') await this.connection.connect();
      signal.throwIfAborted();
      const request = this.request();
      if (!beside) {
        this.phase = 'blocked';
        return false;
      }
      this.phase = 'away';
      await signInBeside(request, beside, signal);
      this.phase = 'idle';
    } catch (error) {
      beside?.close();
      if (!signal.aborted) this.fail(error);
      return false;
    }
    return this.done();
  }

  /** Again, as a client that the person names. Called by a click. */
  again(clientId: string): Promise<boolean> {
    this.connection.credentials.begin(given(clientId));
    return this.begin({ ...this.purpose, clientId });
  }

  /** In place of this page, where the browser allows no window. */
  async here(): Promise<void> {
    try {
      const url = await prepareSignIn(this.request());
      kept.keepAttempt({ ...this.connection.toKeep(), keep: this.connection.keep });
      location.assign(url.href);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Back in this page after [`here`]. */
  async comeBack(answer: AuthorizationAnswer): Promise<void> {
    this.phase = 'preparing';
    try {
      await finishSignIn(this.request(), answer);
      this.phase = 'idle';
      await this.done();
    } catch (error) {
      this.fail(error);
    }
  }

  cancel(): void {
    this.attempt.abort(new SignInError('cancelled'));
    this.phase = 'idle';
    this.error = null;
  }

  private async done(): Promise<boolean> {
    this.connection.settings.onCredentials();
    await this.connection.connect();
    return this.connection.state.phase === 'ready';
  }

  private fail(error: unknown): void {
    const login = this.connection.credentials.login?.data;
    this.phase = 'idle';
    this.error = { cause: error, detail: this.connection.mask(error instanceof Error ? error.message : String(error)) };
    this.needsClient = login?.discovery?.authorizationServerMetadata !== undefined && login.client === undefined;
  }

  private request(): SignInRequest {
    const { connection, purpose } = this;
    const { credentials } = connection;
    const login = credentials.login ?? credentials.begin(given(purpose.clientId));
    if (purpose.scopes) login.widen(purpose.scopes);
    const challenge = (purpose.refusal ?? connection.state.refusal)?.challenge ?? null;
    const scopes = purpose.scopes ?? challengedScopes(challenge);
    return {
      serverUrl: connection.url,
      login,
      scope: scopes.length > 0 ? scopes.join(' ') : undefined,
      resourceMetadataUrl: urlIn(challenge?.parameters.get('resource_metadata')),
      fetch: connection.fetchFor('oauth'),
    };
  }
}

function given(clientId: string | undefined) {
  return clientId ? { client: { client_id: clientId }, clientIsGiven: true } : {};
}

function urlIn(text: string | undefined): URL | undefined {
  const url = text === undefined ? null : URL.parse(text);
  return url && (url.protocol === 'https:' || url.protocol === 'http:') ? url : undefined;
}
