import { keepPreference, readPreference } from './preference';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const atFirst = readPreference('theme', themes) ?? 'system';
let chosen = $state<Theme>(atFirst);
show(atFirst);

/** The colours that the person chose. */
export const theme = {
  get current(): Theme {
    return chosen;
  },
  choose(value: Theme): void {
    chosen = value;
    keepPreference('theme', value);
    show(value);
  },
};

function show(value: Theme): void {
  const root = document.documentElement;
  if (value === 'system') root.removeAttribute('data-theme');
  else root.dataset.theme = value;
}
