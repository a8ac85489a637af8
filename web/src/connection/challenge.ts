/** One challenge of a `WWW-Authenticate` field (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** As sent: `Bearer`. */
  readonly scheme: string;
  /** `realm`, `error`, `error_description`, `scope`, `resource_metadata` and others, in their order. */
  readonly parameters: ReadonlyMap<string, string>;
}
