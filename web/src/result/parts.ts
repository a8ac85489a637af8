// What a result is made of, sorted by how it is shown. Everything here came from the server: types are
// checked again, media types are taken from a short list, and what is not known is shown as JSON.

import { jsonText } from '../text/json';

/** One thing to show. */
export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly mimeType: string | null }
  | { readonly kind: 'json'; readonly value: unknown }
  | Media<'image'>
  | Media<'audio'>
  | { readonly kind: 'binary'; readonly base64: string; readonly mimeType: string; readonly bytes: number }
  | { readonly kind: 'resource'; readonly uri: string; readonly parts: readonly Part[] }
  | { readonly kind: 'link'; readonly link: LinkedResource };

interface Media<Kind> {
  readonly kind: Kind;
  /** A `data:` address. */
  readonly source: string;
  readonly mimeType: string;
  readonly bytes: number;
}

/** A resource that a result points to. */
export interface LinkedResource {
  readonly uri: string;
  readonly name: string;
  readonly description: string | null;
  readonly mimeType: string | null;
}

/** What the browser may decode. Each is shown from a `data:` address, which has no origin. */
const IMAGES = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/bmp',
  'image/svg+xml',
]);
const AUDIO = new Set([
  'audio/wav',
  'audio/x-wav',
  'audio/mpeg',
  'audio/mp3',
  'audio/mp4',
  'audio/aac',
  'audio/ogg',
  'audio/webm',
  'audio/flac',
]);

/** The longest text that is also read as JSON. */
const READ_AS_JSON = 2_000_000;

/** The parts of one content block. */
export function partOf(block: unknown): Part {
  const { type, text, data, mimeType, resource } = fields(block);
  if (type === 'text' && typeof text === 'string') return textPart(text, null);
  if ((type === 'image' || type === 'audio') && typeof data === 'string') return media(data, word(mimeType));
  if (type === 'resource') return contentsPart(resource);
  if (type === 'resource_link' && typeof fields(block).uri === 'string') return { kind: 'link', link: linked(block) };
  return { kind: 'json', value: block };
}

/** The parts of a tool's result: what is structured first, without the text that only repeats it. */
export function partsOfResult(result: {
  readonly content?: unknown;
  readonly structuredContent?: unknown;
}): readonly Part[] {
  const blocks = Array.isArray(result.content) ? result.content : [];
  const parts = blocks.map(partOf);
  if (result.structuredContent === undefined) return parts;
  const written = jsonText(result.structuredContent);
  const rest = parts.filter((part) => !(part.kind === 'json' && jsonText(part.value) === written));
  return [{ kind: 'json', value: result.structuredContent }, ...rest];
}

/** The part of one entry of `resources/read`, or of a resource embedded in a result. */
export function contentsPart(contents: unknown): Part {
  const { uri, text, blob, mimeType } = fields(contents);
  const type = word(mimeType);
  const parts =
    typeof text === 'string' ? [textPart(text, type)] : typeof blob === 'string' ? [media(blob, type)] : null;
  if (parts === null) return { kind: 'json', value: contents };
  return { kind: 'resource', uri: typeof uri === 'string' ? uri : '', parts };
}

function textPart(text: string, mimeType: string | null): Part {
  const value = readJson(text);
  return value === undefined ? { kind: 'text', text, mimeType } : { kind: 'json', value };
}

/** Text that is a JSON object or list; a lone number or word stays text. */
function readJson(text: string): unknown {
  const start = text.trimStart().charAt(0);
  if ((start !== '{' && start !== '[') || text.length > READ_AS_JSON) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function media(base64: string, mimeType: string | null): Part {
  const type = (mimeType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const bytes = Math.floor((base64.length * 3) / 4);
  const kind = IMAGES.has(type) ? 'image' : AUDIO.has(type) ? 'audio' : null;
  if (kind === null || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/u.test(base64)) {
    return { kind: 'binary', base64, mimeType: type, bytes };
  }
  return { kind, source: `data:${type};base64,${base64}`, mimeType: type, bytes } as Media<'image'> | Media<'audio'>;
}

function linked(block: unknown): LinkedResource {
  const { uri, name, title, description, mimeType } = fields(block);
  const address = word(uri) ?? '';
  return {
    uri: address,
    name: word(title) ?? word(name) ?? address,
    description: word(description),
    mimeType: word(mimeType),
  };
}

function word(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
