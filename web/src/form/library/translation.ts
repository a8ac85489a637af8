// The form library's own texts, from the page's catalogue.

import type { Translation } from '@sjsf/form';
import { fromRecord } from '@sjsf/form/lib/resolver';
import type { Catalogue } from '../../i18n/index.svelte';

export function translationOf({ actions, failedCheck }: Catalogue['form']): Translation {
  return fromRecord({
    submit: '',
    yes: actions.yes,
    no: actions.no,
    'array-schema-missing-items': '',
    'multi-schema-option-label-with-title': ({ index }: { index: number }) => actions.option(index + 1),
    'multi-schema-option-label': ({ index }: { index: number }) => actions.option(index + 1),
    'add-array-item': actions.add,
    'copy-array-item': actions.copy,
    'move-array-item-up': actions.up,
    'move-array-item-down': actions.down,
    'remove-array-item': actions.remove,
    'add-object-property': actions.addMember,
    'remove-object-property': actions.remove,
    'key-input-title': ({ name }: { name: string }) => actions.memberName(name),
    'additional-property': actions.newMember,
    'component-not-found': '',
    'unknown-field-error': '',
    'validation-process-error': failedCheck,
    expand: actions.expand,
  });
}
