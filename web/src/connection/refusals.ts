import type { Exchange } from '../timeline/exchange.svelte';
import type { RetriedCall } from './connection';
import { challengedScopes, type Challenge } from './challenge';
import { RefusedError } from './refusal';

/** A refusal as the exchange shows it. Missing is what is asked for and not in `scopes`. */
export function refusalOf(exchange: Exchange, scopes: readonly string[] | null): RefusedError {
  const needed = challengedScopes(exchange.challenge);
  const missing = needed.filter((scope) => !scopes?.includes(scope));
  return new RefusedError(exchange.status ?? 0, exchange.challenge, missing, exchange.retryAfter, exchange.id);
}

/** Whether more scopes, or other ones, would help (RFC 6750, section 3.1). */
export function isAboutScopes(refusal: RefusedError): boolean {
  return refusal.status === 403 && refusal.challenge?.parameters.get('error') === 'insufficient_scope';
}

/** What kind of refusal it is, by the status and the challenge (RFC 6750, section 3.1). */
export function kindOf(status: number, challenge: Challenge | null): RefusalKind {
  const error = challenge?.parameters.get('error');
  if (status === 401) return error === undefined ? 'token-needed' : 'token-invalid';
  if (status === 403) return error === 'insufficient_scope' ? 'scopes' : 'forbidden';
  if (status === 400) return 'malformed';
  if (status === 429) return 'too-many';
  return isOutage(status) ? 'unavailable' : 'other';
}

export type RefusalKind =
  | 'token-needed'
  | 'token-invalid'
  | 'scopes'
  | 'forbidden'
  | 'malformed'
  | 'unavailable'
  | 'too-many'
  | 'other';

/** The call in an exchange, if it is one that can be tried again. */
export function callOf(exchange: Exchange): RetriedCall | null {
  const { method, name, params } = exchange.request;
  if (name === null) return null;
  if (method === 'resources/read') return { kind: 'resource', name, args: {} };
  const kind = method === 'tools/call' ? 'tool' : method === 'prompts/get' ? 'prompt' : null;
  return kind && { kind, name, args: (params?.arguments as Record<string, unknown> | undefined) ?? {} };
}

/** The server, or something before it, is not there for now. */
export function isOutage(status: number | null): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}
