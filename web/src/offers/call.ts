// The call that an offer stands for.

import type { CallOptions, Connection } from '../connection/connection';
import type { Offer } from './offer';
import { expand } from './uri-template';
import type { Answer } from './work.svelte';

export async function call(
  connection: Connection,
  offer: Offer,
  input: Record<string, unknown>,
  options: CallOptions,
): Promise<Answer> {
  switch (offer.kind) {
    case 'tool':
      return { kind: 'tool', result: await connection.callTool(offer.id, input, options) };
    case 'prompt':
      return { kind: 'prompt', result: await connection.getPrompt(offer.id, texts(input), options) };
    case 'resource':
      return { kind: 'resource', result: await connection.readResource(offer.id, options) };
    case 'template':
      return { kind: 'resource', result: await connection.readResource(expand(offer.id, texts(input)), options) };
  }
}

/** The arguments of prompts and templates are texts; from the JSON editor anything may come. */
function texts(input: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
