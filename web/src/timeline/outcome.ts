/** What a JSON-RPC answer says beside the HTTP status. */
export interface Outcome {
  readonly kind: 'error' | 'tool-error' | 'input-required';
  readonly code: number | null;
  readonly message: string;
}

const LONGEST = 262_144;

/** The outcome in a body, JSON or a stream of events; null where all is well or nothing can be said. */
export function outcomeOf(body: string): Outcome | null {
  if (body.length > LONGEST) return null;
  for (const message of messagesOf(body)) {
    const outcome = outcomeOfMessage(message);
    if (outcome) return outcome;
  }
  return null;
}

/** The JSON values of a body: the whole of it, or one for each event. */
export function messagesOf(body: string): unknown[] {
  const whole = parse(body);
  if (whole !== undefined) return [whole];
  return body
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => parse(line.slice(5)))
    .filter((value) => value !== undefined);
}

function outcomeOfMessage(message: unknown): Outcome | null {
  const { error, result } = asRecord(message);
  if (error !== undefined) {
    const { code, message: said } = asRecord(error);
    if (typeof code === 'number') return { kind: 'error', code, message: String(said ?? '') };
  }
  const { isError, resultType } = asRecord(result);
  if (isError === true) return { kind: 'tool-error', code: null, message: '' };
  if (resultType === 'input_required') return { kind: 'input-required', code: null, message: '' };
  return null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
