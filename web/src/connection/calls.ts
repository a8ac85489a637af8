import type { Client } from '@modelcontextprotocol/client';
import type * as seam from './connection';

/** A call may take this long, in milliseconds; whoever waits cancels before. */
const PATIENCE = 3_600_000;

/** One call by the official client. */
export type Run<T> = (client: Client) => Promise<T>;

/** What a person asks of a server, in the words of the official client. */
export abstract class Calls {
  abstract readonly state: seam.ConnectionState;

  /** Makes the call, and says what a refusal or an outage of it means for the connection. */
  protected abstract call<T>(method: string, run: Run<T>, signal?: AbortSignal): Promise<T>;

  async listTools(): Promise<seam.Tool[]> {
    if (!this.state.capabilities?.tools) return [];
    return (await this.call('tools/list', (client) => client.listTools())).tools;
  }

  async listPrompts(): Promise<seam.Prompt[]> {
    if (!this.state.capabilities?.prompts) return [];
    return (await this.call('prompts/list', (client) => client.listPrompts())).prompts;
  }

  async listResources(): Promise<seam.Resource[]> {
    if (!this.state.capabilities?.resources) return [];
    return (await this.call('resources/list', (client) => client.listResources())).resources;
  }

  async listResourceTemplates(): Promise<seam.ResourceTemplate[]> {
    if (!this.state.capabilities?.resources) return [];
    const all: Run<{ resourceTemplates: seam.ResourceTemplate[] }> = (client) => client.listResourceTemplates();
    return (await this.call('resources/templates/list', all)).resourceTemplates;
  }

  callTool(name: string, args: Record<string, unknown>, options: seam.CallOptions): Promise<seam.CallToolResult> {
    const run: Run<seam.CallToolResult> = (client) => client.callTool({ name, arguments: args }, settings(options));
    return this.call('tools/call', run, options.signal);
  }

  getPrompt(name: string, args: Record<string, string>, options: seam.CallOptions): Promise<seam.GetPromptResult> {
    const run: Run<seam.GetPromptResult> = (client) => client.getPrompt({ name, arguments: args }, settings(options));
    return this.call('prompts/get', run, options.signal);
  }

  readResource(uri: string, options: seam.CallOptions): Promise<seam.ReadResourceResult> {
    const run: Run<seam.ReadResourceResult> = (client) => client.readResource({ uri }, settings(options));
    return this.call('resources/read', run, options.signal);
  }
}

function settings({ signal, onProgress }: seam.CallOptions) {
  return { signal, timeout: PATIENCE, resetTimeoutOnProgress: true, ...(onProgress && { onprogress: onProgress }) };
}
