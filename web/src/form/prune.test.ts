import { describe, expect, it } from 'vitest';
import { pruned } from './prune';

const schema = {
  type: 'object',
  required: ['must'],
  properties: {
    must: { type: 'object', properties: { deep: { type: 'object' } } },
    may: { $ref: '#/$defs/may' },
    list: { type: 'array', items: { type: 'object', required: ['o'] } },
    either: { anyOf: [{ type: 'object', required: ['o'], properties: { o: {} } }, { type: 'null' }] },
  },
  $defs: { may: { type: 'object', required: ['inner'], properties: { inner: { type: 'object' } } } },
};

describe('pruned', () => {
  it.each<[string, unknown, unknown]>([
    ['what is undefined', { x: undefined, y: null, z: 0, s: '' }, { y: null, z: 0, s: '' }],
    ['an empty object that may lack', { may: undefined, other: { a: {} } }, {}],
    ['not one that must be there', { must: { deep: {} } }, { must: {} }],
    ['through a reference', { may: { inner: {} } }, { may: { inner: {} } }],
    ['within items', { list: [{ o: {}, p: {} }, undefined] }, { list: [{ o: {} }, null] }],
    ['within alternatives', { either: { o: {} } }, { either: { o: {} } }],
    ['a list that may lack', { list: [] }, {}],
    ['places of a tuple that were only drawn', { pair: [undefined, undefined] }, {}],
    ['nothing at all', undefined, {}],
    ['not an object', 'x', {}],
  ])('%s', (_, value, left) => {
    expect(pruned(value, schema)).toEqual(left);
  });
});
