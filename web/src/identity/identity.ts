/** Who a connection acts as. */
export interface Identity {
  /** Who says so: the server itself, or only the token's own text, which nobody verified here. */
  readonly source: 'server' | 'token';
  readonly anonymous: boolean;
  readonly subject: string | null;
  readonly issuer: string | null;
  readonly clientId: string | null;
  /** Null: not known. */
  readonly scopes: readonly string[] | null;
  readonly audience: readonly string[];
  /** Seconds since 1970. */
  readonly expiresAt: number | null;
}
