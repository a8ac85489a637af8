// A JSON Schema as it came: an object, `true` or `false`, of which no member is what it should be until
// it was looked at.

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Keywords whose value is a schema. */
export const ONE = [
  'items',
  'additionalItems',
  'additionalProperties',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
  'unevaluatedItems',
  'unevaluatedProperties',
  'contentSchema',
] as const;

/** Keywords whose value is a list of schemas. */
export const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'] as const;

/** Keywords whose value maps names to schemas. */
export const MAPS = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'] as const;

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schemas directly below one, with the keyword that they stand under. */
export function* below(schema: JsonSchema): Generator<readonly [keyword: string, child: JsonSchema]> {
  for (const keyword of ONE) {
    const child = schema[keyword];
    if (isSchema(child)) yield [keyword, child];
    // Before 2020-12 `items` could be a list.
    else if (Array.isArray(child)) for (const item of child) if (isSchema(item)) yield [keyword, item];
  }
  for (const keyword of LISTS) {
    const list = schema[keyword];
    if (Array.isArray(list)) for (const item of list) if (isSchema(item)) yield [keyword, item];
  }
  for (const keyword of MAPS) {
    const map = schema[keyword];
    if (isSchema(map)) for (const item of Object.values(map)) if (isSchema(item)) yield [keyword, item];
  }
}

/** What a `$ref` within the same document points to; null: elsewhere, or to nothing. */
export function resolved(root: JsonSchema, ref: unknown): JsonSchema | null {
  if (typeof ref !== 'string' || !ref.startsWith('#') || ref.length > 500) return null;
  if (ref === '#') return root;
  if (!ref.startsWith('#/')) return null;
  let node: unknown = root;
  for (const step of ref.slice(2).split('/')) {
    const name = unescaped(step);
    if (name === null || typeof node !== 'object' || node === null || !Object.hasOwn(node, name)) return null;
    node = (node as Readonly<Record<string, unknown>>)[name];
  }
  return isSchema(node) ? node : null;
}

function unescaped(step: string): string | null {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return null;
  }
}
