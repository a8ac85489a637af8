// Whether a form can be drawn from a schema at all. A schema comes from a server that may be hostile:
// it may be endless, or small on paper and huge once its references are followed. Such a tool is called
// with JSON that the person writes.

import { below, isSchema, resolved, type JsonSchema } from './schema';

/** Why no form is drawn. */
export type Undrawable =
  /** It is not an object that describes an object. */
  | 'not-an-object'
  /** A `$ref` to another document: the page loads nothing on a schema's word. */
  | 'remote-reference'
  /** A `$ref` that points to nothing. */
  | 'broken-reference'
  /** It needs itself before anything of it is known (`{"$ref":"#"}`, an `allOf` of itself). */
  | 'endless'
  | 'too-large'
  | 'too-deep';

/** Schemas drawn at once, references followed. */
const SIZE = 1500;
const DEPTH = 14;
/** Characters of the schema as text. */
const TEXT = 300_000;

/** Keywords below which values sit in the same place, so that a circle through them never ends. */
const SAME_PLACE = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas']);

/** Keywords that draw nothing by themselves. */
const APART = new Set(['$defs', 'definitions']);

export function undrawable(schema: unknown): Undrawable | null {
  if (!isSchema(schema) || (schema.type !== undefined && schema.type !== 'object')) return 'not-an-object';
  const depth = new Depth();
  return depth.of(schema) ?? (tooLong(schema) ? 'too-large' : null) ?? new Walk(schema).verdict();
}

/** How deep the text is nested, without following references. */
class Depth {
  #seen = 0;

  of(schema: JsonSchema, level = 0): Undrawable | null {
    this.#seen += 1;
    if (level > DEPTH * 2) return 'too-deep';
    if (this.#seen > SIZE * 4) return 'too-large';
    for (const [, child] of below(schema)) {
      const wrong = this.of(child, level + 1);
      if (wrong !== null) return wrong;
    }
    return null;
  }
}

function tooLong(schema: JsonSchema): boolean {
  try {
    return JSON.stringify(schema).length > TEXT;
  } catch {
    return true;
  }
}

/** Follows every reference once on each way down, as drawing does. */
class Walk {
  readonly #root: JsonSchema;
  /** How many fields a schema draws, once it is known. */
  readonly #sizes = new Map<JsonSchema, number>();
  readonly #open = new Set<JsonSchema>();
  /** Schemas that must be resolved before the current one is known. */
  readonly #here = new Set<JsonSchema>();
  #steps = 0;

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  verdict(): Undrawable | null {
    try {
      return this.#size(this.#root, 0) > SIZE ? 'too-large' : null;
    } catch (error) {
      if (error instanceof Wrong) return error.why;
      throw error;
    }
  }

  #size(schema: JsonSchema, depth: number): number {
    if (this.#here.has(schema)) throw new Wrong('endless');
    const known = this.#sizes.get(schema);
    if (known !== undefined) return known;
    // A circle through a property or an item: drawn only when the person opens it.
    if (this.#open.has(schema)) return 1;
    this.#steps += 1;
    if (depth > DEPTH * 2 || this.#steps > SIZE * 8) throw new Wrong(depth > DEPTH * 2 ? 'too-deep' : 'too-large');
    this.#open.add(schema);
    this.#here.add(schema);
    const size = 1 + this.#referred(schema, depth) + this.#within(schema, depth);
    this.#here.delete(schema);
    this.#open.delete(schema);
    this.#sizes.set(schema, size);
    return size;
  }

  #referred(schema: JsonSchema, depth: number): number {
    if (schema.$ref === undefined && schema.$dynamicRef === undefined && schema.$recursiveRef === undefined) return 0;
    const ref = schema.$ref ?? schema.$dynamicRef ?? schema.$recursiveRef;
    const target = resolved(this.#root, ref);
    if (target === null)
      throw new Wrong(typeof ref === 'string' && !ref.startsWith('#') ? 'remote-reference' : 'broken-reference');
    return this.#size(target, depth + 1);
  }

  #within(schema: JsonSchema, depth: number): number {
    let size = 0;
    for (const [keyword, child] of below(schema)) {
      if (SAME_PLACE.has(keyword)) size += this.#size(child, depth + 1);
      else if (!APART.has(keyword)) size += this.#elsewhere(child, depth + 1);
    }
    return size;
  }

  #elsewhere(schema: JsonSchema, depth: number): number {
    const here = [...this.#here];
    this.#here.clear();
    const size = this.#size(schema, depth);
    for (const each of here) this.#here.add(each);
    return size;
  }
}

class Wrong extends Error {
  constructor(readonly why: Undrawable) {
    super(why);
  }
}
