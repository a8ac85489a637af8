import type { ElicitationAsked } from './asking';
import type { Revision } from './client';
import { kept, type KeptConnection } from './kept';
import { LiveConnection } from './live.svelte';
import { knownServers } from './servers.svelte';

let all = $state.raw<readonly LiveConnection[]>([]);
let activeId = $state<string | null>(null);
let questions = $state.raw<readonly ElicitationAsked[]>([]);

/** The connections side by side, and the questions that their servers ask. */
export const connections = {
  get all(): readonly LiveConnection[] {
    return all;
  },
  get active(): LiveConnection | null {
    return all.find((connection) => connection.id === activeId) ?? null;
  },
  /** The questions that wait for an answer, the oldest first. */
  get questions(): readonly ElicitationAsked[] {
    return questions;
  },
  /** A connection in a tab of its own, shown at once, connected to nothing yet. */
  add(url: string, revision: Revision, keep: boolean): LiveConnection {
    const callerUrl = knownServers.all.find((server) => server.url === url)?.caller ?? null;
    const connection = new LiveConnection({ url, revision, callerUrl, asker: connections, onCredentials: keepAsAsked });
    connection.keep = keep;
    all = [...all, connection];
    activeId = connection.id;
    return connection;
  },
  /** Null shows the form of a new connection. */
  activate(id: string | null): void {
    activeId = id;
  },
  close(id: string): void {
    const at = all.findIndex((connection) => connection.id === id);
    all[at]?.close();
    all = all.filter((connection) => connection.id !== id);
    if (activeId === id) activeId = (all[at] ?? all.at(-1))?.id ?? null;
    keepAsAsked();
  },
  /** Keeps, or forgets, what the person asked to be kept. */
  keep(connection: LiveConnection, wanted: boolean): void {
    connection.keep = wanted;
    keepAsAsked();
  },
  /** What this tab kept when its page was loaded anew. */
  restore(): void {
    for (const one of kept.connections()) void connections.revive(one, true).connect();
    activeId = all[0]?.id ?? null;
  },
  /** A connection with the credentials that it had. */
  revive(one: KeptConnection, keep: boolean): LiveConnection {
    const connection = connections.add(one.url, one.revision, keep);
    if (one.login) connection.credentials.begin(one.login);
    else connection.credentials.paste(one.token);
    return connection;
  },
  ask(question: ElicitationAsked): void {
    questions = [...questions, question];
  },
  answered(id: string): void {
    questions = questions.filter((question) => question.id !== id);
  },
};

function keepAsAsked(): void {
  kept.keepConnections(all.filter(({ keep }) => keep).map((connection) => connection.toKeep()));
}
