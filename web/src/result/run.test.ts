import { describe, expect, it, vi } from 'vitest';
import type { CallOptions } from '../connection/connection';
import { deferred } from '../testing/deferred';
import { Run } from './run.svelte';

/** A call that ends when the test says so. */
function pending() {
  const { promise, resolve, reject } = deferred<string>();
  let given: CallOptions | undefined;
  const run = new Run((options) => {
    given = options;
    return promise;
  });
  return { run, resolve, reject, options: () => given };
}

describe('Run', () => {
  it('follows the progress and ends with the result', async () => {
    const { run, resolve, options } = pending();
    options()?.onProgress?.({ progress: 1, total: 4 });
    expect(run.progress).toEqual({ progress: 1, total: 4 });
    expect(run.outcome).toBeNull();
    resolve('x');
    await vi.waitFor(() => expect(run.outcome).toEqual({ state: 'done', result: 'x' }));
    expect(run.endedAt).not.toBeNull();
  });

  it('ends with the error', async () => {
    const { run, reject } = pending();
    const error = new Error('no');
    reject(error);
    await vi.waitFor(() => expect(run.outcome).toEqual({ state: 'failed', error }));
  });

  it('ends at once when it is cancelled, and tells the call', () => {
    const { run, options } = pending();
    run.cancel();
    expect(run.outcome).toEqual({ state: 'cancelled' });
    expect(options()?.signal.aborted).toBe(true);
  });

  it('shows nothing that comes after a cancel', async () => {
    const { run, resolve, options } = pending();
    run.cancel();
    options()?.onProgress?.({ progress: 9 });
    resolve('late');
    await Promise.resolve();
    expect([run.outcome, run.progress]).toEqual([{ state: 'cancelled' }, null]);
  });

  it('cannot be cancelled when it has ended', async () => {
    const { run, resolve, options } = pending();
    resolve('x');
    await vi.waitFor(() => expect(run.outcome).not.toBeNull());
    run.cancel();
    expect([run.outcome?.state, options()?.signal.aborted]).toEqual(['done', false]);
  });

  it('bears a call that fails before it begins', async () => {
    const run = new Run(() => {
      throw new Error('at once');
    });
    await vi.waitFor(() => expect(run.outcome?.state).toBe('failed'));
  });
});
