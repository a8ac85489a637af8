// Text from outside, made fit to show: cut to a length, and without characters that hide or reorder
// other characters. It always ends up in a text node; nothing here is about markup.

/** Control characters (but for tab and line feed), and those that turn the direction of text or are invisible. */
// eslint-disable-next-line no-control-regex -- these are the characters to find
const DECEPTIVE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu;

/** What a cut left: the text shown, and how much of it is missing. */
export interface Cut {
  readonly text: string;
  /** Characters (UTF-16 units) that were left out; 0 when all is there. */
  readonly left: number;
}

/** The first `length` characters, never half of a surrogate pair. */
export function cut(text: string, length: number): Cut {
  if (text.length <= length) return { text, left: 0 };
  const last = text.charCodeAt(length - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? length - 1 : length;
  return { text: text.slice(0, end), left: text.length - end };
}

/** The text with each deceptive character shown as the code point that it is: `⟨U+202E⟩`. */
export function revealed(text: string): string {
  return text.replace(DECEPTIVE, (found) => {
    const code = found.codePointAt(0) ?? 0;
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/** A name or a title on one line: cut, revealed, with its white space folded. */
export function oneLine(text: string, length = 200): string {
  const short = cut(text, length);
  const line = revealed(short.text.replace(/[\t\n\r\u2028\u2029 ]+/gu, ' ').trim());
  return short.left > 0 ? `${line}…` : line;
}
