"""The official Python client at servers of others that stand behind the gate.

    python gate.py CASES

CASES is a JSON file: tokens of somebody who may do everything (`rich`), of somebody who lacks the scope of
one tool (`poor`) and of somebody who lacks what every request needs (`none`), and for each endpoint its
URL, a tool that both may call (`open`) and one that only the first may (`locked`), with what the answer
contains. One line per check; stops at the first failure.
"""

import asyncio
import json
import sys

from check import CheckFailed, check, http_client, root_cause
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

MODES = ("auto", "legacy")


async def session(url, mode, token, work):
    """Does the work; the HTTP responses, and what was raised."""
    responses = []
    try:
        async with http_client(token, responses) as http:
            async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
                await work(client)
    except CheckFailed:
        raise
    except Exception as error:
        if isinstance(cause := root_cause(error), CheckFailed):
            raise cause from error
        return responses, root_cause(error)
    return responses, None


async def call(client, tool):
    result = await client.call_tool(tool["name"], tool["arguments"])
    texts = " ".join(block.text for block in result.content if block.type == "text")
    check(not result.is_error and tool["gives"] in texts, f"{tool['name']} answered {result}")


async def names(client):
    return [tool.name for tool in (await client.list_tools()).tools]


async def check_rich(endpoint, mode, token):
    async def work(client):
        wanted = {endpoint["open"]["name"], endpoint["locked"]["name"]}
        check(wanted <= set(listed := await names(client)), f"tools/list gave {listed}")
        await call(client, endpoint["open"])
        await call(client, endpoint["locked"])

    _, error = await session(endpoint["url"], mode, token, work)
    check(error is None, f"with a token: {error!r}")


async def check_poor(endpoint, mode, token):
    locked = endpoint["locked"]

    async def work(client):
        listed = await names(client)
        check(locked["name"] not in listed, f"a tool that is locked is listed: {listed}")
        await call(client, endpoint["open"])
        await client.call_tool(locked["name"], locked["arguments"])

    responses, error = await session(endpoint["url"], mode, token, work)
    check(error is not None, "a locked tool was called without its scope")
    challenges = [r.headers.get("www-authenticate", "") for r in responses if r.status_code == 403]
    check(len(challenges) == 1, f"HTTP statuses were {[r.status_code for r in responses]}, {error!r}")
    good = 'error="insufficient_scope"' in challenges[0] and "write" in challenges[0]
    check(good, f"the challenge is {challenges[0]}")


async def check_stranger(endpoint, mode, token, status):
    responses, error = await session(endpoint["url"], mode, token, names)
    check(error is not None, "a stranger got a list")
    # The client may close a session that it never had.
    statuses = {r.status_code for r in responses}
    check(statuses == {status}, f"HTTP statuses were {statuses}, not {status}")
    check(all("Bearer" in r.headers.get("www-authenticate", "") for r in responses), "no challenge")


async def main(cases):
    tokens = cases["tokens"]
    for endpoint in cases["endpoints"]:
        for mode in MODES:
            try:
                async with asyncio.timeout(120):
                    await check_rich(endpoint, mode, tokens["rich"])
                    await check_poor(endpoint, mode, tokens["poor"])
                    await check_stranger(endpoint, mode, None, 401)
                    await check_stranger(endpoint, mode, "unknown-token", 401)
                    await check_stranger(endpoint, mode, tokens["none"], 403)
            except Exception as error:
                sys.exit(f"FAIL  python  {endpoint['name']}  {mode}  {root_cause(error)!r}")
            print(f"ok  python  {mode:<6}  {endpoint['name']}", flush=True)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        asyncio.run(main(json.load(file)))
