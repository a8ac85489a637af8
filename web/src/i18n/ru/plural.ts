/** The form of a Russian word that goes with a number: 1 поле, 2 поля, 5 полей. */
export function plural(count: number, one: string, few: string, many: string): string {
  const form = rules.select(count);
  return form === 'one' ? one : form === 'few' ? few : many;
}

const rules = new Intl.PluralRules('ru');
