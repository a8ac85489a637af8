import type { FetchLike } from '@modelcontextprotocol/client';
import { Exchange, type Purpose, type RecordedRequest } from './exchange.svelte';
import type { ExchangeLog } from './log.svelte';
import type { Secrets } from './secrets';

/** So much of an answer is kept, in characters. */
const KEPT = 131_072;
/** Read beyond that, so that a secret at the edge is seen whole and masked. */
const MARGIN = 16_384;

/** A `fetch` that keeps every exchange in the log, without the secrets in it. */
export function recordingFetch(
  log: ExchangeLog,
  secrets: Secrets,
  purpose: Purpose,
  onAnswer: (exchange: Exchange) => void = () => undefined,
): FetchLike {
  return async (input, init) => {
    const exchange = new Exchange(describe(String(input), init, purpose, secrets));
    log.add(exchange);
    let response: Response;
    try {
      response = await fetch(input, init);
    } catch (error) {
      const cancelled = init?.signal?.aborted ?? false;
      exchange.end(cancelled ? 'cancelled' : 'failed', cancelled ? null : secrets.mask(messageOf(error)));
      throw error;
    }
    exchange.headers = [...response.headers].map(([name, value]) => [name, secrets.header(name, value)] as const);
    exchange.statusText = response.statusText;
    exchange.status = response.status;
    onAnswer(exchange);
    void readAlong(exchange, response.clone(), purpose, secrets, init?.signal);
    return response;
  };
}

/** Keeps the body as it comes, without standing in the way of who asked for it. */
async function readAlong(
  exchange: Exchange,
  copy: Response,
  purpose: Purpose,
  secrets: Secrets,
  signal: AbortSignal | null | undefined,
): Promise<void> {
  const streams = copy.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  const show = (raw: string) => {
    const masked = purpose === 'oauth' ? secrets.oauthBody(raw) : secrets.mask(raw);
    exchange.body = masked.slice(0, KEPT);
    exchange.cut ||= masked.length > KEPT;
  };
  exchange.phase = 'reading';
  let raw = '';
  try {
    const reader = copy.body?.pipeThrough(new TextDecoderStream()).getReader();
    while (reader) {
      const { done, value } = await reader.read();
      if (done) break;
      if (raw.length > KEPT + MARGIN) {
        exchange.cut = true;
        continue; // Read on for the end: the copy must not hold the original up.
      }
      raw += value;
      // Whole events only: half a secret would not be known as one.
      if (streams) show(raw.slice(0, raw.lastIndexOf('\n') + 1));
    }
    show(raw);
    exchange.end('done');
  } catch (error) {
    show(raw);
    exchange.end(signal?.aborted ? 'cancelled' : 'failed', signal?.aborted ? null : secrets.mask(messageOf(error)));
  }
}

function describe(url: string, init: RequestInit | undefined, purpose: Purpose, secrets: Secrets): RecordedRequest {
  const body = init?.body instanceof URLSearchParams ? init.body.toString() : String(init?.body ?? '');
  const { method, params } = purpose === 'mcp' ? rpcOf(body) : { method: null, params: null };
  const named = params?.name ?? params?.uri;
  return {
    purpose,
    httpMethod: init?.method ?? 'GET',
    url: secrets.url(url),
    headers: [...new Headers(init?.headers)].map(([name, value]) => [name, secrets.header(name, value)] as const),
    body: (purpose === 'oauth' ? secrets.oauthBody(body) : secrets.mask(body)).slice(0, KEPT),
    method,
    name: typeof named === 'string' ? named : null,
    params,
  };
}

function rpcOf(body: string): { method: string | null; params: Record<string, unknown> | null } {
  try {
    const { method, params } = JSON.parse(body) as { method?: unknown; params?: Record<string, unknown> };
    return { method: typeof method === 'string' ? method : null, params: params ?? null };
  } catch {
    return { method: null, params: null };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
