import type { Catalogue } from '../index.svelte';

export const timeline: Catalogue['timeline'] = {};
