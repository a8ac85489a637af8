// What the tests of one file share.

import { after, before } from 'node:test';

import { launch } from './browser.mjs';

/** Runs `start(file)` before the tests, and what it gave to `file.after` after them, the last first. */
export function shared(start) {
  const ends = [];
  const file = { after: (end) => ends.push(end) };
  before(async () => {
    file.browser = await launch(file);
    Object.assign(file, await start?.(file));
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  return file;
}
