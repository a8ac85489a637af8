"""The official Python client with its own OAuth provider, driven line by line.

    python oauth_client.py URL auto|2026-07-28|legacy [CLIENT]

CLIENT is a client id that the provider knows, or the https URL of a client id metadata document; without
it the client registers itself. Orders come on standard input as JSON, one a line: {"list": true}, or {"call": TOOL, "arguments": {…}}.
What happens goes to standard output in the same way:

    {"refused": [STATUS, CHALLENGE]}   the server refused a request of the client
    {"visit": URL}                     a person is to sign in there; the next line of standard input is
                                       the URL that the provider sent the browser back to
    {"connected": VERSION}             once, before the first order
    {"answer": VALUE}, {"error": TEXT} the end of an order

Nothing here knows about scopes: which ones to ask for, and what to do about a refusal, is the client's own
business, and what the tests look at.
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2  # the HTTP client of mcp 2.x
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

CALLBACK = "http://127.0.0.1:9/callback"  # nothing listens there: the last redirect is read, not followed


class Memory:
    """Tokens and registration, for as long as this process lives."""

    tokens = None

    def __init__(self, client):
        self.client = client

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


def tell(**event):
    print(json.dumps(event), flush=True)


async def hear():
    return await asyncio.to_thread(sys.stdin.readline)


async def visit(url):
    tell(visit=url)


async def come_back():
    query = {name: values[0] for name, values in parse_qs(urlsplit(await hear()).query).items()}
    return AuthorizationCodeResult(code=query.get("code", ""), state=query.get("state"), iss=query.get("iss"))


async def remember(response):
    if response.status_code in (401, 403):
        tell(refused=[response.status_code, response.headers.get("www-authenticate")])


async def obey(client, order):
    if "call" in order:
        result = await client.call_tool(order["call"], order["arguments"])
        texts = [block.text for block in result.content if block.type == "text"]
        if result.is_error:
            raise RuntimeError(f"the tool failed: {texts}")
        return result.structured_content or texts
    return sorted(tool.name for tool in (await client.list_tools()).tools)


def words(error):
    """The SDK's task groups wrap errors in ExceptionGroups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


def known_client(client):
    if not client or client.startswith("https://"):
        return None
    return OAuthClientInformationFull(client_id=client, redirect_uris=[CALLBACK], token_endpoint_auth_method="none")


def oauth(url, client):
    return OAuthClientProvider(
        url,
        OAuthClientMetadata(client_name="propusk interoperability", redirect_uris=[CALLBACK]),
        Memory(known_client(client)),
        redirect_handler=visit,
        callback_handler=come_back,
        client_metadata_url=client if client and client.startswith("https://") else None,
    )


async def main(url, mode, client_id=None):
    auth = oauth(url, client_id)
    async with (
        httpx2.AsyncClient(auth=auth, event_hooks={"response": [remember]}, timeout=30, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        tell(connected=client.protocol_version)
        while line := await hear():
            try:
                tell(answer=await obey(client, json.loads(line)))
            except Exception as error:
                tell(error=words(error))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: python oauth_client.py URL auto|2026-07-28|legacy [CLIENT]")
    try:
        asyncio.run(main(*sys.argv[1:]))
    except Exception as error:
        tell(error=words(error))
        sys.exit(1)
