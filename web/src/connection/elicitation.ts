import type { Client, ElicitResult } from '@modelcontextprotocol/client';
import type { ElicitationAnswer, ElicitationAsked, JsonSchema } from './asking';

let count = 0;

/** Where questions go, and where they are taken back. */
export interface Asker {
  ask(question: ElicitationAsked): void;
  answered(id: string): void;
}

/** Brings the questions of a server before the person. `ends` is when the connection does. */
export function bringQuestions(client: Client, label: () => string, asker: Asker, ends: AbortSignal): void {
  client.setRequestHandler('elicitation/create', ({ params }, context) => {
    const signal = AbortSignal.any([ends, context.mcpReq.signal]);
    return new Promise<ElicitResult>((resolve) => {
      const id = `q${++count}`;
      const answer = (given: ElicitationAnswer) => {
        asker.answered(id);
        signal.removeEventListener('abort', cancel);
        resolve(given as ElicitResult);
      };
      const cancel = () => answer({ action: 'cancel' });
      if (signal.aborted) return cancel();
      signal.addEventListener('abort', cancel, { once: true });
      const asked = { id, connection: label(), message: params.message, signal, answer };
      if (params.mode === 'url') asker.ask({ ...asked, mode: 'url', url: params.url });
      else asker.ask({ ...asked, mode: 'form', schema: params.requestedSchema as unknown as JsonSchema });
    });
  });
}
