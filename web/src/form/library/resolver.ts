// Which field a schema gets.

import { getSimpleSchemaType, isFixedItems } from '@sjsf/form/core';
import { isCycleRef, isMultiSelect, isSelect, type Config, type FormState, type ResolveFieldType } from '@sjsf/form';

export function resolver(form: FormState<Record<string, unknown>>): ResolveFieldType {
  return (config: Config) => {
    const { schema } = config;
    // A schema within itself is drawn when the person asks for it.
    if (isCycleRef(form, config)) return 'expandField';
    if (isSelect(form, schema)) return 'enumField';
    if (schema.oneOf !== undefined) return 'oneOfField';
    if (schema.anyOf !== undefined) return 'anyOfField';
    const type = getSimpleSchemaType(schema);
    if (type === 'array')
      return isMultiSelect(form, schema) ? 'multiEnumField' : isFixedItems(schema) ? 'tupleField' : 'arrayField';
    return `${type}Field`;
  };
}
