// A schema with only what a validator and a form understand, each keyword of the kind that it must be.
// A server may send anything under any keyword; what does not fit is left out, as if it was not written.

import { harmless } from './pattern';
import { isSchema, type JsonSchema } from './schema';

const TYPES = new Set(['string', 'number', 'integer', 'boolean', 'null', 'object', 'array']);

type Kind = (value: unknown) => boolean;

const text: Kind = (value) => typeof value === 'string';
const number: Kind = (value) => typeof value === 'number' && Number.isFinite(value);
const count: Kind = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const flag: Kind = (value) => typeof value === 'boolean';
const list: Kind = Array.isArray;
const names: Kind = (value) => Array.isArray(value) && value.every(text);
const anything: Kind = (value) => value !== undefined;

/** Keywords without a schema in them, and what they hold. */
const PLAIN: Readonly<Record<string, Kind>> = {
  $schema: text,
  $ref: text,
  title: text,
  description: text,
  default: anything,
  examples: list,
  readOnly: flag,
  type: (value) =>
    Array.isArray(value)
      ? value.length > 0 && value.every((each) => TYPES.has(each as string))
      : TYPES.has(value as string),
  enum: (value) => Array.isArray(value) && value.length > 0,
  const: anything,
  format: text,
  contentEncoding: text,
  minLength: count,
  maxLength: count,
  pattern: (value) => typeof value === 'string' && harmless(value),
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  multipleOf: (value) => number(value) && Number(value) > 0,
  minItems: count,
  maxItems: count,
  uniqueItems: flag,
  minContains: count,
  maxContains: count,
  required: names,
  minProperties: count,
  maxProperties: count,
  dependentRequired: (value) => isSchema(value) && Object.values(value).every(names),
};

/** Keywords that hold one schema, or `true` or `false`. */
const ONE = new Set([
  'additionalProperties',
  'additionalItems',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
  'unevaluatedItems',
  'unevaluatedProperties',
]);
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const MAPS = new Set(['properties', '$defs', 'definitions', 'dependentSchemas', 'patternProperties']);

/** Call it on what [`undrawable`](./drawable.ts) passed: it follows the text as deep as it goes. */
export function clean(schema: JsonSchema): JsonSchema {
  const kept: [string, unknown][] = [];
  for (const [keyword, value] of Object.entries(schema)) {
    const cleaned = cleanKeyword(keyword, value);
    if (cleaned !== undefined) kept.push([keyword, cleaned]);
  }
  return Object.fromEntries(kept);
}

function cleanKeyword(keyword: string, value: unknown): unknown {
  if (Object.hasOwn(PLAIN, keyword)) return PLAIN[keyword]?.(value) === true ? value : undefined;
  if (keyword === 'items') return Array.isArray(value) ? value.map(orAnything) : cleanOne(value);
  if (ONE.has(keyword)) return cleanOne(value);
  if (LISTS.has(keyword)) return Array.isArray(value) && value.length > 0 ? value.map(orAnything) : undefined;
  if (MAPS.has(keyword)) return cleanMap(keyword, value);
  // Both were one keyword before 2019-09.
  if (keyword === 'dependencies') return cleanDependencies(value);
  return undefined;
}

function cleanOne(value: unknown): unknown {
  return typeof value === 'boolean' ? value : isSchema(value) ? clean(value) : undefined;
}

/** A place in a list cannot be left out without moving the others. */
function orAnything(value: unknown): unknown {
  return cleanOne(value) ?? true;
}

function cleanMap(keyword: string, value: unknown): unknown {
  if (!isSchema(value)) return undefined;
  const entries = Object.entries(value)
    .filter(([name]) => keyword !== 'patternProperties' || harmless(name))
    .map(([name, child]) => [name, cleanOne(child)] as const)
    .filter(([, child]) => child !== undefined);
  return Object.fromEntries(entries);
}

function cleanDependencies(value: unknown): unknown {
  if (!isSchema(value)) return undefined;
  const entries = Object.entries(value)
    .map(([name, child]) => [name, names(child) ? child : cleanOne(child)] as const)
    .filter(([, child]) => child !== undefined);
  return Object.fromEntries(entries);
}
