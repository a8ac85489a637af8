import type { Catalogue } from '../index.svelte';

export const connection: Catalogue['connection'] = {};
