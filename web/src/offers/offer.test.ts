import { describe, expect, it } from 'vitest';
import { distinct, offeredResource, offeredTool } from './offer';

const tool = (more: object) => offeredTool({ name: 't', inputSchema: { type: 'object' }, ...more } as never);

describe('an offer', () => {
  it.each<[string, object, object]>([
    ['a name alone', {}, { title: 't', name: null }],
    ['a title beside the name', { title: 'Tool' }, { title: 'Tool', name: 't' }],
    ['a title among the annotations', { annotations: { title: 'Tool' } }, { title: 'Tool', name: 't' }],
    ['an empty name', { name: '' }, { title: '—', key: 'tool:' }],
    ['a name with markup is text', { name: '<img src=x onerror=alert(1)>' }, { title: '<img src=x onerror=alert(1)>' }],
    ['a name that reads backwards', { name: 'a\u202Eb' }, { title: 'a⟨U+202E⟩b', id: 'a\u202Eb' }],
    ['a description on one line', { description: 'one\ntwo' }, { summary: 'one two', description: 'one\ntwo' }],
  ])('%s', (_, more, row) => {
    expect(tool(more)).toMatchObject(row);
  });

  it('costs little with a description of five megabytes', () => {
    const offer = tool({ description: 'x'.repeat(5_000_000) });
    expect(offer.summary.length + offer.haystack.length).toBeLessThan(3000);
  });

  it('names a resource by its address', () => {
    expect(offeredResource({ uri: 'x:1', name: 'One' } as never)).toMatchObject({
      key: 'resource:x:1',
      title: 'One',
      name: 'x:1',
    });
  });

  it('comes once', () => {
    expect(distinct([tool({}), tool({}), tool({ name: 'u' })])).toHaveLength(2);
  });
});
