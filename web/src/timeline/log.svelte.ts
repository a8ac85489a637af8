import type { Exchange } from './exchange.svelte';

/** The oldest go when there are more. */
const MOST = 500;

/** The exchanges of one connection, in their order. */
export class ExchangeLog {
  private kept = $state.raw<readonly Exchange[]>([]);
  /** The row that is opened; null where none is. */
  openedId = $state<string | null>(null);

  get all(): readonly Exchange[] {
    return this.kept;
  }

  add(exchange: Exchange): void {
    this.kept = [...this.kept.slice(1 - MOST), exchange];
  }

  find(id: string): Exchange | null {
    return this.kept.find((exchange) => exchange.id === id) ?? null;
  }

  /** A point in time, to look for what came after it. */
  get mark(): number {
    return this.kept.at(-1)?.number ?? 0;
  }

  /** The last exchange since then, of this method if one is given, that the server refused. */
  refusedSince(mark: number, method?: string): Exchange | null {
    return this.lastSince(mark, method, (exchange) => exchange.refused);
  }

  /** The last exchange since then, of this method if one is given, that got no answer. */
  failedSince(mark: number, method?: string): Exchange | null {
    return this.lastSince(mark, method, (exchange) => exchange.phase === 'failed');
  }

  private lastSince(mark: number, method: string | undefined, is: (exchange: Exchange) => boolean): Exchange | null {
    const fits = ({ request }: Exchange) => request.purpose === 'mcp' && (method ?? request.method) === request.method;
    const last = this.kept.findLast((exchange) => fits(exchange) && is(exchange));
    return last && last.number > mark ? last : null;
  }

  clear(): void {
    this.kept = [];
    this.openedId = null;
  }
}
