import { describe, expect, it } from 'vitest';
import { deferred } from '../testing/deferred';
import { Listing } from './listing.svelte';
import { offeredTool, type Offer } from './offer';

const tools = (...names: string[]): Offer[] =>
  names.map((name) => offeredTool({ name, inputSchema: { type: 'object' } } as never));

describe('Listing', () => {
  it('finds what came by its key', async () => {
    const listing = new Listing(() => Promise.resolve(tools('a', 'b', 'a')));
    await listing.load();
    expect([listing.state, listing.offers.length]).toEqual(['ready', 2]);
    expect(listing.find('tool:b')?.id).toBe('b');
    expect(listing.find('tool:c')).toBeNull();
    expect(listing.find(null)).toBeNull();
  });

  it('shows the answer to the last question, whichever comes first', async () => {
    const first = deferred<Offer[]>();
    const answers = [first.promise, Promise.resolve(tools('new'))];
    const listing = new Listing(() => answers.shift() ?? Promise.resolve([]));
    const old = listing.load();
    await listing.load();
    first.resolve(tools('old'));
    await old;
    expect(listing.offers.map(({ id }) => id)).toEqual(['new']);
  });

  it('keeps what came when a later question fails, and says that it failed', async () => {
    const answers = [Promise.resolve(tools('a')), Promise.reject(new Error('gone'))];
    const listing = new Listing(() => answers.shift() ?? Promise.resolve([]));
    await listing.load();
    await listing.load();
    expect([listing.state, listing.offers.length, listing.error]).toMatchObject(['failed', 1, { message: 'gone' }]);
  });
});
