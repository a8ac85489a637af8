/** One challenge of a `WWW-Authenticate` field (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** As sent: `Bearer`. */
  readonly scheme: string;
  /** `realm`, `error`, `error_description`, `scope`, `resource_metadata` and others, in their order, names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/ys;
const SPACE = /[ \t]*/y;
const SEPARATORS = /[ \t,]*/y;

/**
 * The challenges of a field, several fields joined by commas as `fetch` hands them out. What does not
 * parse ends the reading: what came before it stands. Of a repeated parameter the first counts.
 */
export function parseChallenges(field: string): Challenge[] {
  const input = new Input(field.slice(0, 16_384));
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (;;) {
    input.take(SEPARATORS);
    const name = input.take(TOKEN);
    if (!name) return challenges;
    const current = challenges.at(-1);
    const value = current ? input.parameterValue() : null;
    if (current && value !== null) {
      const key = name.toLowerCase();
      if (!current.parameters.has(key)) current.parameters.set(key, value);
      continue;
    }
    challenges.push({ scheme: name, parameters: new Map() });
    input.skipToken68();
  }
}

/** The challenge that speaks of bearer or DPoP tokens, which is the one an MCP client acts on. */
export function tokenChallenge(challenges: readonly Challenge[]): Challenge | null {
  const speaks = (scheme: string) => challenges.find((one) => one.scheme.toLowerCase() === scheme);
  return speaks('bearer') ?? speaks('dpop') ?? challenges[0] ?? null;
}

/** The scopes that a challenge asks for (RFC 6750, section 3), each once. */
export function challengedScopes(challenge: Challenge | null): string[] {
  const listed = challenge?.parameters.get('scope') ?? '';
  return [...new Set(listed.split(' ').filter(Boolean))];
}

/** A text and how far it is read. */
class Input {
  private at = 0;

  constructor(private readonly text: string) {}

  take(pattern: RegExp): string | null {
    return this.match(pattern)?.[0] ?? null;
  }

  /** What follows `=`; null, and nothing read, where no `=` comes. */
  parameterValue(): string | null {
    const before = this.at;
    this.take(SPACE);
    if (this.text[this.at] !== '=') {
      this.at = before;
      return null;
    }
    this.at += 1;
    this.take(SPACE);
    const quoted = this.match(QUOTED)?.[1];
    if (quoted !== undefined) return quoted.replace(/\\(.)/gs, '$1');
    return this.take(TOKEN) ?? '';
  }

  /** The form `Negotiate YII=`, which carries one value without a name; nobody here needs it. */
  skipToken68(): void {
    const before = this.at;
    this.take(SPACE);
    if (this.take(TOKEN68) === null) this.at = before;
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }
}
