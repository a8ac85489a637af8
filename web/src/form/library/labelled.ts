// Attributes that the form library's inputs need beside their own: a label where it draws none, and no
// `required`, at which a browser would speak in a language of its own.

import type { Config, ExtraUiOptions } from '@sjsf/form';
import type { Catalogue } from '../../i18n/index.svelte';
import { TITLES } from '../draw';

const INPUTS = new Set(['select', 'number', 'checkbox', 'checkboxes']);

export function labelled(words: () => Catalogue['form']): ExtraUiOptions {
  const options = (option: string, config: Config | undefined): unknown => {
    // A choice that must be made is not made by itself.
    if (option === 'clearable') return true;
    if (option === 'enumNames') return config?.schema[TITLES as keyof typeof config.schema];
    if (option === 'itemTitle') return (title: string, index: number) => `${title} ${index + 1}`;
    if (config === undefined || !INPUTS.has(option)) return undefined;
    const { alternative, choose } = words().actions;
    return {
      required: undefined,
      ...(option === 'select'
        ? { 'aria-label': config.title || alternative, 'aria-required': config.required, placeholder: choose }
        : {}),
      ...(config.title === '' ? { 'aria-label': alternative } : {}),
      ...(option === 'number' ? { 'aria-required': config.required } : {}),
    };
  };
  return options as ExtraUiOptions;
}
