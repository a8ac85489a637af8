import { connections } from '../connection/connections.svelte';

/** What the keys of the whole page do that need more than the store of connections. */
export interface KeyActions {
  readonly help: () => void;
  readonly timeline: () => void;
}

/** A key pressed where nobody types. The keys of a workspace (`/`, Ctrl+Enter) are its own. */
export function pressed(event: KeyboardEvent, actions: KeyActions): void {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
  if (document.querySelector('dialog[open]')) return;
  const act = {
    '?': actions.help,
    t: actions.timeline,
    n: () => connections.activate(null),
    '[': () => step(-1),
    ']': () => step(1),
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

function step(by: number): void {
  const { all, active } = connections;
  if (all.length === 0) return;
  const at = active ? all.indexOf(active) : by > 0 ? -1 : 0;
  connections.activate(all[(at + by + all.length) % all.length]?.id ?? null);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable]') !== null;
}
