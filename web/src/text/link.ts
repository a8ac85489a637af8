// Links from outside: only what parses as an http(s) address becomes one, and what it shows is the
// address that a click would really open.

/** An address that is safe to put into `href`. */
export interface SafeLink {
  readonly href: string;
  /** The host, for a person to judge; in the form that the browser uses (punycode included). */
  readonly host: string;
}

/** The link that a text stands for, or null: not an address, not http(s), or with a name and password in it. */
export function safeLink(text: string): SafeLink | null {
  if (text.length > 8192) return null;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
  // "https://bank.example@evil.example" is read as the bank.
  if (url.username !== '' || url.password !== '') return null;
  return { href: url.href, host: url.host };
}
