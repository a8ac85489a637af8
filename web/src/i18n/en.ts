import { connection } from './en/connection';
import { identity } from './en/identity';
import { shell } from './en/shell';
import { timeline } from './en/timeline';

/** English: the catalogue whose shape every other language has. One file for each room of the page. */
export const en = { shell, connection, identity, timeline };
