import type { Catalogue } from '../index.svelte';

export const identity: Catalogue['identity'] = {};
