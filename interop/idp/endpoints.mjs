// The names of the provider's endpoints, and how often each was asked.

const NAMES = new Map([
  ['/.well-known/oauth-authorization-server', 'oauth-metadata'],
  ['/.well-known/openid-configuration', 'openid-configuration'],
  ['/jwks', 'jwks'],
  ['/token', 'token'],
  ['/token/introspection', 'introspection'],
  ['/token/revocation', 'revocation'],
  ['/auth', 'authorization'],
  ['/reg', 'registration'],
]);

export class Endpoints {
  #prefix;

  #counts = {};

  constructor(prefix) { this.#prefix = prefix; }

  /** Counts a request and returns the endpoint's name; `request.url` becomes the provider's own. */
  enter(request) {
    const [path, query] = split(request.url);
    const inner = this.#inner(path);
    const name = NAMES.get(inner) ?? 'other';
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
    // Where the path is not the issuer's, the provider is asked for something that it does not have.
    request.url = inner === undefined ? '/outside' : inner + query;
    request.originalUrl = this.#prefix + request.url;
    return name;
  }

  get counts() { return this.#counts; }

  reset() { this.#counts = {}; }

  // RFC 8414 section 3.1 puts the well-known part before the path of the issuer, OpenID Connect
  // Discovery behind it. The provider knows only what comes behind its path.
  #inner(path) {
    const oauth = '/.well-known/oauth-authorization-server';
    if (path === oauth + this.#prefix) return oauth;
    return path.startsWith(`${this.#prefix}/`) ? path.slice(this.#prefix.length) : undefined;
  }
}

function split(url) {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at)];
}
