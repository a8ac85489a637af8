// The fields of the form library as this page draws them.

import '@sjsf/form/fields/extra/enum-include';
import '@sjsf/form/fields/extra/multi-enum-include';
import '@sjsf/basic-theme/extra-widgets/checkboxes-include';
import { theme as basic } from '@sjsf/basic-theme';
import { overrideByRecord } from '@sjsf/form/lib/resolver';
import AlternativesTemplate from './AlternativesTemplate.svelte';
import JsonField from './JsonField.svelte';
import TextWidget from './TextWidget.svelte';

export const theme = overrideByRecord(basic, {
  textWidget: TextWidget,
  unknownField: JsonField,
  multiFieldTemplate: AlternativesTemplate,
});
