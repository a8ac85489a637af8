import { parseChallenges, tokenChallenge, type Challenge } from '../connection/challenge';
import { retryAfterSeconds } from '../connection/retry';
import { outcomeOf, type Outcome } from './outcome';

/** What a request is for: the protocol, signing in, who the caller is, or the metadata that a challenge names. */
export type Purpose = 'mcp' | 'oauth' | 'caller' | 'metadata';

/** The request of an exchange, with secrets already masked. */
export interface RecordedRequest {
  readonly purpose: Purpose;
  readonly httpMethod: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  /** The JSON-RPC method, as `tools/call`. */
  readonly method: string | null;
  /** The tool, prompt or URI that it names. */
  readonly name: string | null;
  /** What to send to try again, as it was. Never shown. */
  readonly params: Record<string, unknown> | null;
}

let count = 0;

/** One request over HTTP and its answer: a row of the timeline. Its answer fills in as it comes. */
export class Exchange {
  /** Later exchanges have greater ones. */
  readonly number = ++count;
  readonly id = `x${this.number}`;
  /** Milliseconds since 1970. */
  readonly at = Date.now();
  private readonly started = performance.now();

  status = $state<number | null>(null);
  statusText = $state('');
  headers = $state.raw<readonly (readonly [string, string])[]>([]);
  /** The answer, as far as it is kept, with secrets masked. */
  body = $state.raw('');
  /** More came than is kept. */
  cut = $state(false);
  phase = $state<'waiting' | 'reading' | 'done' | 'cancelled' | 'failed'>('waiting');
  /** Why there is no answer, in the browser's words. */
  problem = $state<string | null>(null);
  /** From the request to the end of the answer, in milliseconds. */
  duration = $state<number | null>(null);

  readonly challenges: readonly Challenge[] = $derived(parseChallenges(this.header('www-authenticate') ?? ''));
  readonly challenge: Challenge | null = $derived(tokenChallenge(this.challenges));
  /** What the JSON-RPC answer says, where there is one. */
  readonly outcome: Outcome | null = $derived(this.phase === 'done' ? outcomeOf(this.body) : null);

  constructor(readonly request: RecordedRequest) {}

  get refused(): boolean {
    return this.status !== null && this.status >= 400;
  }

  get retryAfter(): number | null {
    return retryAfterSeconds(this.header('retry-after'), this.at);
  }

  header(name: string): string | null {
    return this.headers.find(([key]) => key === name)?.[1] ?? null;
  }

  /** The end, however it came. */
  end(phase: 'done' | 'cancelled' | 'failed', problem: string | null = null): void {
    this.phase = phase;
    this.problem = problem;
    this.duration = performance.now() - this.started;
  }
}
