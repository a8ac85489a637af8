/** A JSON Schema, as far as this page needs to know. */
export type JsonSchema = Record<string, unknown>;

export interface ElicitationAnswer {
  action: 'accept' | 'decline' | 'cancel';
  content?: Record<string, unknown>;
}

/** A question of the server to the person, and how to answer it. */
export interface ElicitationAsked {
  readonly id: string;
  /** Which connection asks: its label. */
  readonly connection: string;
  readonly message: string;
  readonly mode: 'form' | 'url';
  /** With `form`. */
  readonly schema?: JsonSchema;
  /** With `url`: as the server sent it, not checked yet. */
  readonly url?: string;
  /** The call was given up: the question falls away. */
  readonly signal?: AbortSignal;
  answer(answer: ElicitationAnswer): void;
}
