// Checks the form with the schema as the server wrote it, and says what is wrong in the page's language.

import { createFormValidator } from '@sjsf/cfworker-validator';
import type { FormValidator, FormValue, ValidationError } from '@sjsf/form';
import { problemsOf, type Path } from '../check';
import { ABSENT } from '../draw';
import { pruned } from '../prune';
import type { JsonSchema } from '../schema';
import { inWords } from '../words';
import type { Catalogue } from '../../i18n/index.svelte';

export interface Checked {
  /** The cleaned schema, not the drawn one. */
  readonly schema: () => JsonSchema;
  readonly words: () => Catalogue['form'];
  /** The whole value at this moment. */
  readonly value: () => FormValue;
}

export type Value = Record<string, unknown>;

export function formValidator({ schema, words, value }: Checked): FormValidator<Value> & {
  validateFieldValue: (config: { readonly path: Path }) => string[];
} {
  const alternatives = createFormValidator<Value>();
  const check = (whole: FormValue): { sent: Value; errors: ValidationError[] } => {
    const sent = pruned(whole, schema());
    const errors = problemsOf(schema(), sent).map((problem) => ({
      path: [...problem.path],
      message: inWords(problem, words()),
    }));
    return { sent, errors };
  };
  return {
    // Asked by the library to find the alternative that a value fits.
    isValid(definition, root, part) {
      if (typeof definition === 'object' && ABSENT in definition) return part === undefined;
      try {
        return alternatives.isValid(definition, root, part);
      } catch {
        return false;
      }
    },
    validateFormValue(_root, whole) {
      const { sent, errors } = check(whole);
      return errors.length === 0 ? { value: sent } : { value: whole, errors };
    },
    validateFieldValue({ path }) {
      const here = JSON.stringify(path);
      return check(value())
        .errors.filter((error) => JSON.stringify(error.path) === here)
        .map(({ message }) => message);
    },
  };
}
