// A schema as the form draws it. The form library understands draft-07; servers write 2020-12, and leave
// out what a person needs to tell one field from the next. Values are checked against the schema itself.

import { cut, oneLine, revealed } from '../text/cut';
import { given, isOfType, only, plainText, unique, without } from './plain';
import { isSchema, type JsonSchema } from './schema';

/** How kinds of values are called, for alternatives that carry no title. */
export interface TypeNames {
  readonly string: string;
  readonly number: string;
  readonly integer: string;
  readonly boolean: string;
  readonly null: string;
  readonly object: string;
  readonly array: string;
  readonly anything: string;
  /** For the alternative that leaves a member out. */
  readonly absent: string;
}

const DESCRIPTION = 1000;
const CHOICES = 1000;
const EXAMPLES = 20;

/** Marks the alternative that stands for nothing. */
export const ABSENT = 'x-absent';

/** The titles of the values of an `enum`, in its order. */
export const TITLES = 'x-titles';

/** What says something about an object beside its type. */
const SHAPES = ['properties', 'additionalProperties', '$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'dependencies'];

/** The schema of the form, from one that [`clean`](./clean.ts) made. */
export function drawn(schema: JsonSchema, words: TypeNames): JsonSchema {
  return new Drawing(words).root(schema);
}

class Drawing {
  constructor(private readonly words: TypeNames) {}

  root(schema: JsonSchema): JsonSchema {
    // The tool's own name and description stand above the form.
    const { title: _title, description: _description, ...rest } = this.#schema({ ...schema, type: 'object' });
    return { ...rest, type: 'object' };
  }

  #schema(schema: JsonSchema): JsonSchema {
    const {
      pattern: _pattern,
      not: _not,
      contains: _contains,
      propertyNames: _names,
      prefixItems,
      dependentSchemas,
      dependentRequired,
      patternProperties,
      type,
      ...rest
    } = schema;
    const drawn: Record<string, unknown> = { ...rest };
    for (const keyword of ['if', 'then', 'else'])
      if (isSchema(drawn[keyword])) drawn[keyword] = this.#schema(drawn[keyword]);
    this.#texts(drawn);
    this.#choices(drawn);
    this.#types(drawn, type);
    this.#object(drawn, patternProperties);
    this.#list(drawn, prefixItems);
    this.#dependencies(drawn, dependentRequired, dependentSchemas);
    // An object of which nothing is known is written as JSON, as any value is.
    if (drawn.type === 'object' && !SHAPES.some((keyword) => drawn[keyword] !== undefined)) delete drawn.type;
    if (drawn.const !== undefined) drawn.readOnly = true;
    if (drawn.default !== undefined && !isOfType(drawn.default, drawn.type)) delete drawn.default;
    for (const keyword of ['$defs', 'definitions'])
      if (isSchema(drawn[keyword])) drawn[keyword] = this.#map(drawn[keyword]);
    return drawn;
  }

  /** A schema, or what stands for `true`: any value. */
  #any(value: unknown): JsonSchema {
    return isSchema(value) ? this.#schema(value) : {};
  }

  #map(map: JsonSchema): JsonSchema {
    return Object.fromEntries(Object.entries(map).map(([name, child]) => [name, this.#any(child)]));
  }

  #texts(drawn: Record<string, unknown>): void {
    if (typeof drawn.title === 'string') drawn.title = oneLine(drawn.title, 120);
    if (typeof drawn.description === 'string') drawn.description = revealed(cut(drawn.description, DESCRIPTION).text);
    if (Array.isArray(drawn.examples)) {
      const examples = drawn.examples.filter((example) => typeof example === 'string' || typeof example === 'number');
      if (examples.length > 0) drawn.examples = [...new Set(examples)].slice(0, EXAMPLES);
      else delete drawn.examples;
    }
  }

  #choices(drawn: Record<string, unknown>): void {
    if (Array.isArray(drawn.enum)) drawn.enum = unique(drawn.enum).slice(0, CHOICES);
    for (const keyword of ['anyOf', 'oneOf']) {
      const list = drawn[keyword];
      if (!Array.isArray(list)) continue;
      const shown = list.slice(0, CHOICES).map((option) => this.#any(option));
      // Values with titles are one choice, not alternatives.
      if (drawn.enum === undefined && shown.every((option) => only(option) !== undefined)) {
        delete drawn[keyword];
        drawn.enum = shown.map(only);
        drawn[TITLES] = shown.map((option) => this.#named(option).title);
        continue;
      }
      // One alternative is no choice.
      if (shown.length === 1 && drawn.allOf === undefined) {
        delete drawn[keyword];
        drawn.allOf = shown;
      } else drawn[keyword] = shown.map((option) => this.#named(option));
    }
    if (Array.isArray(drawn.allOf)) drawn.allOf = drawn.allOf.map((part: unknown) => this.#any(part));
  }

  /** Several types become alternatives, so that each has the field that fits it. */
  #types(drawn: Record<string, unknown>, type: unknown): void {
    if (!Array.isArray(type)) {
      if (type !== undefined) drawn.type = type;
      return;
    }
    const [only, ...others] = type as string[];
    if (others.length === 0) drawn.type = only;
    else if (
      drawn.enum === undefined &&
      drawn.const === undefined &&
      drawn.anyOf === undefined &&
      drawn.oneOf === undefined
    ) {
      const { title, description, default: preset, ...rest } = drawn;
      for (const keyword of Object.keys(rest)) delete drawn[keyword];
      drawn.anyOf = [only, ...others].map((each) =>
        this.#named(this.#schema({ ...(each === 'null' ? {} : rest), type: each })),
      );
      Object.assign(drawn, given({ title, description, default: preset }));
    }
  }

  #object(drawn: Record<string, unknown>, patternProperties: unknown): void {
    if (isSchema(drawn.properties)) drawn.properties = this.#properties(drawn.properties, drawn.required);
    const others =
      drawn.additionalProperties ?? (isSchema(patternProperties) ? Object.values(patternProperties)[0] : undefined);
    if (others === undefined || others === false) delete drawn.additionalProperties;
    else drawn.additionalProperties = this.#any(others);
  }

  #properties(properties: JsonSchema, required: unknown): JsonSchema {
    const needed = Array.isArray(required) ? required : [];
    const entries = Object.entries(properties)
      .filter(([, child]) => child !== false)
      .map(([name, child]) => {
        const field: JsonSchema = { title: oneLine(name, 120), ...this.#any(child) };
        return [name, needed.includes(name) ? answered(field) : this.#mayBeAbsent(field)] as const;
      });
    return Object.fromEntries(entries);
  }

  /** Alternatives choose themselves; a member that may lack needs one for nothing. */
  #mayBeAbsent(field: JsonSchema): JsonSchema {
    // Nobody agrees to the only possible value by saying nothing.
    if (field.const !== undefined && field.default === undefined)
      return { ...without(field, 'const', 'readOnly'), enum: [field.const] };
    const keyword = field.oneOf === undefined ? 'anyOf' : 'oneOf';
    const list = field[keyword];
    if (!Array.isArray(list) || field.default !== undefined || field.properties !== undefined) return field;
    return { ...field, [keyword]: [{ title: this.words.absent, [ABSENT]: true }, ...(list as unknown[])] };
  }

  #list(drawn: Record<string, unknown>, prefixItems: unknown): void {
    if (Array.isArray(prefixItems)) {
      const rest = drawn.items;
      drawn.items = this.#places(prefixItems);
      drawn.additionalItems = rest === false ? false : this.#any(rest);
    } else if (Array.isArray(drawn.items)) {
      drawn.items = this.#places(drawn.items);
      if (drawn.additionalItems !== false) drawn.additionalItems = this.#any(drawn.additionalItems);
    } else if (drawn.items !== undefined || drawn.type === 'array') {
      drawn.items = this.#any(drawn.items);
    }
    // Fields for the places that must be filled, but not for thousands of them.
    if (typeof drawn.minItems === 'number' && drawn.minItems > 20) delete drawn.minItems;
  }

  /** The places of a tuple are told apart by their numbers. */
  #places(items: readonly unknown[]): readonly JsonSchema[] {
    return items.map((item, index) => ({ title: String(index + 1), ...this.#any(item) }));
  }

  #dependencies(drawn: Record<string, unknown>, required: unknown, schemas: unknown): void {
    const old = isSchema(drawn.dependencies) ? drawn.dependencies : {};
    const both = { ...old, ...(isSchema(required) ? required : {}), ...(isSchema(schemas) ? schemas : {}) };
    delete drawn.dependencies;
    const entries = Object.entries(both).map(([name, child]) => [
      name,
      Array.isArray(child) ? child : this.#any(child),
    ]);
    if (entries.length > 0) drawn.dependencies = Object.fromEntries(entries);
  }

  #named(option: JsonSchema): JsonSchema {
    return typeof option.title === 'string' && option.title !== ''
      ? option
      : { ...option, title: this.#nameOf(option) };
  }

  #nameOf(option: JsonSchema): string {
    if (option.const !== undefined) return oneLine(plainText(option.const), 60);
    if (typeof option.$ref === 'string') return oneLine(option.$ref.split('/').at(-1) ?? '', 60);
    const marked = isSchema(option.properties)
      ? Object.entries(option.properties).find(([, child]) => only(child) !== undefined)
      : undefined;
    if (marked !== undefined) return oneLine(`${marked[0]}: ${plainText(only(marked[1]))}`, 60);
    if (Array.isArray(option.enum)) return oneLine(option.enum.map(plainText).join(' | '), 60);
    const { type } = option;
    return typeof type === 'string' && type in this.words ? this.words[type as keyof TypeNames] : this.words.anything;
  }
}

/** A member that must be there and can be only one thing, or yes or no, is there from the beginning. */
function answered(field: JsonSchema): JsonSchema {
  if (field.default !== undefined) return field;
  if (field.const !== undefined) return { ...field, default: field.const };
  // A box that is not ticked says no; without this it would say nothing.
  return field.type === 'boolean' ? { ...field, default: false } : field;
}
