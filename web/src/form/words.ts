// What is wrong with a value, in the words of the page's language.

import type { Catalogue } from '../i18n/index.svelte';
import { oneLine } from '../text/cut';
import { jsonText } from '../text/json';
import type { Problem } from './check';

type Words = Catalogue['form'];

export function inWords({ code, limit }: Problem, { problems, formats, types }: Words): string {
  switch (code) {
    case 'type':
      return problems.type(
        kinds(limit)
          .map((kind) => types[kind as keyof typeof types] ?? kind)
          .join(', '),
      );
    case 'const':
      return problems.const(oneLine(jsonText(limit), 80));
    case 'enum':
      return problems.enum(oneLine(kinds(limit).join(', '), 200));
    case 'format':
      return problems.format(formats[String(limit)] ?? problems.ofFormat(oneLine(String(limit), 40)));
    case 'pattern':
      return problems.pattern(oneLine(String(limit), 120));
    default: {
      const words = problems[code];
      return typeof words === 'string' ? words : words(Number(limit));
    }
  }
}

function kinds(limit: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(limit) ? limit : [limit];
  return list.map((each) => (typeof each === 'string' ? each : jsonText(each)));
}

/** Where a problem is, as a person would write it: `notes[2].title`. */
export function placeInWords(path: Problem['path']): string {
  return path.reduce<string>((place, step) => {
    if (typeof step === 'number') return `${place}[${step}]`;
    return place === '' ? oneLine(step, 60) : `${place}.${oneLine(step, 60)}`;
  }, '');
}
