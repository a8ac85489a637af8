import { describe, expect, it } from 'vitest';
import { undrawable } from './drawable';

const node = { type: 'object', properties: { name: { type: 'string' }, next: { $ref: '#/$defs/node' } } };

/** Each level refers twice to the next: 2^40 fields in forty lines. */
const bomb = {
  type: 'object',
  properties: { a: { $ref: '#/$defs/l0' } },
  $defs: Object.fromEntries(
    Array.from({ length: 40 }, (_, level) => [
      `l${level}`,
      { type: 'object', properties: { x: { $ref: `#/$defs/l${level + 1}` }, y: { $ref: `#/$defs/l${level + 1}` } } },
    ]).concat([['l40', { type: 'string' } as never]]),
  ),
};

const nested = (levels: number): unknown => {
  let schema: unknown = { type: 'string' };
  for (let level = 0; level < levels; level += 1) schema = { type: 'object', properties: { a: schema } };
  return schema;
};

describe('undrawable', () => {
  it.each<[string, unknown, string | null]>([
    ['no properties', { type: 'object' }, null],
    ['no type', { properties: {} }, null],
    ['plain', { type: 'object', properties: { a: { type: 'string' } } }, null],
    ['a linked list', { ...node, $defs: { node } }, null],
    ['itself as a property', { type: 'object', properties: { self: { $ref: '#' } } }, null],
    ['itself as items', { type: 'object', properties: { all: { type: 'array', items: { $ref: '#' } } } }, null],
    [
      'a tree in a oneOf',
      {
        type: 'object',
        properties: { tree: { $ref: '#/$defs/tree' } },
        $defs: {
          tree: { oneOf: [{ type: 'string' }, { type: 'object', properties: { left: { $ref: '#/$defs/tree' } } }] },
        },
      },
      null,
    ],
    ['itself', { $ref: '#' }, 'endless'],
    ['itself in an allOf', { type: 'object', allOf: [{ $ref: '#' }] }, 'endless'],
    [
      'itself in an anyOf of a property',
      { type: 'object', properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }] } } },
      'endless',
    ],
    [
      'two that point to each other',
      {
        type: 'object',
        properties: { a: { $ref: '#/$defs/a' } },
        $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } },
      },
      'endless',
    ],
    [
      'another document',
      { type: 'object', properties: { a: { $ref: 'https://evil.example/s.json' } } },
      'remote-reference',
    ],
    ['a relative document', { type: 'object', properties: { a: { $ref: 'other.json#/a' } } }, 'remote-reference'],
    ['a reference to nothing', { type: 'object', properties: { a: { $ref: '#/$defs/none' } } }, 'broken-reference'],
    ['a reference to a prototype', { type: 'object', properties: { a: { $ref: '#/__proto__' } } }, 'broken-reference'],
    ['a bomb', bomb, 'too-deep'],
    ['two hundred levels', nested(200), 'too-deep'],
    ['ten levels', nested(10), null],
    [
      'five thousand fields',
      {
        type: 'object',
        properties: Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`f${index}`, { type: 'string' }])),
      },
      'too-large',
    ],
    ['a five megabyte description', { type: 'object', description: 'x'.repeat(5_000_000) }, 'too-large'],
    ['a list', { type: 'array' }, 'not-an-object'],
    ['null', null, 'not-an-object'],
    ['true', true, 'not-an-object'],
    ['keywords of the wrong kind', { type: 'object', properties: [], required: 'a', allOf: {}, items: 4 }, null],
  ])('%s', (_, schema, why) => {
    expect(undrawable(schema)).toBe(why);
  });

  it('sees through a bomb of few levels', () => {
    const flat = structuredClone(bomb) as typeof bomb & { $defs: Record<string, unknown> };
    flat.$defs.l12 = { type: 'string' };
    expect(undrawable(flat)).toBe('too-large');
  });
});
