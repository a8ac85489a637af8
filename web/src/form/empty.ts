// Whether a schema asks for nothing at all.

import { isSchema, type JsonSchema } from './schema';

/** Keywords that may bring fields beside `properties`. */
const SOURCES = [
  '$ref',
  'allOf',
  'anyOf',
  'oneOf',
  'additionalProperties',
  'patternProperties',
  'if',
  'dependentSchemas',
  'dependencies',
];

export function asksForNothing(schema: unknown): boolean {
  if (!isSchema(schema)) return false;
  const { properties } = schema;
  if (isSchema(properties) && Object.keys(properties).length > 0) return false;
  return !SOURCES.some((keyword) => hasFields(schema, keyword));
}

function hasFields(schema: JsonSchema, keyword: string): boolean {
  return schema[keyword] !== undefined && schema[keyword] !== false;
}
