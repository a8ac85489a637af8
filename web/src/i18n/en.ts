import { asking } from './en/asking';
import { connection } from './en/connection';
import { form } from './en/form';
import { identity } from './en/identity';
import { offers } from './en/offers';
import { result } from './en/result';
import { shell } from './en/shell';
import { timeline } from './en/timeline';

/** English: the catalogue whose shape every other language has. One file for each room of the page. */
export const en = { shell, connection, identity, timeline, offers, form, result, asking };
