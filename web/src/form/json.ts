// JSON that a person writes: what it says, or where it stops being JSON.

export type Read =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly line: number; readonly column: number };

export function readJson(text: string): Read {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    // Browsers tell the place in words of their own, or not at all.
    const before = text.slice(0, stopsAt(text)).split('\n');
    return { ok: false, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  }
}

export function writeJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

const TOKEN =
  /\s*(?:([{}[\],:])|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w))/uy;
const SPACE = /\s*/uy;

/** What may come next: a value, a value or an end, a name, a name or an end, a colon, a comma or an end. */
type Next = 'value' | 'value or ]' | 'name' | 'name or }' | 'colon' | 'comma';

/** The offset of the first thing that cannot stand where it stands. */
function stopsAt(text: string): number {
  const open: string[] = [];
  let next: Next = 'value';
  let offset = 0;
  for (;;) {
    SPACE.lastIndex = offset;
    SPACE.test(text);
    const start = SPACE.lastIndex;
    TOKEN.lastIndex = offset;
    const token = TOKEN.exec(text)?.[0].trim();
    const after: Next | null = token === undefined ? null : step(token, next, open);
    if (after === null) return start;
    next = after;
    offset = TOKEN.lastIndex;
  }
}

/** What may follow a token; null when it must not stand here. Keeps account of what is open. */
function step(token: string, next: Next, open: string[]): Next | null {
  if (open.length === 0 && next === 'comma') return null;
  if (token === '}' || token === ']') {
    const fits = next === 'comma' || next === (token === '}' ? 'name or }' : 'value or ]');
    return fits && open.pop() === (token === '}' ? '{' : '[') ? 'comma' : null;
  }
  if (token === ',') return next === 'comma' ? (open.at(-1) === '{' ? 'name' : 'value') : null;
  if (token === ':') return next === 'colon' ? 'value' : null;
  if (next === 'name' || next === 'name or }') return token.startsWith('"') ? 'colon' : null;
  if (next !== 'value' && next !== 'value or ]') return null;
  if (token !== '{' && token !== '[') return 'comma';
  open.push(token);
  return token === '{' ? 'name or }' : 'value or ]';
}
