import type { Catalogue } from './index.svelte';
import { asking } from './ru/asking';
import { connection } from './ru/connection';
import { form } from './ru/form';
import { identity } from './ru/identity';
import { offers } from './ru/offers';
import { result } from './ru/result';
import { shell } from './ru/shell';
import { timeline } from './ru/timeline';

export const ru: Catalogue = { shell, connection, identity, timeline, offers, form, result, asking };
