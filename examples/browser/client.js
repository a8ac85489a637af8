// Calls `whoami` and `echo` of an MCP server with the token that was typed into the page.

import {
  Client, InsufficientScopeError, SdkHttpError, StreamableHTTPClientTransport, UnauthorizedError,
} from '@modelcontextprotocol/client';

const form = document.querySelector('form');
const answer = document.querySelector('[role=status]');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const { server, token, message } = Object.fromEntries(new FormData(form));
  answer.textContent = 'Asking…';
  answer.textContent = await ask(server, token, message).catch(explained);
});

async function ask(server, token, message) {
  const transport = new StreamableHTTPClientTransport(new URL(server), {
    authProvider: { token: async () => token },
    // A page that can sign in would ask for more scopes here; this one says what is missing.
    onInsufficientScope: 'throw',
  });
  const versionNegotiation = { mode: 'auto' };
  const client = new Client({ name: 'browser-example', version: '1.0.0' }, { versionNegotiation });
  await client.connect(transport);
  try {
    const whoami = await client.callTool({ name: 'whoami' });
    const echo = await client.callTool({ name: 'echo', arguments: { message } });
    return `${JSON.stringify(whoami.structuredContent, null, 2)}\n${echo.content[0].text}`;
  } finally {
    await client.close();
  }
}

/** A refusal in words: 401 is about the token, 403 about what it permits. */
function explained(error) {
  if (error instanceof InsufficientScopeError) return `403: the token lacks a scope; this needs: ${error.requiredScope}`;
  if (error instanceof UnauthorizedError || (error instanceof SdkHttpError && error.status === 401)) {
    return '401: the server does not accept this token';
  }
  // A browser does not tell a page that may not ask from a server that is not there.
  return error instanceof TypeError ? `No answer from the server, or it lets no pages of ${location.origin} ask` : error.message;
}
