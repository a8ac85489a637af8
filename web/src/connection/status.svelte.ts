import type { ConnectionState, Problem } from './connection';
import type { RefusedError } from './refusal';

const NOTHING: ConnectionState = {
  phase: 'new',
  revision: null,
  server: null,
  capabilities: null,
  instructions: null,
  refusal: null,
  problem: null,
  retryAt: null,
};

/** How a connection stands, and the timer of its next try. */
export class Status {
  private state = $state.raw<ConnectionState>(NOTHING);
  private timer: ReturnType<typeof setTimeout> | undefined;

  get current(): ConnectionState {
    return this.state;
  }

  /** It was ready once: what it offers stays in sight. */
  get wasReady(): boolean {
    return this.state.capabilities !== null;
  }

  connecting(): void {
    this.change({ phase: 'connecting' });
  }

  ready(agreed: Pick<ConnectionState, 'revision' | 'server' | 'capabilities' | 'instructions'>): void {
    this.change({ ...agreed, phase: 'ready' });
  }

  refused(refusal: RefusedError): void {
    this.change({ phase: 'refused', refusal });
  }

  /** With `seconds`, `again` is called after them. */
  unavailable(problem: Problem, seconds: number | null, again: () => void): void {
    this.change({ phase: 'unavailable', problem, retryAt: seconds === null ? null : Date.now() + seconds * 1000 });
    if (seconds !== null) this.timer = setTimeout(again, seconds * 1000);
  }

  closed(): void {
    this.change({ phase: 'closed' });
  }

  private change(to: Partial<ConnectionState>): void {
    clearTimeout(this.timer);
    this.state = { ...this.state, refusal: null, problem: null, retryAt: null, ...to };
  }
}
