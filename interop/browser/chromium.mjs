// Where the browser of the tests is.

import { accessSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The path of an installed browser of Chromium's family; the one without a screen first. */
export function program() {
  const folders = process.env.PATH.split(delimiter);
  const programs = ['chromium-headless-shell', 'chromium', 'google-chrome'];
  const found = programs.flatMap((name) => folders.map((folder) => join(folder, name))).find(isThere);
  if (!found) throw new Error(`none of ${programs.join(', ')} is installed`);
  return found;
}

function isThere(path) {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
