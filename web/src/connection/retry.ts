/** A server that says less waits this long at least; one that says more, this long at most. */
const SHORTEST = 1;
const LONGEST = 3_600;

/** The seconds that a `Retry-After` field asks for (RFC 9110, section 10.2.3): a number or a date. */
export function retryAfterSeconds(field: string | null, now: number = Date.now()): number | null {
  if (field === null) return null;
  const text = field.trim();
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - now) / 1000;
  if (Number.isNaN(seconds)) return null;
  return Math.min(LONGEST, Math.max(SHORTEST, Math.ceil(seconds)));
}

/** The pause before try number `attempt` (from 0) where the server did not say, in seconds. */
export function backoffSeconds(attempt: number): number {
  return Math.min(30, 2 ** attempt);
}
