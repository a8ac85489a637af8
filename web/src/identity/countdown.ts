/** The two largest units of a time that is left, such as 3 days 4 hours, or 4 minutes 32 seconds. */
export interface Remaining {
  readonly expired: boolean;
  readonly parts: readonly { readonly unit: 'day' | 'hour' | 'minute' | 'second'; readonly value: number }[];
  /** Less than a minute, less than five, or more: what it should look like. */
  readonly urgency: 'calm' | 'soon' | 'now';
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const;

/** What is left until `expiresAt` at `now`, both in seconds since 1970. */
export function remaining(expiresAt: number, now: number): Remaining {
  const left = Math.floor(expiresAt - now);
  if (left <= 0) return { expired: true, parts: [], urgency: 'now' };
  const first = UNITS.findIndex(([, seconds]) => left >= seconds);
  let rest = left;
  const parts = UNITS.slice(first, first + 2).map(([unit, seconds]) => {
    const value = Math.floor(rest / seconds);
    rest -= value * seconds;
    return { unit, value };
  });
  return { expired: false, parts, urgency: left < 60 ? 'now' : left < 300 ? 'soon' : 'calm' };
}
