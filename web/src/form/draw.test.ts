import { describe, expect, it } from 'vitest';
import { clean } from './clean';
import { drawn } from './draw';

const words = {
  string: 'text',
  number: 'number',
  integer: 'whole',
  boolean: 'yes/no',
  null: 'null',
  object: 'object',
  array: 'list',
  anything: 'any',
  absent: 'none',
};
/** The alternative that gives nothing. */
const absent = { title: 'none', 'x-absent': true };
const field = (schema: unknown, more = {}) =>
  (drawn(clean({ type: 'object', properties: { a: schema }, ...more }), words).properties as Record<string, unknown>).a;

describe('drawn', () => {
  it.each<[string, unknown, unknown]>([
    ['a name where none is given', { type: 'string' }, { title: 'a', type: 'string' }],
    [
      'several types as alternatives',
      { type: ['string', 'null'], minLength: 1 },
      { title: 'a', anyOf: [absent, { type: 'string', minLength: 1, title: 'text' }, { type: 'null', title: 'null' }] },
    ],
    [
      'alternatives with names',
      { anyOf: [{ type: 'integer' }, { $ref: '#/$defs/Point' }, { const: 5 }] },
      {
        title: 'a',
        anyOf: [
          absent,
          { type: 'integer', title: 'whole' },
          { $ref: '#/$defs/Point', title: 'Point' },
          { const: 5, title: '5', readOnly: true },
        ],
      },
    ],
    [
      'values with titles as one choice',
      { oneOf: [{ const: 'x', title: 'X' }, { const: 2 }] },
      { title: 'a', enum: ['x', 2], 'x-titles': ['X', '2'] },
    ],
    [
      'no preset of another kind',
      { type: 'object', properties: {}, default: 1 },
      { title: 'a', type: 'object', properties: {} },
    ],
    [
      'a tuple',
      { type: 'array', prefixItems: [{ type: 'string' }, true], items: false },
      { title: 'a', type: 'array', items: [{ title: '1', type: 'string' }, { title: '2' }], additionalItems: false },
    ],
    ['a list of anything', { type: 'array' }, { title: 'a', type: 'array', items: {} }],
    ['anything', true, { title: 'a' }],
    ['an object of which nothing is known', { type: 'object', description: 'd' }, { title: 'a', description: 'd' }],
    ['what may be one thing', { const: 1 }, { title: 'a', enum: [1] }],
    [
      'what is one thing from the beginning',
      { const: 1, default: 1 },
      { title: 'a', const: 1, default: 1, readOnly: true },
    ],
    [
      'other members',
      { type: 'object', additionalProperties: true },
      { title: 'a', type: 'object', additionalProperties: {} },
    ],
    ['no pattern: the browser would run it', { type: 'string', pattern: '(a+)+' }, { title: 'a', type: 'string' }],
    [
      'only keywords of the right kind',
      { type: 'strong', minLength: '3', enum: 'x', items: 5, title: 7 },
      { title: 'a' },
    ],
    ['what is hidden in a title', { title: 'a\u202Eb\n c' }, { title: 'a⟨U+202E⟩b c' }],
    [
      'dependencies under one keyword',
      { dependentRequired: { x: ['y'] }, dependentSchemas: { z: { required: ['w'] } } },
      { title: 'a', dependencies: { x: ['y'], z: { required: ['w'] } } },
    ],
  ])('%s', (_, schema, form) => {
    expect(field(schema)).toEqual(form);
  });

  it('answers no for a box that must be answered', () => {
    expect(field({ type: 'boolean' }, { required: ['a'] })).toMatchObject({ default: false });
    expect(field({ type: 'boolean' })).not.toHaveProperty('default');
  });

  it('fills in what can be only one thing', () => {
    expect(field({ const: 1 }, { required: ['a'] })).toEqual({ title: 'a', const: 1, default: 1, readOnly: true });
  });

  it('lets alternatives be left out only where nothing else would be sent', () => {
    const either = { anyOf: [{ type: 'integer' }, { type: 'null' }] };
    const options = (schema: unknown, more = {}) => (field(schema, more) as { anyOf: unknown[] }).anyOf.length;
    expect(options(either)).toBe(3);
    expect(options({ ...either, default: null })).toBe(2);
    expect(options(either, { required: ['a'] })).toBe(2);
  });

  it('keeps a member called __proto__ out of the prototype', () => {
    const schema = JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}') as Record<
      string,
      unknown
    >;
    const { properties } = drawn(clean(schema), words) as { properties: object };
    expect(Object.keys(properties)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(properties)).toBe(Object.prototype);
  });
});
