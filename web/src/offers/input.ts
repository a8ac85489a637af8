// The input of an offer as a schema, so that one form serves all of them.

import type { JsonSchema } from '../form/schema';
import type { Offer } from './offer';
import { namesOf } from './uri-template';

/** Null where nothing is asked: a resource has its address. */
export function inputSchema(offer: Offer): unknown {
  switch (offer.kind) {
    case 'tool':
      return offer.tool.inputSchema;
    case 'prompt':
      return ofPrompt(offer.prompt.arguments ?? []);
    case 'template':
      return ofTemplate(offer.template.uriTemplate);
    case 'resource':
      return null;
  }
}

interface Argument {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly required?: boolean | undefined;
}

/** A prompt's arguments are texts. */
function ofPrompt(argumentsOf: readonly Argument[]): JsonSchema {
  const properties = argumentsOf.map(({ name, title, description }) => [
    name,
    {
      type: 'string',
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
    },
  ]);
  return {
    type: 'object',
    properties: Object.fromEntries(properties) as JsonSchema,
    required: argumentsOf.filter(({ required }) => required === true).map(({ name }) => name),
    additionalProperties: false,
  };
}

/** The names in an address. None is needed: what is not given falls away. */
function ofTemplate(template: string): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(
      namesOf(template).map((name) => [name, { type: 'string', maxLength: 2000 }]),
    ) as JsonSchema,
    additionalProperties: false,
  };
}
