// What a server offers, as rows of one list: tools, prompts, resources and templates of resources.

import type { Prompt, Resource, ResourceTemplate, Tool } from '../connection/connection';
import { oneLine } from '../text/cut';
import { haystack } from './filter';

interface Row {
  /** As the connection's `learned` calls it: `tool:name`, `resource:uri`. */
  readonly key: string;
  /** The name or address that the server uses; as it came. */
  readonly id: string;
  /** What a person reads first, on one line. */
  readonly title: string;
  /** The name beside the title, where they differ. */
  readonly name: string | null;
  readonly summary: string;
  readonly description: string;
  readonly haystack: string;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
}

export type Offer = Row &
  (
    | { readonly kind: 'tool'; readonly tool: Tool }
    | { readonly kind: 'prompt'; readonly prompt: Prompt }
    | { readonly kind: 'resource'; readonly resource: Resource }
    | { readonly kind: 'template'; readonly template: ResourceTemplate }
  );

export type Kinds = 'tools' | 'prompts' | 'resources';

export function offeredTool(tool: Tool): Offer {
  return { kind: 'tool', tool, ...row('tool', tool.name, tool.title ?? tool.annotations?.title, tool) };
}

export function offeredPrompt(prompt: Prompt): Offer {
  return { kind: 'prompt', prompt, ...row('prompt', prompt.name, prompt.title, prompt) };
}

export function offeredResource(resource: Resource): Offer {
  return { kind: 'resource', resource, ...row('resource', resource.uri, resource.title ?? resource.name, resource) };
}

export function offeredTemplate(template: ResourceTemplate): Offer {
  return {
    kind: 'template',
    template,
    ...row('template', template.uriTemplate, template.title ?? template.name, template),
  };
}

/** How much of a description is read for one line of it. */
const SUMMARY = 200;

function row(
  kind: Offer['kind'],
  id: string,
  title: string | undefined,
  { description = '', _meta }: { description?: string | undefined; _meta?: Record<string, unknown> | undefined },
): Row {
  const shown = oneLine(title ?? '', 120) || oneLine(id, 120) || '—';
  const name = oneLine(id, 120);
  return {
    key: `${kind}:${id}`,
    id,
    title: shown,
    name: name === shown ? null : name,
    summary: oneLine(description, SUMMARY),
    description,
    haystack: haystack(id, title, description),
    meta: _meta,
  };
}

/** Rows with one key each: a server may send the same name twice, and a list needs them apart. */
export function distinct(offers: readonly Offer[]): readonly Offer[] {
  const seen = new Set<string>();
  return offers.filter(({ key }) => !seen.has(key) && seen.add(key));
}
