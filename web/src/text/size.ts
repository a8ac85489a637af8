// How much there is, for a person to read.

/** `512 B`, `1.2 MB`: powers of ten, as file managers count. */
export function sizeText(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return '—';
  const units = ['B', 'kB', 'MB', 'GB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

/** A number with its thousands apart, in the reader's language. */
export function countText(count: number, language: string): string {
  return new Intl.NumberFormat(language).format(count);
}
