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

  clear(): void {
    this.kept = [];
    this.openedId = null;
  }
}
