// Which field a schema gets.

import { getSimpleSchemaType, isFixedItems, type Schema } from '@sjsf/form/core';
import { isCycleRef, isMultiSelect, isSelect, type Config, type FormState, type ResolveFieldType } from '@sjsf/form';

export function resolver(form: FormState<Record<string, unknown>>): ResolveFieldType {
  return (config: Config) => {
    const { schema } = config;
    // A schema within itself is drawn when the person asks for it.
    if (isCycleRef(form, config)) return 'expandField';
    if (isSelect(form, schema)) return 'enumField';
    if (schema.oneOf !== undefined) return 'oneOfField';
    if (schema.anyOf !== undefined) return 'anyOfField';
    if (isFreeObject(schema, config)) return 'unknownField';
    const type = getSimpleSchemaType(schema);
    if (type === 'array') return isMultiSelect(form, schema) ? 'multiEnumField' : isFixedItems(schema) ? 'tupleField' : 'arrayField';
    return `${type}Field`;
  };
}

/** An object of which nothing is known is written as JSON; the whole input is never that. */
function isFreeObject(schema: Schema, { path }: Config): boolean {
  return (
    path.length > 0 &&
    schema.type === 'object' &&
    schema.properties === undefined &&
    schema.additionalProperties === undefined &&
    schema.allOf === undefined &&
    schema.dependencies === undefined &&
    schema.if === undefined
  );
}
