"""A server by FastMCP, with bearer tokens, for tests of clients.

    python server_fastmcp.py [--open]

With --open it knows nothing of authorization, and has only what needs none. Else as server_mcp.py; here a tool can have scopes of its own: `notes_add` needs notes:write, which no token has.
"""

import sys

from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken, RemoteAuthProvider, TokenVerifier, require_scopes
from fastmcp.server.dependencies import get_access_token
from pydantic import AnyHttpUrl

from serving import ISSUER, TOKENS, listen, serve


class Verifier(TokenVerifier):
    """Knows the fixed tokens."""

    async def verify_token(self, token):
        if token not in TOKENS:
            return None
        return AccessToken(token=token, client_id="interop", scopes=TOKENS[token], claims={"sub": "alice"})


def application(url):
    auth = RemoteAuthProvider(
        token_verifier=Verifier(required_scopes=["notes:read"]),
        authorization_servers=[AnyHttpUrl(ISSUER)],
        base_url=url.removesuffix("/mcp"),
    )
    server = FastMCP("interop", auth=auth)

    @server.tool
    def echo(message: str) -> str:
        return message

    @server.tool
    def whoami() -> str:
        return get_access_token().claims["sub"]

    @server.tool(auth=require_scopes("notes:write"))
    def notes_add(text: str) -> str:
        return text

    return server.http_app()


def unprotected():
    server = FastMCP("interop")

    @server.tool
    def echo(message: str) -> str:
        return message

    @server.tool
    def notes_add(text: str) -> str:
        return text

    return server.http_app()


if __name__ == "__main__":
    socket, url = listen()
    serve(unprotected() if "--open" in sys.argv else application(url), socket, url)
