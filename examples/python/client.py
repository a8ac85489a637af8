"""Calls an MCP server with a bearer token. Needs `pip install mcp` (2.x).

PROPUSK_TOKEN=... python client.py [http://127.0.0.1:8000/mcp]
"""

import asyncio
import os
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/mcp"
HEADERS = {"Authorization": f"Bearer {os.environ['PROPUSK_TOKEN']}"}


async def main() -> None:
    async with httpx2.AsyncClient(headers=HEADERS, timeout=httpx2.Timeout(30, read=300)) as http_client:
        async with Client(streamable_http_client(URL, http_client=http_client)) as client:
            whoami = await client.call_tool("whoami")
            print(whoami.structured_content)
            echo = await client.call_tool("echo", {"message": "Hello!"})
            print(echo.content[0].text)


asyncio.run(main())
