// What the person does at one connection: which list, which offer, what is filled in and what came back.
// It lives as long as the connection, so that a change of tabs loses nothing.

import type {
  CallOptions,
  CallToolResult,
  Connection,
  GetPromptResult,
  ReadResourceResult,
} from '../connection/connection';
import { newDraft, type Draft } from '../form/SchemaForm.svelte';
import { Run } from '../result/run.svelte';
import { Listing } from './listing.svelte';
import { offeredPrompt, offeredResource, offeredTemplate, offeredTool, type Kinds, type Offer } from './offer';

export type Answer =
  | { readonly kind: 'tool'; readonly result: CallToolResult }
  | { readonly kind: 'prompt'; readonly result: GetPromptResult }
  | { readonly kind: 'resource'; readonly result: ReadResourceResult };

export class Work {
  kind = $state<Kinds>('tools');
  query = $state('');
  readonly lists: Readonly<Record<Kinds, Listing>>;
  /** The chosen offer of each list, by its key. */
  readonly chosen = $state<Record<Kinds, string | null>>({ tools: null, prompts: null, resources: null });
  readonly #drafts = new Map<string, Draft>();
  #runs = $state.raw<ReadonlyMap<string, Run<Answer>>>(new Map());

  constructor(readonly connection: Connection) {
    this.lists = {
      tools: new Listing(async () => (await connection.listTools()).map(offeredTool)),
      prompts: new Listing(async () => (await connection.listPrompts()).map(offeredPrompt)),
      resources: new Listing(async () => {
        const [resources, templates] = await Promise.all([
          connection.listResources(),
          connection.listResourceTemplates(),
        ]);
        return [...resources.map(offeredResource), ...templates.map(offeredTemplate)];
      }),
    };
  }

  get offer(): Offer | null {
    return this.lists[this.kind].find(this.chosen[this.kind]);
  }

  /** Chooses an offer by what a call names; null when no list has it. */
  choose(kind: 'tool' | 'prompt' | 'resource', name: string): Offer | null {
    const list = `${kind}s` as const;
    const offer = this.lists[list].find(`${kind}:${name}`);
    if (offer === null) return null;
    this.kind = list;
    this.chosen[list] = offer.key;
    return offer;
  }

  draft(offer: Offer): Draft {
    const known = this.#drafts.get(offer.key) ?? newDraft();
    this.#drafts.set(offer.key, known);
    return known;
  }

  forget(offer: Offer): void {
    this.#drafts.delete(offer.key);
  }

  run(offer: Offer): Run<Answer> | null {
    return this.#runs.get(offer.key) ?? null;
  }

  start(offer: Offer, call: Call): void {
    this.run(offer)?.cancel();
    this.#runs = new Map(this.#runs).set(offer.key, new Run((options) => call(this.connection, options)));
  }
}

type Call = (connection: Connection, options: CallOptions) => Promise<Answer>;

const works = new WeakMap<Connection, Work>();

export function workOf(connection: Connection): Work {
  const known = works.get(connection) ?? new Work(connection);
  works.set(connection, known);
  return known;
}
