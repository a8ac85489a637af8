import { auth, validateAuthorizationResponseIssuer, type FetchLike } from '@modelcontextprotocol/client';
import { answerFor, type AuthorizationAnswer } from './callback';
import type { Login } from './oauth';

/** What one attempt to sign in needs. */
export interface SignInRequest {
  readonly serverUrl: string;
  readonly login: Login;
  /** Separated by blanks; undefined leaves the choice to the server's metadata. */
  readonly scope?: string;
  /** From the challenge of a refusal. */
  readonly resourceMetadataUrl?: URL;
  readonly fetch: FetchLike;
}

/** Why signing in failed, in a form that the page has words for. */
export class SignInError extends Error {
  override readonly name = 'SignInError';

  constructor(
    readonly reason: 'insecure-page' | 'metadata' | 'unsafe-url' | 'refused' | 'cancelled',
    readonly detail: string | null = null,
  ) {
    super(reason);
  }
}

/** Discovers, registers where that is needed, and returns where the person signs in. */
export async function prepareSignIn(request: SignInRequest): Promise<URL> {
  // Without it the browser has no SHA-256, which PKCE needs.
  if (!isSecureContext) throw new SignInError('insecure-page');
  const { login, fetch: fetchFn, ...options } = request;
  login.forgetAttempt();
  try {
    await auth(login, { ...options, fetchFn, forceReauthorization: true });
  } finally {
    // The official client would guess where to go then: a window at a wrong address helps nobody.
    if (knowsNoEndpoints(login)) throw new SignInError('metadata', login.data.discovery?.authorizationServerUrl ?? null);
  }
  const url = login.authorizationUrl;
  if (!url || !isSafe(url)) throw new SignInError('unsafe-url', url?.origin ?? null);
  return url;
}

/** Waits in this page while the person signs in in another window. */
export async function signInBeside(request: SignInRequest, beside: Window, signal: AbortSignal): Promise<void> {
  const url = await prepareSignIn(request);
  signal.throwIfAborted();
  const answer = answerFor(request.login.data.state ?? '', signal);
  beside.location.replace(url.href);
  await finishSignIn(request, await answer);
}

/** Exchanges the code of the answer for tokens. */
export async function finishSignIn(request: SignInRequest, answer: AuthorizationAnswer): Promise<void> {
  const { login, serverUrl, fetch: fetchFn } = request;
  try {
    login.learnCode(answer.code);
    if (answer.state !== login.data.state) throw new SignInError('refused');
    checkIssuer(login, answer);
    if (answer.error !== null || answer.code === null) {
      throw new SignInError('refused', [answer.error, answer.description].filter(Boolean).join(': '));
    }
    await auth(login, { serverUrl, authorizationCode: answer.code, iss: answer.iss ?? undefined, fetchFn });
  } finally {
    login.forgetAttempt();
  }
}

/** Also before an error is shown: it may be another server's (RFC 9207, section 2.4). */
function checkIssuer(login: Login, answer: AuthorizationAnswer): void {
  const metadata = login.data.discovery?.authorizationServerMetadata;
  validateAuthorizationResponseIssuer({
    iss: answer.iss ?? undefined,
    expectedIssuer: metadata?.issuer,
    issParameterSupported: metadata?.authorization_response_iss_parameter_supported === true,
  });
}

/** The authorization server is known by name only: it has no metadata, or lets no page read them. */
function knowsNoEndpoints(login: Login): boolean {
  const { discovery } = login.data;
  return discovery !== undefined && discovery.authorizationServerMetadata === undefined;
}

/** Nothing but a web page, and unencrypted only on this machine. */
function isSafe(url: URL): boolean {
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname) || url.hostname.endsWith('.localhost');
  return url.protocol === 'https:' || (url.protocol === 'http:' && local);
}
