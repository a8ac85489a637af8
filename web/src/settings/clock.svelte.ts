import { createSubscriber } from 'svelte/reactivity';

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, 1_000);
  return () => clearInterval(timer);
});

/** Milliseconds since 1970; whoever reads it in a template is drawn anew each second. */
export function now(): number {
  subscribe();
  return Date.now();
}
