// Checks a value against a schema and says what is wrong, at the field that it is about. The validator
// (@cfworker/json-schema) interprets the schema: the page's policy forbids code made from text.

import { Validator, type OutputUnit, type SchemaDraft } from '@cfworker/json-schema';
import { isSchema, resolved, type JsonSchema } from './schema';

export type Path = readonly (string | number)[];

/** One thing that is wrong. `limit` is what the schema says under the keyword. */
export interface Problem {
  readonly path: Path;
  readonly code: Code;
  readonly limit?: unknown;
}

export type Code =
  | 'required'
  | 'unexpected'
  | 'type'
  | 'const'
  | 'enum'
  | 'format'
  | 'pattern'
  | 'minLength'
  | 'maxLength'
  | 'minimum'
  | 'maximum'
  | 'exclusiveMinimum'
  | 'exclusiveMaximum'
  | 'multipleOf'
  | 'minItems'
  | 'maxItems'
  | 'uniqueItems'
  | 'contains'
  | 'minProperties'
  | 'maxProperties'
  | 'propertyNames'
  | 'dependentRequired'
  | 'alternatives'
  | 'not'
  | 'other';

/** Keywords that only say that something within them failed. */
const WRAPPERS = new Set([
  '$ref',
  '$recursiveRef',
  'allOf',
  'if',
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'dependentSchemas',
]);

const CODES = new Set<string>([
  'required',
  'type',
  'const',
  'enum',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'contains',
  'minProperties',
  'maxProperties',
  'propertyNames',
  'dependentRequired',
  'not',
]);

const SHOWN = 50;

/** What is wrong with a value; nothing when the schema cannot be applied, for the server checks again. */
export function problemsOf(schema: JsonSchema, value: unknown): readonly Problem[] {
  let units: readonly OutputUnit[];
  try {
    const result = new Validator(schema, draftOf(schema), false).validate(value);
    if (result.valid) return [];
    units = result.errors;
  } catch {
    return [];
  }
  const found = new Reading(schema, value, units).problems();
  return found.length > 0 ? found : [{ path: [], code: 'other' }];
}

function draftOf({ $schema }: JsonSchema): SchemaDraft {
  if (typeof $schema !== 'string') return '2020-12';
  if (/draft-04/u.test($schema)) return '4';
  if (/draft-0[67]/u.test($schema)) return '7';
  return $schema.includes('2019-09') ? '2019-09' : '2020-12';
}

/** Turns the validator's list, in which each failure is followed by what caused it, into problems. */
class Reading {
  constructor(
    private readonly schema: JsonSchema,
    private readonly value: unknown,
    private readonly units: readonly OutputUnit[],
  ) {}

  problems(): readonly Problem[] {
    const found = new Map<string, Problem>();
    for (const problem of this.#read(this.units)) {
      if (found.size >= SHOWN) break;
      found.set(JSON.stringify([problem.path, problem.code]), problem);
    }
    return [...found.values()];
  }

  *#read(units: readonly OutputUnit[]): Generator<Problem> {
    // What follows an alternative that failed is read by the alternative.
    const skipped = new Set<OutputUnit>();
    for (const unit of units) {
      if (skipped.has(unit)) continue;
      if (unit.keyword === 'anyOf' || unit.keyword === 'oneOf') {
        const within = units.filter((each) => each.keywordLocation.startsWith(`${unit.keywordLocation}/`));
        for (const each of within) skipped.add(each);
        yield* this.#nearest(unit, within);
      } else if (unit.keyword === 'propertyNames' || unit.keyword === 'contains') {
        for (const each of units) if (each.keywordLocation.startsWith(`${unit.keywordLocation}/`)) skipped.add(each);
        yield this.#plain(unit);
      } else if (unit.keyword === 'required') {
        yield* this.#required(unit);
      } else if (!WRAPPERS.has(unit.keyword)) {
        yield this.#plain(unit);
      }
    }
  }

  /** What is wrong by the alternative that the value comes nearest to; it must be of the right kind at least. */
  *#nearest(unit: OutputUnit, within: readonly OutputUnit[]): Generator<Problem> {
    const branches = new Map<string, OutputUnit[]>();
    for (const each of within) {
      const branch = each.keywordLocation.slice(unit.keywordLocation.length + 1).split('/', 1)[0] ?? '';
      branches.set(branch, [...(branches.get(branch) ?? []), each]);
    }
    const here = (each: OutputUnit): boolean => each.instanceLocation === unit.instanceLocation;
    const misfit = (each: OutputUnit): boolean =>
      here(each) && (each.keyword === 'type' || each.keyword === 'const' || each.keyword === 'enum');
    // A member that tells alternatives apart, as `kind` does, counts as much as the type.
    const marked = (each: OutputUnit): boolean => each.keyword === 'const' && !here(each);
    const fitting = [...branches.values()].filter((branch) => !branch.some(misfit) && !branch.some(marked));
    fitting.sort((one, other) => one.length - other.length);
    const [best] = fitting;
    if (best === undefined) yield { path: this.#path(unit), code: 'alternatives' };
    else yield* this.#read(best);
  }

  *#required(unit: OutputUnit): Generator<Problem> {
    const path = this.#path(unit);
    const needed = this.#limit(unit);
    const object = at(this.value, path);
    for (const name of Array.isArray(needed) ? (needed as string[]) : []) {
      if (!isSchema(object) || !Object.hasOwn(object, name)) yield { path: [...path, name], code: 'required' };
    }
  }

  #plain(unit: OutputUnit): Problem {
    const path = this.#path(unit);
    if (unit.keyword === 'false') return { path, code: 'unexpected' };
    const limit = this.#limit(unit);
    return CODES.has(unit.keyword) ? { path, code: unit.keyword as Code, limit } : { path, code: 'other' };
  }

  #path(unit: OutputUnit): Path {
    const path: (string | number)[] = [];
    for (const step of steps(unit.instanceLocation)) {
      path.push(Array.isArray(at(this.value, path)) ? Number(step) : step);
    }
    return path;
  }

  /** What stands under the keyword, found by the way that the validator took. */
  #limit(unit: OutputUnit): unknown {
    const parent = this.#at(unit.keywordLocation.replace(/\/[^/]*$/u, ''));
    return parent?.[unit.keyword];
  }

  #at(location: string): Record<string, unknown> | undefined {
    let node: unknown = this.schema;
    for (const step of steps(location)) {
      if (step === '$ref' && isSchema(node)) node = resolved(this.schema, node.$ref);
      else if (typeof node === 'object' && node !== null && Object.hasOwn(node, step))
        node = (node as Record<string, unknown>)[step];
      else return undefined;
    }
    return isSchema(node) ? (node as Record<string, unknown>) : undefined;
  }
}

function steps(location: string): readonly string[] {
  return location
    .split('/')
    .slice(1)
    .map((step) => decode(step).replaceAll('~1', '/').replaceAll('~0', '~'));
}

function decode(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

function at(value: unknown, path: Path): unknown {
  let node = value;
  for (const step of path) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, step)) return undefined;
    node = (node as Record<string | number, unknown>)[step];
  }
  return node;
}
