import type {
  CallToolResult,
  GetPromptResult,
  Implementation,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplateType,
  ServerCapabilities,
  Tool,
} from '@modelcontextprotocol/client';
import type { Identity } from '../identity/identity';
import type { RefusedError } from './refusal';

export type { CallToolResult, GetPromptResult, Prompt, ReadResourceResult, Resource, Tool };
export type ResourceTemplate = ResourceTemplateType;

/** How a connection stands. Read inside a template it follows the connection. */
export interface ConnectionState {
  readonly phase: 'new' | 'connecting' | 'ready' | 'refused' | 'unavailable' | 'closed';
  /** The protocol revision in use, as `2026-07-28`; null before one is agreed. */
  readonly revision: string | null;
  readonly server: Implementation | null;
  readonly capabilities: ServerCapabilities | null;
  readonly instructions: string | null;
  /** Why it is `refused`. */
  readonly refusal: RefusedError | null;
  /** Why it is `unavailable`. */
  readonly problem: Problem | null;
  /** When it tries again by itself, in milliseconds since 1970. */
  readonly retryAt: number | null;
}

/** Why a server cannot be used: no answer at all, an answer of HTTP that is none of ours, or one that is not the protocol. */
export interface Problem {
  readonly kind: 'network' | 'http' | 'protocol';
  /** In the words of the browser, the server or the client. */
  readonly detail: string;
}

/** A call that the person wants tried again, now that its identity may do more. */
export interface RetriedCall {
  readonly kind: 'tool' | 'prompt' | 'resource';
  /** The tool, prompt or URI. */
  readonly name: string;
  readonly args: Record<string, unknown>;
}

/** What a call may be given. */
export interface CallOptions {
  signal: AbortSignal;
  onProgress?: (progress: { progress: number; total?: number; message?: string }) => void;
}

export type ListKind = 'tools' | 'prompts' | 'resources';

/** One identity at one server. Lists come whole, all pages, with a bound on their number. */
export interface Connection {
  readonly id: string;
  readonly url: string;
  readonly label: string;
  readonly state: ConnectionState;
  /** Who the server says, or the token suggests, that we are. */
  readonly identity: Identity | null;
  /** Scopes that refusals named as needed, by `tool:name`, `prompt:name` or `resource:uri`. */
  readonly learned: ReadonlyMap<string, readonly string[]>;
  listTools(): Promise<Tool[]>;
  listPrompts(): Promise<Prompt[]>;
  listResources(): Promise<Resource[]>;
  listResourceTemplates(): Promise<ResourceTemplate[]>;
  /** @throws RefusedError where the server refuses over HTTP; the client's own errors otherwise. */
  callTool(name: string, args: Record<string, unknown>, options: CallOptions): Promise<CallToolResult>;
  getPrompt(name: string, args: Record<string, string>, options: CallOptions): Promise<GetPromptResult>;
  readResource(uri: string, options: CallOptions): Promise<ReadResourceResult>;
  /** Calls `listener` when a list may differ: the server said so, or the identity changed. Returns what ends it. */
  onListChanged(kind: ListKind, listener: () => void): () => void;
  /** Signs in for the scopes that the refusal names, or asks for another token; true where that came about. */
  stepUp(refusal: RefusedError): Promise<boolean>;
  /** Calls `listener` for a call to try again from the timeline; true where it takes it on. Returns what ends it. */
  onRetry(listener: (call: RetriedCall) => boolean): () => void;
}
