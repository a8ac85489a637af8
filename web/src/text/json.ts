// Values as JSON text. A value from outside may be nested deeper than the browser can write.

/** What stands for a value that cannot be written. */
const UNWRITABLE = '…';

export function jsonText(value: unknown, indent = 0): string {
  try {
    return JSON.stringify(value, null, indent) ?? 'null';
  } catch {
    return UNWRITABLE;
  }
}
