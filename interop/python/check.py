"""Interoperability check of a propusk-protected MCP server with the official Python SDK.

    PROPUSK_TOKEN=... EXPECT_SUBJECT=alice python check.py http://127.0.0.1:8000/mcp

For both protocol eras: the right token gets the right answers, no token and a
wrong token get the right 401. One line per check; stops at the first failure.
"""

import asyncio
import json
import os
import re
import sys
from datetime import datetime

import httpx2  # the HTTP client of mcp 2.x
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

# Client(mode=...) and the protocol version it must end up with. "auto" asks the
# server (server/discover), a version string uses that version without asking,
# "legacy" does the initialize handshake.
MODES = {"auto": "2026-07-28", "2026-07-28": "2026-07-28", "legacy": "2025-11-25"}
VERSION_HEADER = "mcp-protocol-version"
VERSION_META = "io.modelcontextprotocol/protocolVersion"
WHOAMI_KEYS = {"subject", "client_id", "issuer", "scopes", "expires_at"}
PARAM = r'([A-Za-z_]+)="((?:[^"\\]|\\.)*)"'


class CheckFailed(Exception):
    pass


def check(condition, message):
    if not condition:
        raise CheckFailed(message)


def root_cause(error):
    """The SDK's task groups wrap an error, also ours, in ExceptionGroups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def http_client(token, responses):
    """An HTTP client that sends the token and keeps every response it gets."""

    async def remember(response):
        responses.append(response)

    return httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {token}"} if token else {},
        event_hooks={"response": [remember]},
        timeout=10,
        trust_env=False,  # no proxy and no ~/.netrc credentials
    )


async def check_right_token(url, mode, version, token, subject, ok):
    responses = []
    try:
        async with http_client(token, responses) as http:
            async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
                check(client.protocol_version == version, f"negotiated {client.protocol_version}, not {version}")
                tools = sorted(tool.name for tool in (await client.list_tools()).tools)
                check({"whoami", "echo"} <= set(tools), f"tools/list gave {tools}")
                ok("tools", ", ".join(tools))
                ok("whoami", check_whoami(await client.call_tool("whoami"), subject))
                ok("echo", check_echo(await client.call_tool("echo", {"message": "Привет!"}), "Привет!"))
    except Exception as error:
        if not isinstance(cause := root_cause(error), MCPError):
            raise
        statuses = [response.status_code for response in responses]
        raise CheckFailed(f"{cause!r}, HTTP statuses were {statuses}") from error
    ok("wire", check_wire(responses, url, mode, version))  # now, to see the closing DELETE too


def check_whoami(result, subject):
    who = result.structured_content
    check(not result.is_error and isinstance(who, dict), f"whoami answered {result}")
    check(WHOAMI_KEYS <= who.keys(), f"whoami lacks {sorted(WHOAMI_KEYS - who.keys())}: {who}")
    check(who["subject"] == subject, f"whoami subject is {who['subject']!r}, expected {subject!r}")
    for key in ("client_id", "issuer", "expires_at"):
        check(who[key] is None or isinstance(who[key], str), f"whoami {key} is {who[key]!r}")
    scopes = who["scopes"]
    check(isinstance(scopes, list) and all(isinstance(s, str) for s in scopes), f"whoami scopes is {scopes!r}")
    if who["expires_at"] is not None:
        datetime.fromisoformat(who["expires_at"])
    return json.dumps(who, ensure_ascii=False)


def check_echo(result, message):
    texts = [block.text for block in result.content if block.type == "text"]
    check(not result.is_error and texts == [message], f"echo answered {result}")
    return texts[0]


def check_wire(responses, url, mode, version):
    """What really went over HTTP. The SDK ignores a 401 to its GET, DELETE and notifications; this does not."""
    methods = []
    for response in responses:
        request, what = response.request, f"{response.request.method} {response.request.url}"
        check(request.url == httpx2.URL(url), f"unexpected request: {what}")
        allowed = (200, 202) if request.method == "POST" else (200, 204, 405)  # 405: no GET stream, no DELETE
        check(response.status_code in allowed, f"{what} was answered with {response.status_code}")
        body = json.loads(request.content) if request.method == "POST" else {}
        methods.append(body.get("method", request.method))
        if methods[-1] == "initialize":
            check(body["params"]["protocolVersion"] == version, f"initialize offered {body['params']}")
            continue
        sent = request.headers.get(VERSION_HEADER)
        check(sent == version, f"{methods[-1]} was sent with {VERSION_HEADER}: {sent}")
        if mode != "legacy":
            meta = body.get("params", {}).get("_meta", {}).get(VERSION_META)
            check(meta == version, f"{methods[-1]} was sent with {VERSION_META}: {meta}")
            check("mcp-session-id" not in request.headers, f"{methods[-1]} was sent with a session id")
    first = {"auto": "server/discover", "legacy": "initialize"}.get(mode, "tools/list")
    check(methods[0] == first, f"the first request is {methods[0]}, not {first}")
    check(mode == "legacy" or "initialize" not in methods, f"a stateless client sent initialize: {methods}")
    return ", ".join(methods)


async def check_refused(url, mode, token):
    """No or a wrong token. The SDK raises an MCPError without the status, so look at the HTTP responses."""
    responses, error, name = [], None, "wrong token" if token else "no token"
    async with http_client(token, responses) as http:
        try:
            async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
                await client.list_tools()
        except Exception as raised:
            error = root_cause(raised)
    check(isinstance(error, MCPError), f"{name}: expected an MCPError, got {error!r}")
    check(responses, f"{name}: no HTTP response, only {error!r}")
    for response in responses:
        what = f"{name}: {response.request.method} {response.request.url}"
        check(response.request.url == httpx2.URL(url), f"{what}: unexpected request (discovery?)")
        check(response.status_code == 401, f"{what} was answered with {response.status_code}, not 401")
        challenge = check_challenge(name, response.headers.get_list("www-authenticate"))
    return f"401  {challenge}  (MCPError {error.code}: {error.message})"


def check_challenge(name, headers):
    check(len(headers) == 1, f"{name}: the 401 has {len(headers)} WWW-Authenticate headers: {headers}")
    challenge = headers[0]
    check(re.fullmatch(rf"\S+( {PARAM}(, *{PARAM})*)?", challenge), f"{name}: malformed challenge: {challenge}")
    scheme, params = challenge.split()[0], dict(re.findall(PARAM, challenge))
    check(scheme.lower() == "bearer", f"{name}: scheme is not Bearer: {challenge}")
    # RFC 6750, section 3.1: no error code for a request without a token.
    expected = "invalid_token" if name == "wrong token" else None
    check(params.get("error") == expected, f"{name}: error should be {expected!r}: {challenge}")
    return challenge


async def check_mode(url, mode, version, token, subject):
    def ok(name, seen):
        print(f"ok  {version}  {mode:<10}  {name:<11}  {seen}", flush=True)

    await check_right_token(url, mode, version, token, subject, ok)
    ok("no token", await check_refused(url, mode, None))
    ok("wrong token", await check_refused(url, mode, "wrong"))


async def main(url, token, subject):
    for mode, version in MODES.items():
        try:
            async with asyncio.timeout(60):
                await check_mode(url, mode, version, token, subject)
        except Exception as error:
            cause = root_cause(error)
            sys.exit(f"FAIL  {version}  {mode:<10}  {cause if isinstance(cause, CheckFailed) else repr(cause)}")


if __name__ == "__main__":
    missing = [name for name in ("PROPUSK_TOKEN", "EXPECT_SUBJECT") if not os.environ.get(name)]
    if len(sys.argv) != 2 or missing:
        sys.exit("usage: PROPUSK_TOKEN=... EXPECT_SUBJECT=... python check.py URL")
    asyncio.run(main(sys.argv[1], os.environ["PROPUSK_TOKEN"], os.environ["EXPECT_SUBJECT"]))
