import { messagesOf } from './outcome';

/** So much is laid out; more stays as it came. */
const LONGEST = 131_072;

/** A body as one reads it: JSON and events of JSON indented, forms one member a line, the rest as it is. */
export function pretty(body: string): string {
  if (body.length > LONGEST) return body;
  const whole = indented(body);
  if (whole !== null) return whole;
  if (/^(?:event|data|id|retry|:)/.test(body) && messagesOf(body).length > 0) {
    return body.replace(/^data: ?(.*)$/gm, (line, data: string) => {
      const value = indented(data);
      return value === null ? line : `data: ${value}`;
    });
  }
  if (/^[\w.-]+=[^\s]*$/.test(body)) return formLines(body);
  return body;
}

function indented(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? JSON.stringify(value, null, 2) : null;
  } catch {
    return null;
  }
}

function formLines(body: string): string {
  return [...new URLSearchParams(body)].map(([name, value]) => `${name}=${value}`).join('\n');
}
