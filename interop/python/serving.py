"""What the two Python servers have in common: tokens, a free port of the loopback, and the end."""

import asyncio
import socket
import sys

import uvicorn

ISSUER = "http://127.0.0.1:9"  # nothing listens there: these tokens are not obtained
TOKENS = {"reader-token": ["notes:read"], "bare-token": []}


def listen():
    """A bound port, and the URL that it gives."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound, f"http://127.0.0.1:{bound.getsockname()[1]}/mcp"


class Server(uvicorn.Server):
    """Says where it listens as soon as it does."""

    url = ""

    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(f"listening on {self.url}", flush=True)


async def until_stdin_closes(server):
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True


async def run(server, bound):
    ending = asyncio.create_task(until_stdin_closes(server))
    await server.serve([bound])
    await ending


def serve(application, bound, url):
    server = Server(uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=1))
    server.url = url
    asyncio.run(run(server, bound))
