import type {
  OAuthClientInformationContext,
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import type { Secrets } from '../timeline/secrets';

/** What is kept of a login, as JSON. `verifier` and `state` only while somebody is away to sign in. */
export interface LoginData {
  client?: StoredOAuthClientInformation;
  /** The client was typed by the person, not registered by this page. */
  clientIsGiven?: boolean;
  discovery?: OAuthDiscoveryState;
  tokens?: StoredOAuthTokens;
  verifier?: string;
  state?: string;
  /** The scopes of that attempt, which an answer need not repeat (RFC 6749, section 5.1). */
  requested?: string;
}

/** Where authorization servers send people back to. */
export const redirectUrl = (): string => new URL('/callback', location.origin).href;

/** A login at one server: what the official client's OAuth machinery reads and writes. */
export class Login implements OAuthClientProvider {
  /** Where the person signs in: set when the machinery wants to send them there. */
  authorizationUrl: URL | null = null;

  constructor(
    readonly data: LoginData,
    private readonly secrets: Secrets,
  ) {
    this.learnSecrets();
  }

  get redirectUrl(): string {
    return redirectUrl();
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: 'propusk',
      redirect_uris: [redirectUrl()],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(24));
    this.data.state = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_');
    return this.data.state;
  }

  clientInformation(context?: OAuthClientInformationContext): StoredOAuthClientInformation | undefined {
    const { client, clientIsGiven } = this.data;
    // Whom the person meant is the authorization server that they are sent to first, and no other later.
    if (client && clientIsGiven && context) client.issuer ??= context.issuer;
    return client;
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.data.client = client;
    this.learnSecrets();
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.data.tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    const { verifier, requested, tokens: before } = this.data;
    // An answer leaves out what is as asked for; one to a renewal, what stays as it was (RFC 6749, section 6).
    const assumed = verifier ? { scope: requested } : { scope: before?.scope, refresh_token: before?.refresh_token };
    this.data.tokens = { ...assumed, ...tokens };
    this.learnSecrets();
  }

  redirectToAuthorization(url: URL): void {
    this.authorizationUrl = url;
    this.data.requested = url.searchParams.get('scope') ?? undefined;
  }

  saveCodeVerifier(verifier: string): void {
    this.data.verifier = verifier;
    this.secrets.add(verifier);
  }

  codeVerifier(): string {
    if (!this.data.verifier) throw new Error('nobody is signing in');
    return this.data.verifier;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.data.discovery;
  }

  saveDiscoveryState(discovery: OAuthDiscoveryState): void {
    this.data.discovery = discovery;
  }

  invalidateCredentials(what: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    if (what === 'all' || what === 'tokens') delete this.data.tokens;
    if (what === 'all' || what === 'discovery') delete this.data.discovery;
    if (what === 'all' || what === 'verifier') this.forgetAttempt();
    if ((what === 'all' || what === 'client') && !this.data.clientIsGiven) delete this.data.client;
  }

  /** A client that was registered for fewer scopes is registered anew. */
  widen(scopes: readonly string[]): void {
    const registered = this.data.client as { scope?: string } | undefined;
    if (this.data.clientIsGiven || registered?.scope === undefined) return;
    const has = new Set(registered.scope.split(' '));
    if (scopes.some((scope) => !has.has(scope))) delete this.data.client;
  }

  /** The code of an answer, which whoever has the verifier could use. */
  learnCode(code: string | null): void {
    this.secrets.add(code);
  }

  /** Once somebody is back, or gave up, nothing of the attempt is needed. */
  forgetAttempt(): void {
    delete this.data.verifier;
    delete this.data.state;
    delete this.data.requested;
    this.authorizationUrl = null;
  }

  private learnSecrets(): void {
    const { tokens, client, verifier } = this.data;
    this.secrets.add(tokens?.access_token);
    this.secrets.add(tokens?.refresh_token);
    this.secrets.add(tokens?.id_token);
    this.secrets.add(verifier);
    this.secrets.add((client as { client_secret?: string } | undefined)?.client_secret);
    this.secrets.add((client as { registration_access_token?: string } | undefined)?.registration_access_token);
  }
}
