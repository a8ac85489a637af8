"""A server by the official Python SDK, with bearer tokens, for tests of clients.

    python server_mcp.py

Prints `listening on URL` and serves until standard input closes. Two tokens are good:

    reader-token   scope notes:read, which every request needs
    bare-token     no scope

The tools are `echo` (message) and `whoami`. This SDK asks for scopes once for the whole server; it has
no scopes of tools.
"""

from pydantic import AnyHttpUrl

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from serving import ISSUER, TOKENS, listen, serve


class Verifier:
    """Knows the fixed tokens, all of them issued for this server."""

    def __init__(self, url):
        self.url = url

    async def verify_token(self, token):
        if token not in TOKENS:
            return None
        return AccessToken(token=token, client_id="interop", subject="alice", scopes=TOKENS[token], resource=self.url)


def application(url):
    server = MCPServer(
        "interop",
        log_level="WARNING",
        token_verifier=Verifier(url),
        auth=AuthSettings(
            issuer_url=AnyHttpUrl(ISSUER),
            resource_server_url=AnyHttpUrl(url),
            required_scopes=["notes:read"],
            validate_token_resource=True,
        ),
    )

    @server.tool()
    def echo(message: str) -> str:
        return message

    @server.tool()
    def whoami() -> str:
        return get_access_token().subject

    return server.streamable_http_app()


if __name__ == "__main__":
    socket, url = listen()
    serve(application(url), socket, url)
