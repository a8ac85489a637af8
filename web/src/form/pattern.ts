// Regular expressions of a schema run in this page, on values that the schema itself may supply as
// defaults. One that can take exponential time is not run: the server checks the value all the same.

const LONGEST = 200;

/** A group, or a class, that repeats something which repeats or branches itself: `(a+)+`, `(a|a)*`, `(.*,){9}`. */
const REPEATED_GROUP = /\)(?:[*+]|\{\d*,?\d*\})/u;

/** Whether a pattern may be run: it compiles, and nothing in it repeats what repeats. */
export function harmless(pattern: string): boolean {
  if (pattern.length > LONGEST) return false;
  try {
    new RegExp(pattern, 'u');
  } catch {
    return false;
  }
  // Back references are slow in their own way.
  if (/\\[1-9]|\\k</u.test(pattern)) return false;
  if (!REPEATED_GROUP.test(pattern)) return !manyUnbounded(pattern);
  return repeatsOnlyFixed(pattern);
}

/** `.*.*.*x` takes the length to the power of three. */
function manyUnbounded(pattern: string): boolean {
  return (pattern.match(/(?<!\\)[*+]|\{\d+,\}/gu)?.length ?? 0) > 4;
}

/** A repeated group is bearable when nothing within any group repeats or branches: `^[a-z]+(-[a-z])*$`. */
function repeatsOnlyFixed(pattern: string): boolean {
  const bare = pattern.replace(/\\./gu, 'e').replace(/\[[^\]]*\]/gu, 'c');
  let depth = 0;
  for (const sign of bare) {
    if (sign === '(') depth += 1;
    else if (sign === ')') depth -= 1;
    else if (depth > 0 && '*+|{'.includes(sign)) return false;
  }
  return !manyUnbounded(pattern);
}
