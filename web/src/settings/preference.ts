/** A choice of the person that outlives the page. Never a secret: it is kept in local storage. */
export function readPreference<T extends string>(name: string, allowed: readonly T[]): T | null {
  try {
    const kept = localStorage.getItem(`propusk.${name}`);
    return allowed.find((value) => value === kept) ?? null;
  } catch {
    return null; // Storage is turned off: the choice lives as long as the page.
  }
}

/** Keeps the choice, where the browser allows it. */
export function keepPreference(name: string, value: string): void {
  try {
    localStorage.setItem(`propusk.${name}`, value);
  } catch {
    // As above.
  }
}
