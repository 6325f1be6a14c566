"""OAuth2 client credentials and bearer tokens (contract section 2). Must not know cases."""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import parse_qs

from sandbox.enforcement.contract import SCOPES
from sandbox.enforcement.problems import Problem, TokenError
from sandbox.enforcement.store import Store
from sandbox.httpd import Request


def ask_token(store: Store, request: Request) -> tuple[str, str]:
    """(client, scopes granted). TokenError."""
    form = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace"),
                                                           keep_blank_values=True).items()}  # fmt: skip
    header = request.headers.get("authorization", "")
    basic = header.lower().startswith("basic ")
    if basic and ("client_id" in form or "client_secret" in form):
        raise TokenError(400, "invalid_request", "more than one client authentication", basic=basic)
    name, secret = _basic(header) if basic else (form.get("client_id", ""), form.get("client_secret", ""))
    client = store.client(name)
    if client is None or not hmac.compare_digest(client["secret"].encode(), secret.encode()):
        raise TokenError(401, "invalid_client", "client authentication failed", basic=basic)
    if form.get("grant_type") is None:
        raise TokenError(400, "invalid_request", "grant_type is missing")
    if form["grant_type"] != "client_credentials":
        raise TokenError(400, "unsupported_grant_type", "only client_credentials")
    if client["disabled"]:
        raise TokenError(400, "unauthorized_client", "client disabled")
    wanted = form.get("scope", "").split()
    for scope in wanted:
        if scope not in client["scopes"]:
            raise TokenError(400, "invalid_scope", scope)
    granted = [scope for scope in SCOPES if scope in (wanted or client["scopes"])]
    return name, " ".join(granted)


def client_of(store: Store, request: Request, now: float) -> tuple[str, frozenset[str]]:
    """(client, scopes) of the bearer token. Problem 401."""
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem("invalid-token", "缺少访问令牌", [("WWW-Authenticate", 'Bearer realm="zhzf"')])
    known = store.token(token.strip())
    if known is None or known[2] <= now:
        detail, said = ("令牌已过期", "expired") if known else ("令牌不存在", "unknown")
        challenge = f'Bearer realm="zhzf", error="invalid_token", error_description="{said}"'
        raise Problem("invalid-token", detail, [("WWW-Authenticate", challenge)])
    return known[0], frozenset(known[1].split())


def _basic(header: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(header.split(" ", 1)[1], validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
