// How defaults come into a form.

import type { FormMerger, MergerFactoryOptions } from '@sjsf/form';
import { createFormMerger } from '@sjsf/form/mergers/modern';

export function formMerger(options: MergerFactoryOptions): FormMerger {
  // A list that may lack gets no items before the person adds some; what can be only one thing is there
  // where the drawn schema says so (see `draw.ts`), and nowhere else.
  const defaults = { constAsDefaults: 'never', arrayMinItems: { populate: 'requiredOnly' } };
  const merger = createFormMerger({ ...options, ...defaults } as typeof options);
  return {
    ...merger,
    mergeFormDataAndSchemaDefaults(asked) {
      // Only the change to another alternative asks so. What the alternative before left behind is there
      // as `undefined`, and would keep the new one from what it fills in by itself.
      const changes = asked.includeUndefinedValues === 'excludeObjectChildren';
      return merger.mergeFormDataAndSchemaDefaults(changes ? { ...asked, formData: defined(asked.formData) } : asked);
    },
  };
}

function defined<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Value;
}
