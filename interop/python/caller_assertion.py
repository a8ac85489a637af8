"""Verifies who is calling, as a server behind the gate would, with PyJWT.

    python caller_assertion.py KEYS ISSUER

KEYS is the URL of the gate's key set. Each line of standard input is a JSON object with an `assertion`
and the `audience` that this server has; for each a line is written, with the `claims` or with why there
are none (`refused`). Ends with standard input.
"""

import json
import sys

import jwt

TYPE = "propusk-caller+jwt"


def verified(keys, issuer, audience, assertion):
    if jwt.get_unverified_header(assertion).get("typ") != TYPE:
        raise jwt.InvalidTokenError("no assertion of a caller")
    return jwt.decode(
        assertion,
        keys.get_signing_key_from_jwt(assertion).key,
        algorithms=["ES256"],
        issuer=issuer,
        audience=audience,
        options={"require": ["sub", "exp", "iat", "jti"]},
    )


def main(url, issuer):
    keys = jwt.PyJWKClient(url)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            said = {"claims": verified(keys, issuer, order["audience"], order["assertion"])}
        except jwt.PyJWTError as error:
            said = {"refused": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


main(*sys.argv[1:])
