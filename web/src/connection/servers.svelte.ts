/** A server that the page's own host serves. */
export interface KnownServer {
  readonly name: string;
  readonly url: string;
  /** Where it says who its caller is. */
  readonly caller: string;
}

let servers = $state.raw<readonly KnownServer[]>([]);
let loading: Promise<void> | undefined;

/** The servers of the host that served this page; none where it is served by something else. */
export const knownServers = {
  get all(): readonly KnownServer[] {
    return servers;
  },
  /** Asks once. */
  load(): Promise<void> {
    return (loading ??= ask());
  },
};

async function ask(): Promise<void> {
  try {
    const response = await fetch('/propusk.json', { headers: { accept: 'application/json' } });
    if (response.ok) servers = parse(await response.json());
  } catch {
    // The page works without: the person types the URL.
  }
}

function parse(answer: unknown): KnownServer[] {
  const listed = (answer as { servers?: unknown } | null)?.servers;
  if (!Array.isArray(listed)) return [];
  return listed.filter(
    (one): one is KnownServer =>
      typeof one?.name === 'string' && typeof one.url === 'string' && typeof one.caller === 'string',
  );
}
