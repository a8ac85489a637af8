import { describe, expect, it } from 'vitest';
import { contentsPart, partOf, partsOfResult } from './parts';

describe('partOf', () => {
  it.each<[string, unknown, unknown]>([
    ['text', { type: 'text', text: '<b>x</b>' }, { kind: 'text', text: '<b>x</b>', mimeType: null }],
    ['text that is JSON', { type: 'text', text: ' {"a":1}' }, { kind: 'json', value: { a: 1 } }],
    ['text that only looks like JSON', { type: 'text', text: '{a}' }, { kind: 'text', text: '{a}', mimeType: null }],
    ['a number stays text', { type: 'text', text: '42' }, { kind: 'text', text: '42', mimeType: null }],
    [
      'image',
      { type: 'image', data: 'aGk=', mimeType: 'image/PNG; q=1' },
      { kind: 'image', source: 'data:image/png;base64,aGk=', mimeType: 'image/png', bytes: 3 },
    ],
    [
      'audio',
      { type: 'audio', data: 'aGk=', mimeType: 'audio/wav' },
      { kind: 'audio', source: 'data:audio/wav;base64,aGk=', mimeType: 'audio/wav', bytes: 3 },
    ],
    [
      'an image that is a page',
      { type: 'image', data: 'aGk=', mimeType: 'text/html' },
      { kind: 'binary', base64: 'aGk=', mimeType: 'text/html', bytes: 3 },
    ],
    [
      'an image that breaks out of its address',
      { type: 'image', data: 'x"onerror="y', mimeType: 'image/png' },
      { kind: 'binary', base64: 'x"onerror="y', mimeType: 'image/png', bytes: 9 },
    ],
    [
      'a link',
      { type: 'resource_link', uri: 'file:///a', name: 'a' },
      { kind: 'link', link: { uri: 'file:///a', name: 'a', description: null, mimeType: null } },
    ],
    [
      'an embedded resource',
      { type: 'resource', resource: { uri: 'x:1', text: 'hi', mimeType: 'text/plain' } },
      { kind: 'resource', uri: 'x:1', parts: [{ kind: 'text', text: 'hi', mimeType: 'text/plain' }] },
    ],
    ['something new', { type: 'hologram', data: 1 }, { kind: 'json', value: { type: 'hologram', data: 1 } }],
    ['text without text', { type: 'text' }, { kind: 'json', value: { type: 'text' } }],
    ['null', null, { kind: 'json', value: null }],
  ])('%s', (_, block, part) => {
    expect(partOf(block)).toEqual(part);
  });
});

describe('partsOfResult', () => {
  it('shows what is structured once, when a text repeats it', () => {
    const structuredContent = { sum: 3, of: [1, 2] };
    const content = [
      { type: 'text', text: JSON.stringify(structuredContent, null, 2) },
      { type: 'text', text: 'note' },
    ];
    expect(partsOfResult({ content, structuredContent })).toEqual([
      { kind: 'json', value: structuredContent },
      { kind: 'text', text: 'note', mimeType: null },
    ]);
  });

  it('bears a result without content', () => {
    expect(partsOfResult({})).toEqual([]);
    expect(partsOfResult({ content: 'no list' })).toEqual([]);
  });
});

describe('contentsPart', () => {
  it('shows binary contents by their type', () => {
    expect(contentsPart({ uri: 'x:1', blob: 'aGk=', mimeType: 'application/zip' })).toEqual({
      kind: 'resource',
      uri: 'x:1',
      parts: [{ kind: 'binary', base64: 'aGk=', mimeType: 'application/zip', bytes: 3 }],
    });
  });
});
