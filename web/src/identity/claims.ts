import type { Identity } from './identity';

/**
 * Who a JSON Web Token (RFC 9068) says that it stands for; null where the token is none. Nothing is
 * verified: only the server can do that.
 */
export function identityOfToken(token: string): Identity | null {
  const claims = decodeClaims(token);
  if (!claims) return null;
  return {
    source: 'token',
    anonymous: false,
    subject: textOf(claims.sub),
    issuer: textOf(claims.iss),
    clientId: textOf(claims.client_id) ?? textOf(claims.azp),
    scopes: scopesOf(claims.scope) ?? scopesOf(claims.scp),
    audience: listOf(claims.aud),
    expiresAt: typeof claims.exp === 'number' && Number.isFinite(claims.exp) ? claims.exp : null,
  };
}

/** What the server says of its caller; null where it is not the answer that we know. */
export function identityOfAnswer(answer: unknown): Identity | null {
  if (!isRecord(answer) || typeof answer.anonymous !== 'boolean') return null;
  return {
    source: 'server',
    anonymous: answer.anonymous,
    subject: textOf(answer.subject),
    issuer: textOf(answer.issuer),
    clientId: textOf(answer.client_id),
    scopes: scopesOf(answer.scopes) ?? [],
    audience: listOf(answer.audience),
    expiresAt: typeof answer.expires_at === 'number' ? answer.expires_at : null,
  };
}

function decodeClaims(token: string): Record<string, unknown> | null {
  const parts = token.split('.');
  if (parts.length !== 3 || token.length > 65_536) return null;
  try {
    const bytes = Uint8Array.from(atob(parts[1]!.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isRecord(claims) ? claims : null;
  } catch {
    return null;
  }
}

function scopesOf(value: unknown): string[] | null {
  if (typeof value === 'string') return value.split(' ').filter(Boolean);
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : null;
}

function listOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
