import { SvelteMap } from 'svelte/reactivity';
import { ProtocolError, type Client, type FetchLike } from '@modelcontextprotocol/client';
import { Caller } from '../identity/caller.svelte';
import type { Identity } from '../identity/identity';
import type { Exchange, Purpose } from '../timeline/exchange.svelte';
import { ExchangeLog } from '../timeline/log.svelte';
import { recordingFetch } from '../timeline/record';
import { Secrets } from '../timeline/secrets';
import { oneLine } from '../text/cut';
import { Calls, type Run } from './calls';
import { challengedScopes } from './challenge';
import { makeClient, type Revision } from './client';
import type * as seam from './connection';
import { Credentials } from './credentials.svelte';
import { bringQuestions, type Asker } from './elicitation';
import type { KeptConnection } from './kept';
import { callOf, isAboutScopes, isOutage, refusalOf } from './refusals';
import { NoAnswerError, type RefusedError } from './refusal';
import { backoffSeconds } from './retry';
import { SigningIn } from './signing.svelte';
import { Status } from './status.svelte';
import { StepUp } from './stepup.svelte';

/** So long a server may take to greet, in milliseconds. */
const PATIENCE = 20_000;

/** What a connection is made of. */
export interface LiveSettings {
  readonly url: string;
  readonly revision: Revision;
  readonly asker: Asker;
  /** Where this server says who its caller is; null where nobody knows. */
  readonly callerUrl: string | null;
  /** What there is to keep changed: another token, another login. */
  readonly onCredentials: () => void;
}

/** A connection by the official client. */
export class LiveConnection extends Calls implements seam.Connection {
  private static count = 0;
  readonly id = `c${++LiveConnection.count}`;
  readonly url: string;
  readonly host: string;
  readonly log = new ExchangeLog();
  readonly credentials: Credentials;
  readonly signing: SigningIn;
  readonly learned = new SvelteMap<string, readonly string[]>();
  /** The person asked to keep it while the tab lives. */
  keep = $state(false);
  readonly steps: StepUp;

  private readonly secrets = new Secrets();
  private readonly status = new Status();
  private readonly caller: Caller;
  private readonly listeners = new Set<{ kind: seam.ListKind; call: () => void }>();
  private readonly retriers = new Set<(call: seam.RetriedCall) => boolean>();
  private client: Client | null = null;
  private life = new AbortController();
  private failures = 0;

  constructor(readonly settings: LiveSettings) {
    super();
    this.url = settings.url;
    this.host = new URL(settings.url).host;
    this.credentials = new Credentials(this.secrets, this.url, this.fetchFor('oauth'), () => this.renewed());
    this.signing = new SigningIn(this);
    this.steps = new StepUp(this);
    this.caller = new Caller({
      url: settings.callerUrl,
      fetch: this.fetchFor('caller'),
      credentials: this.credentials,
      onRefused: () => this.callerRefused(),
      onTrouble: () => this.stillServes(),
    });
  }

  get state(): seam.ConnectionState {
    return this.status.current;
  }

  get identity(): Identity | null {
    return this.caller.identity;
  }

  get label(): string {
    return this.identity?.subject ? `${oneLine(this.identity.subject, 60)} · ${this.host}` : this.host;
  }

  /** The scopes to add to when more are needed. */
  get scopes(): readonly string[] | null {
    return this.identity?.scopes ?? this.credentials.grantedScopes;
  }

  /** A `fetch` whose exchanges are rows of this connection's timeline. */
  fetchFor(purpose: Purpose): FetchLike {
    return recordingFetch(this.log, this.secrets, purpose);
  }

  /** A text that may be shown. */
  mask(text: string): string {
    return this.secrets.mask(text);
  }

  toKeep(): KeptConnection {
    const { login, token } = this.credentials;
    return { url: this.url, revision: this.settings.revision, token: login ? null : token, login: login?.data ?? null };
  }

  /** Connects, or connects anew with the credentials of now. */
  async connect(): Promise<void> {
    this.stop();
    const { signal } = (this.life = new AbortController());
    this.caller.reset();
    this.status.connecting();
    const mark = this.log.mark;
    const { client, transport } = makeClient({
      url: this.url,
      revision: this.settings.revision,
      provider: this.credentials.provider(),
      fetch: recordingFetch(this.log, this.secrets, 'mcp', (exchange) => this.answered(exchange)),
      onListChanged: (kind) => this.listChanged(kind),
    });
    bringQuestions(client, () => this.label, this.settings.asker, signal);
    try {
      await client.connect(transport, { timeout: PATIENCE, signal });
      signal.throwIfAborted();
    } catch (error) {
      void client.close();
      if (!signal.aborted) this.connectFailed(error, this.log.refusedSince(mark));
      return;
    }
    this.client = client;
    this.becomeReady(client);
  }

  close(): void {
    this.signing.cancel();
    this.stop();
    this.status.closed();
  }

  async useToken(token: string | null): Promise<void> {
    this.credentials.paste(token);
    this.settings.onCredentials();
    await this.connect();
  }

  onListChanged(kind: seam.ListKind, call: () => void): () => void {
    const listener = { kind, call };
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onRetry(listener: (call: seam.RetriedCall) => boolean): () => void {
    this.retriers.add(listener);
    return () => this.retriers.delete(listener);
  }

  stepUp(refusal: RefusedError): Promise<boolean> {
    return this.steps.up(refusal);
  }

  /** Tries the call of an exchange again: where it is shown, or else only here. */
  async retry(exchange: Exchange): Promise<void> {
    const call = callOf(exchange);
    if (!call) return this.connect();
    if (this.show(call)) return;
    const options = { signal: this.life.signal };
    const args = call.args as Record<string, string>;
    const again = {
      tool: () => this.callTool(call.name, call.args, options),
      prompt: () => this.getPrompt(call.name, args, options),
      resource: () => this.readResource(call.name, options),
    };
    await again[call.kind]().catch(() => undefined); // Its row says how it went.
  }

  /** Makes a call where its result is shown; false where nothing shows it. */
  show(call: seam.RetriedCall): boolean {
    return [...this.retriers].some((take) => take(call));
  }

  protected async call<T>(method: string, run: Run<T>, signal?: AbortSignal, again = true): Promise<T> {
    const { client } = this;
    if (!client) throw this.state.refusal ?? new Error('not connected');
    const mark = this.log.mark;
    try {
      return await run(client);
    } catch (error) {
      // What the server says in JSON-RPC is an answer, whatever its HTTP status.
      if (signal?.aborted || error instanceof ProtocolError) throw error;
      const exchange = this.log.refusedSince(mark, method);
      // The session ended: the server wants to be greeted anew (revision 2025-11-25, transports).
      if (again && exchange?.status === 404 && client.getProtocolEra() === 'legacy') {
        await this.connect();
        return this.call(method, run, signal, false);
      }
      throw exchange ? this.refused(exchange) : this.troubled(error, this.log.failedSince(mark, method));
    }
  }

  /** A token that is taken back shows at once, also where nobody waits for the answer. */
  private answered(exchange: Exchange): void {
    if (exchange.status !== 401 || this.state.phase !== 'ready' || this.credentials.canRenew) return;
    this.status.refused(refusalOf(exchange, this.scopes));
  }

  private refused(exchange: Exchange): RefusedError {
    const refusal = refusalOf(exchange, this.scopes);
    const call = callOf(exchange);
    if (call && isAboutScopes(refusal)) {
      this.learned.set(`${call.kind}:${call.name}`, challengedScopes(refusal.challenge));
    }
    if (refusal.status === 401) this.status.refused(refusal);
    if (isOutage(refusal.status) && refusal.status !== 429) this.unavailable(refusal.retryAfterSeconds, `HTTP ${refusal.status}`);
    return refusal;
  }

  /** No answer at all: the server is gone, for now. */
  private troubled(error: unknown, exchange: Exchange | null): unknown {
    if (!exchange) return error;
    const problem = exchange.problem ?? '';
    this.unavailable(null, problem);
    return new NoAnswerError(this.host, problem);
  }

  private connectFailed(error: unknown, exchange: Exchange | null): void {
    const { status = null } = exchange ?? {};
    const detail = this.mask(error instanceof Error ? error.message : String(error));
    if (exchange && (status === 401 || status === 403)) {
      this.status.refused(refusalOf(exchange, this.scopes));
    } else if (exchange && isOutage(status)) {
      this.unavailable(exchange.retryAfter, `HTTP ${status}`);
    } else if (exchange) {
      this.status.unavailable({ kind: 'http', detail: `HTTP ${status}` }, null, () => undefined);
    } else {
      const kind = this.log.all.at(-1)?.phase === 'failed' ? 'network' : 'protocol';
      const seconds = kind === 'network' && this.status.wasReady ? backoffSeconds(this.failures++) : null;
      this.status.unavailable({ kind, detail }, seconds, () => void this.connect());
    }
  }

  private unavailable(retryAfter: number | null, detail: string): void {
    this.caller.stop();
    const kind = detail.startsWith('HTTP') ? 'http' : 'network';
    this.status.unavailable({ kind, detail }, retryAfter ?? backoffSeconds(this.failures++), () => void this.probe());
  }

  /** Asks for as little as possible whether the server is back. */
  async probe(): Promise<void> {
    const { client, life } = this;
    if (!client) return this.connect();
    this.status.connecting();
    await this.ask(client);
    // Otherwise `call` has said what it is: a refusal, or an outage still.
    if (!life.signal.aborted && this.state.phase === 'connecting') this.becomeReady(client);
  }

  /** Whether the endpoint itself is there: who cannot say who its caller is may serve all the same. */
  private async stillServes(): Promise<boolean> {
    const { client, life } = this;
    if (!client || this.state.phase !== 'ready') return false;
    await this.ask(client);
    return !life.signal.aborted && this.state.phase === 'ready';
  }

  /** The least that a server can be asked. What goes wrong shows in the state. */
  private async ask(client: Client): Promise<void> {
    const modern = client.getProtocolEra() === 'modern';
    const least: Run<unknown> = (it) => (modern ? it.discover() : it.ping());
    await this.call(modern ? 'server/discover' : 'ping', least).catch(() => undefined);
  }

  private becomeReady(client: Client): void {
    this.failures = 0;
    this.status.ready({
      revision: client.getNegotiatedProtocolVersion() ?? null,
      server: client.getServerVersion() ?? null,
      capabilities: client.getServerCapabilities() ?? {},
      instructions: client.getInstructions() ?? null,
    });
    this.caller.watch();
    for (const kind of ['tools', 'prompts', 'resources'] as const) this.listChanged(kind);
  }

  private renewed(): void {
    this.settings.onCredentials();
    if (this.state.phase === 'ready') this.caller.renewed();
  }

  private callerRefused(): void {
    const exchange = this.log.all.findLast(({ request, status }) => request.purpose === 'caller' && status === 401);
    if (exchange) this.status.refused(refusalOf(exchange, this.scopes));
  }

  private listChanged(kind: seam.ListKind): void {
    for (const listener of this.listeners) if (listener.kind === kind) listener.call();
  }

  private stop(): void {
    this.life.abort();
    this.caller.stop();
    void this.client?.close();
    this.client = null;
  }
}
