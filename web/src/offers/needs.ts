// What a tool, a prompt or a resource needs of its caller, and whether the caller lacks it: from what
// the server wrote beside it, and from what its refusals have taught.

/** Where a propusk server writes the scopes that an offer needs. */
const SCOPES = 'propusk/scopes';

/** Where a server that shows everything writes what this caller lacks. */
const MISSING = 'propusk/missing-scopes';

/** The scopes that are needed: one of the alternatives, and all of its scopes. `[[]]` needs none. */
export type Alternatives = readonly (readonly string[])[];

/** How the page knows what is needed. */
export type Source = 'declared' | 'refused' | 'none';

export interface Need {
  readonly source: Source;
  readonly alternatives: Alternatives;
  /** What the server itself says is missing; null when it says nothing. Empty: no scope would help. */
  readonly missing: readonly string[] | null;
}

/** What is known about one caller and one offer. */
export type Lock =
  | { readonly state: 'open' }
  /** Nobody said what it needs, or who the caller is. */
  | { readonly state: 'unknown' }
  | { readonly state: 'locked'; readonly missing: readonly string[] };

type Meta = Readonly<Record<string, unknown>> | undefined;

/** What `_meta` of a definition declares; `learned` is what a refused call asked for. */
export function needOf(meta: Meta, learned: readonly string[] | null = null): Need {
  const missing = names(meta?.[MISSING]);
  const declared = declaration(meta?.[SCOPES]);
  if (declared !== null) return { source: 'declared', alternatives: declared, missing };
  if (learned !== null) return { source: 'refused', alternatives: [learned], missing };
  return { source: missing === null ? 'none' : 'declared', alternatives: [missing ?? []], missing };
}

/** Whether a caller with these scopes (null: not known) may use what needs this. */
export function lockOf(need: Need, held: readonly string[] | null): Lock {
  if (held !== null && need.source !== 'none') return judged(need, held);
  return need.missing === null ? { state: 'unknown' } : { state: 'locked', missing: need.missing };
}

function judged({ alternatives, missing }: Need, held: readonly string[]): Lock {
  // What was missing when the list was made may have been granted since.
  if (missing !== null && missing.length === 0) return { state: 'locked', missing };
  const gaps = alternatives.map((all) => all.filter((scope) => !held.includes(scope)));
  const nearest = gaps.reduce<readonly string[] | null>(
    (best, gap) => (best === null || gap.length < best.length ? gap : best),
    null,
  );
  // A declaration without alternatives is one that nobody meets.
  if (nearest === null) return { state: 'locked', missing: [] };
  return nearest.length === 0 ? { state: 'open' } : { state: 'locked', missing: nearest };
}

/** A list, an object with `anyOf`, or (as other servers write it) a text with blanks. */
function declaration(written: unknown): Alternatives | null {
  if (typeof written === 'object' && written !== null && 'anyOf' in written) {
    return Array.isArray(written.anyOf) ? written.anyOf.map((all) => names(all) ?? []) : [];
  }
  const all = names(written);
  return all === null ? null : [all];
}

function names(written: unknown): readonly string[] | null {
  if (typeof written === 'string') return written.split(' ').filter((name) => name !== '');
  if (!Array.isArray(written)) return null;
  return written.filter((name): name is string => typeof name === 'string').slice(0, 100);
}
