import { describe, expect, it } from 'vitest';
import { asksForNothing } from './empty';

describe('asksForNothing', () => {
  it.each<[boolean, unknown]>([
    [true, { type: 'object' }],
    [true, { type: 'object', properties: {}, additionalProperties: false }],
    [false, { type: 'object', properties: { a: {} } }],
    [false, { type: 'object', additionalProperties: true }],
    [false, { $ref: '#/$defs/a' }],
    [false, null],
  ])('%s for %j', (nothing, schema) => {
    expect(asksForNothing(schema)).toBe(nothing);
  });
});
