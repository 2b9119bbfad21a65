"""The bearer token of a request (RFC 6750), by the Authorization header and nowhere else."""

import re

from starlette.requests import Request

from emg_api.refusals import BadAuthorization, NoToken

# Larger than any token of Kubernetes or of an identity provider that lists some hundred groups.
MOST_TOKEN_CHARACTERS = 8192

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


def bearer_token(request: Request) -> str:
    """Return the token; raises NoToken where there is none, BadAuthorization for anything but one well-formed one."""
    given = request.headers.getlist("authorization")
    if not given:
        raise NoToken("the request has no token")
    if len(given) > 1:
        raise BadAuthorization("the request has more than one Authorization header")
    scheme, _, token = given[0].strip().partition(" ")
    if scheme.lower() != "bearer":
        raise NoToken("the Authorization header is of another kind than Bearer")
    token = token.strip()
    if len(token) > MOST_TOKEN_CHARACTERS:
        raise BadAuthorization(f"the token has more than {MOST_TOKEN_CHARACTERS} characters")
    if not _TOKEN.fullmatch(token):
        raise BadAuthorization("the Authorization header holds no token that RFC 6750 allows")
    return token
