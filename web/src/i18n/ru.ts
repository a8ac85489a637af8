import type { Catalogue } from './index.svelte';
import { connection } from './ru/connection';
import { identity } from './ru/identity';
import { shell } from './ru/shell';
import { timeline } from './ru/timeline';

export const ru: Catalogue = { shell, connection, identity, timeline };
