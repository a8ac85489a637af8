import { describe, expect, it } from 'vitest';
import { problemsOf } from './check';

const say = (schema: Record<string, unknown>, value: unknown) =>
  problemsOf(schema, value).map(({ path, code, limit }) => [
    path.join('.'),
    code,
    ...(limit === undefined ? [] : [limit]),
  ]);

const object = (properties: Record<string, unknown>, more = {}) => ({ type: 'object', properties, ...more });

describe('problemsOf', () => {
  it.each<[string, Record<string, unknown>, unknown, unknown[]]>([
    ['all is well', object({ a: { type: 'string' } }), { a: 'x' }, []],
    ['a member lacks', object({ a: {} }, { required: ['a', 'b'] }), { a: 1 }, [['b', 'required']]],
    ['of the wrong type', object({ a: { type: 'integer' } }), { a: 1.5 }, [['a', 'type', 'integer']]],
    ['too short', object({ a: { type: 'string', minLength: 3 } }), { a: 'x' }, [['a', 'minLength', 3]]],
    ['too small', object({ a: { minimum: 3 } }), { a: 2 }, [['a', 'minimum', 3]]],
    ['not above', object({ a: { exclusiveMinimum: 3 } }), { a: 3 }, [['a', 'exclusiveMinimum', 3]]],
    ['an address', object({ a: { format: 'email' } }), { a: 'x' }, [['a', 'format', 'email']]],
    ['a pattern', object({ a: { pattern: '^a' } }), { a: 'x' }, [['a', 'pattern', '^a']]],
    ['a choice', object({ a: { enum: [1, 2] } }), { a: 3 }, [['a', 'enum', [1, 2]]]],
    ['nested', object({ a: object({ b: { maximum: 1 } }) }), { a: { b: 2 } }, [['a.b', 'maximum', 1]]],
    ['an item', object({ a: { items: { type: 'string' } } }), { a: ['x', 1] }, [['a.1', 'type', 'string']]],
    [
      'a tuple',
      object({ a: { prefixItems: [{ type: 'string' }], items: false } }),
      { a: ['x', 1] },
      [['a.1', 'unexpected']],
    ],
    ['not expected', object({}, { additionalProperties: false }), { b: 1 }, [['b', 'unexpected']]],
    [
      'a reference',
      { ...object({ a: { $ref: '#/$defs/p' } }), $defs: { p: { minimum: 4 } } },
      { a: 1 },
      [['a', 'minimum', 4]],
    ],
    [
      'none of the alternatives',
      object({ a: { anyOf: [{ type: 'string' }, { type: 'null' }] } }),
      { a: 1 },
      [['a', 'alternatives']],
    ],
    [
      'the nearest alternative',
      object({ a: { oneOf: [{ type: 'string', minLength: 2 }, { type: 'null' }] } }),
      { a: 'x' },
      [['a', 'minLength', 2]],
    ],
    [
      'an alternative told by its kind',
      {
        oneOf: [
          object({ kind: { const: 'a' }, n: { type: 'number' } }, { required: ['n'] }),
          object({ kind: { const: 'b' }, s: {} }, { required: ['s', 't'] }),
        ],
      },
      { kind: 'b' },
      [
        ['s', 'required'],
        ['t', 'required'],
      ],
    ],
    ['more than one alternative', { oneOf: [{ type: 'object' }, {}] }, {}, [['', 'alternatives']]],
    ['twice the same', object({ a: { uniqueItems: true } }), { a: [1, 1] }, [['a', 'uniqueItems', true]]],
    ['names with a slash', object({ 'a/b~': { type: 'null' } }), { 'a/b~': 1 }, [['a/b~', 'type', 'null']]],
    [
      'draft 4',
      { $schema: 'http://json-schema.org/draft-04/schema#', ...object({ a: { type: 'string' } }) },
      { a: 1 },
      [['a', 'type', 'string']],
    ],
    ['if then', { if: {}, then: { required: ['a'] } }, {}, [['a', 'required']]],
  ])('%s', (_, schema, value, problems) => {
    expect(say(schema, value)).toEqual(problems);
  });

  it('leaves to the server what it cannot apply', () => {
    expect(problemsOf({ $ref: 'https://elsewhere.example/s' }, {})).toEqual([]);
    expect(problemsOf({ $ref: '#' }, {})).toEqual([]);
  });
});
