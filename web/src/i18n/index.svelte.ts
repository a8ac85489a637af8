import { keepPreference, readPreference } from '../settings/preference';
import { en } from './en';
import { ru } from './ru';

export const languages = ['en', 'ru'] as const;
export type Language = (typeof languages)[number];
/** The shape that every language fills: a message missing in one does not compile. */
export type Catalogue = typeof en;

const catalogues: Record<Language, Catalogue> = { en, ru };

const atFirst = readPreference('language', languages) ?? ofBrowser();
let chosen = $state<Language>(atFirst);
document.documentElement.lang = atFirst;

/** The language of the page. */
export const language = {
  get current(): Language {
    return chosen;
  },
  choose(value: Language): void {
    chosen = value;
    keepPreference('language', value);
    document.documentElement.lang = value;
  },
};

/** The messages in the language of now. Called inside a template it follows the choice. */
export function text(): Catalogue {
  return catalogues[chosen];
}

function ofBrowser(): Language {
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return languages.find((known) => known === wanted.find((tag) => tag === 'en' || tag === 'ru')) ?? 'en';
}
