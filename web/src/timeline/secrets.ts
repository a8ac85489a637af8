/** What stands where a secret was. */
export const MASK = '•••';

/** Members of OAuth messages that let whoever has them act as somebody. */
const SECRET_MEMBERS = new Set([
  'access_token',
  'assertion',
  'client_assertion',
  'client_secret',
  'code',
  'code_verifier',
  'id_token',
  'password',
  'refresh_token',
  'registration_access_token',
  'subject_token',
  'actor_token',
  'token',
]);

const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'dpop', 'cookie', 'set-cookie', 'mcp-session-id']);

/** The secrets that a connection holds, to take them out of whatever is shown. */
export class Secrets {
  private readonly known = new Set<string>();

  /** From now on this text is masked wherever it appears. Short texts are not secrets, and would mask too much. */
  add(secret: string | null | undefined): void {
    if (secret && secret.length >= 8) this.known.add(secret);
  }

  /** `text` without any secret, also where one is percent-encoded or escaped in JSON. */
  mask(text: string): string {
    let masked = text;
    for (const secret of this.known) {
      for (const form of new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])) {
        masked = masked.replaceAll(form, MASK);
      }
    }
    return masked;
  }

  header(name: string, value: string): string {
    if (!SECRET_HEADERS.has(name.toLowerCase())) return this.mask(value);
    const scheme = /^(?:bearer|dpop|basic)(?= )/i.exec(value)?.[0];
    return scheme ? `${scheme} ${MASK}` : MASK;
  }

  /** The URL with the values of secret parameters masked. */
  url(url: string): string {
    return this.mask(maskQuery(url));
  }

  /** The body of an OAuth request or answer: form or JSON, the values of secret members masked. */
  oauthBody(body: string): string {
    const json = maskJson(body);
    return this.mask(json ?? maskForm(body));
  }
}

function maskQuery(url: string): string {
  const from = url.search(/[?#]/);
  return from < 0 ? url : url.slice(0, from + 1) + maskForm(url.slice(from + 1));
}

function maskForm(form: string): string {
  return form.replace(/(^|[&#?])([^=&#]+)=([^&#]*)/g, (whole, before: string, name: string) =>
    SECRET_MEMBERS.has(name) ? `${before}${name}=${MASK}` : whole,
  );
}

function maskJson(body: string): string | null {
  try {
    return JSON.stringify(JSON.parse(body, (name, value: unknown) => (SECRET_MEMBERS.has(name) ? MASK : value)));
  } catch {
    return null;
  }
}
