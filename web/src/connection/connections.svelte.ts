import type { ElicitationAsked } from './asking';
import type { Connection } from './connection';

let all = $state.raw<readonly Connection[]>([]);
let activeId = $state<string | null>(null);
let questions = $state.raw<readonly ElicitationAsked[]>([]);

/** The connections side by side, and the questions that their servers ask. */
export const connections = {
  get all(): readonly Connection[] {
    return all;
  },
  get active(): Connection | null {
    return all.find((connection) => connection.id === activeId) ?? null;
  },
  /** The questions that wait for an answer, the oldest first. */
  get questions(): readonly ElicitationAsked[] {
    return questions;
  },
  add(connection: Connection): void {
    all = [...all, connection];
    activeId = connection.id;
  },
  /** Null shows the form of a new connection. */
  activate(id: string | null): void {
    activeId = id;
  },
  ask(question: ElicitationAsked): void {
    questions = [...questions, question];
  },
  answered(id: string): void {
    questions = questions.filter((question) => question.id !== id);
  },
};
