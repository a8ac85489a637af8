// Templates of addresses (RFC 6570), as resource templates use them: every operator, with simple names;
// of the modifiers, `:3` and `*` are read and do nothing, for a form gives one text for each name.

interface Operator {
  readonly first: string;
  readonly separator: string;
  readonly named: boolean;
  /** What stands after the name of an empty value. */
  readonly empty: string;
  /** Whether reserved characters stay as they are. */
  readonly reserved: boolean;
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  '': { first: '', separator: ',', named: false, empty: '', reserved: false },
  '+': { first: '', separator: ',', named: false, empty: '', reserved: true },
  '#': { first: '#', separator: ',', named: false, empty: '', reserved: true },
  '.': { first: '.', separator: '.', named: false, empty: '', reserved: false },
  '/': { first: '/', separator: '/', named: false, empty: '', reserved: false },
  ';': { first: ';', separator: ';', named: true, empty: '', reserved: false },
  '?': { first: '?', separator: '&', named: true, empty: '=', reserved: false },
  '&': { first: '&', separator: '&', named: true, empty: '=', reserved: false },
};

const EXPRESSION = /\{([+#./;?&]?)([^{}]+)\}/gu;

/** The names in a template, each once. */
export function namesOf(template: string): readonly string[] {
  const names = [...template.slice(0, 8192).matchAll(EXPRESSION)].flatMap(([, , list = '']) => listed(list));
  return [...new Set(names)].slice(0, 50);
}

/** The address; names without a value fall away (RFC 6570, section 2.3). */
export function expand(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(EXPRESSION, (_, sign: string, list: string) => {
    const operator = OPERATORS[sign];
    if (operator === undefined) return '';
    const parts = listed(list).flatMap((name) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      return value === undefined ? [] : [part(name, value, operator)];
    });
    return parts.length === 0 ? '' : operator.first + parts.join(operator.separator);
  });
}

function listed(list: string): readonly string[] {
  return list
    .split(',')
    .map((name) => name.replace(/\*$|:\d+$/u, '').trim())
    .filter((name) => name !== '');
}

function part(name: string, value: string, { named, empty, reserved }: Operator): string {
  const written = reserved ? encodeReserved(value) : encodeStrict(value);
  if (!named) return written;
  return written === '' ? `${name}${empty}` : `${name}=${written}`;
}

/** Unreserved characters only (RFC 3986, section 2.3): `encodeURIComponent` leaves `!'()*`. */
function encodeStrict(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*]/gu,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function encodeReserved(value: string): string {
  return encodeURI(value.toWellFormed())
    .replace(/%25([0-9A-Fa-f]{2})/gu, '%$1')
    .replace(/%5B/gu, '[')
    .replace(/%5D/gu, ']');
}
