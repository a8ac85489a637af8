// JSON that a person writes: what it says, or where it stops being JSON.

export type Read =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly line: number; readonly column: number };

export function readJson(text: string): Read {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    return { ok: false, ...place(text, error instanceof Error ? error.message : '') };
  }
}

/** Browsers tell the place in words of their own: "at position 5", "at line 1 column 6", or not at all. */
function place(text: string, message: string): { line: number; column: number } {
  const told = /line (\d+) column (\d+)/u.exec(message);
  if (told !== null) return { line: Number(told[1]), column: Number(told[2]) };
  const position = /position (\d+)/u.exec(message);
  const before = text.slice(0, position === null ? text.length : Number(position[1]));
  const lines = before.split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

export function writeJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
