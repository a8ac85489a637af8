import {
  Client,
  StreamableHTTPClientTransport,
  type AuthProvider,
  type FetchLike,
  type jsonSchemaValidator,
} from '@modelcontextprotocol/client';
import type { ListKind } from './connection';

export const revisions = ['auto', '2026-07-28', '2025-11-25'] as const;
/** Which revision to speak: the newest that both know, or one. */
export type Revision = (typeof revisions)[number];

/** What the client of one connection needs. */
export interface ClientSettings {
  readonly url: string;
  readonly revision: Revision;
  readonly provider: AuthProvider;
  readonly fetch: FetchLike;
  readonly onListChanged: (kind: ListKind) => void;
}

/** Results are shown as they came, also where they do not keep to the tool's own schema. */
const lenient: jsonSchemaValidator = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
};

/** A client of the official package, and its transport, not connected yet. */
export function makeClient(settings: ClientSettings): { client: Client; transport: StreamableHTTPClientTransport } {
  const changed = (kind: ListKind) => ({ autoRefresh: false, onChanged: () => settings.onListChanged(kind) });
  const client = new Client(
    { name: 'propusk-web', version: '0.1.0' },
    {
      capabilities: { elicitation: { form: {}, url: {} } },
      jsonSchemaValidator: lenient,
      versionNegotiation: { mode: modeOf(settings.revision) },
      listChanged: { tools: changed('tools'), prompts: changed('prompts'), resources: changed('resources') },
    },
  );
  const transport = new StreamableHTTPClientTransport(new URL(settings.url), {
    authProvider: settings.provider,
    fetch: settings.fetch,
    onInsufficientScope: 'throw',
  });
  return { client, transport };
}

function modeOf(revision: Revision): 'auto' | 'legacy' | { pin: string } {
  if (revision === 'auto') return 'auto';
  return revision === '2025-11-25' ? 'legacy' : { pin: revision };
}
