import { auth, type AuthProvider, type FetchLike } from '@modelcontextprotocol/client';
import type { Secrets } from '../timeline/secrets';
import { Login, type LoginData } from './oauth';

/** What a connection shows to the server: nothing, a token that the person pasted, or a login. */
export class Credentials {
  login = $state.raw<Login | null>(null);
  private pasted = $state.raw<string | null>(null);
  private renewal: Promise<boolean> | null = null;

  constructor(
    private readonly secrets: Secrets,
    private readonly serverUrl: string,
    private readonly fetch: FetchLike,
    private readonly onRenewed: () => void,
  ) {}

  get token(): string | null {
    return this.login?.data.tokens?.access_token ?? this.pasted;
  }

  /** The scopes that the last token was granted, where the authorization server said. */
  get grantedScopes(): readonly string[] | null {
    return this.login?.data.tokens?.scope?.split(' ').filter(Boolean) ?? null;
  }

  get canRenew(): boolean {
    return this.login?.data.tokens?.refresh_token !== undefined;
  }

  paste(token: string | null): void {
    this.secrets.add(token);
    this.pasted = token;
    this.login = null;
  }

  /** A login that may have no tokens yet. */
  begin(data: LoginData): Login {
    this.login = new Login(data, this.secrets);
    return this.login;
  }

  /** A new token for the refresh token (RFC 6749, section 6). Several who ask at once share one renewal. */
  renew(): Promise<boolean> {
    this.renewal ??= this.renewOnce().finally(() => (this.renewal = null));
    return this.renewal;
  }

  /** For the transport: it renews once when the server says 401. */
  provider(): AuthProvider {
    const token = () => Promise.resolve(this.token ?? undefined);
    if (!this.canRenew) return { token };
    const onUnauthorized = async () => {
      if (!(await this.renew())) throw new Error('the login cannot be renewed');
    };
    return { token, onUnauthorized };
  }

  private async renewOnce(): Promise<boolean> {
    const { login } = this;
    if (!login || !this.canRenew) return false;
    const before = this.token;
    try {
      await auth(login, { serverUrl: this.serverUrl, fetchFn: this.fetch });
    } catch {
      return false; // The exchange is a row of the timeline.
    } finally {
      login.forgetAttempt();
    }
    if (this.token === null || this.token === before) return false;
    this.onRenewed();
    return true;
  }
}
