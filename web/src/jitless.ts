/** Imported first: the page's policy forbids code made from text, so that schemas are not compiled into it. */
import { config } from 'zod/v4/core';

config({ jitless: true });
