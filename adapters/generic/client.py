"""Requests to a REST platform: address, authentication, rate limit, one answer judged. Knows how to ask, not why.

Secrets are the connection's login and password; no message holds them. This module must not know a platform.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

import orjson

from adapters.errors import BrokenReply, ConfigError, Missing, Refused, Unavailable, WireError
from adapters.generic.answers import Reading, judged, read, shown, whole
from adapters.generic.documents import at, first, numbered
from adapters.generic.parts import Envelope, Request, SignedAuth
from adapters.generic.placeholders import fill, fill_path, fill_text, query
from adapters.generic.settings import Settings
from adapters.generic.signing import in_order, signature
from adapters.port import Connection, Surroundings
from adapters.rest import Bucket, retry_after
from adapters.retry import again
from adapters.tokens import SessionTokens, Token
from adapters.transport import Answer, Transport

JSON, FORM = "application/json", "application/x-www-form-urlencoded; charset=utf-8"
OTHERS_TOKEN = 30.0
"""Seconds to wait where another program's token seems to void ours."""
_TOKEN_CALL = Envelope()
_REMEDY = "核对连接的 login 与 password / check the connection's login and password"


@dataclass(frozen=True, slots=True)
class Made:
    """One request as it goes out, but for its authentication."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


class Client:
    """One platform's door. `skew`: the platform's clock minus ours, once an answer has told it."""

    def __init__(self, platform: str, settings: Settings, connection: Connection, surroundings: Surroundings) -> None:
        self.settings = settings
        self.skew: timedelta | None = None
        self._platform, self._around = platform, surroundings
        self._url, self._login, self._secret = connection.url.rstrip("/"), connection.login, connection.password
        ca_file = connection.extra.get("ca_file")
        self._transport = Transport(
            platform, surroundings.now, settings.connect_seconds, settings.read_seconds,
            ca_file=str(ca_file) if ca_file else None,
        )  # fmt: skip
        self._bucket = Bucket(settings.requests_per_second, settings.burst, lambda: surroundings.now().timestamp(),
                              surroundings.sleep)  # fmt: skip
        account = f"{platform}\n{self._url}\n{self._login}"
        self._tokens = SessionTokens(surroundings.state, account, self._secret or "-", surroundings.now)

    def where(self, operation: str, record: str = "") -> str:
        return f"{self._platform} · {operation}" + (f" · {record[:80]}" if record else "")

    def made(self, request: Request, values: Mapping[str, Any], body: Any = None, wrap: str = "") -> Made:
        """A request from its template. body: what is sent with the parameters, in the same place. NotNumber for one of
        `request.numbers` that is none."""
        known = {**values, "login": self._login, "password": self._secret}
        headers = {**self.settings.headers, **{name: fill_text(text, known) for name, text in request.headers.items()}}
        target, parameters = fill_path(request.path, known), fill(request.parameters, known)
        mapped = numbered(body or {}, request.numbers)
        mapped = {wrap: mapped} if wrap and body is not None else mapped
        if request.send == "query":
            text = query({**parameters, **mapped})
            return Made(request.method, target + (f"?{text}" if text else ""), headers)
        if request.send == "json":
            content, kind = orjson.dumps({**parameters, **mapped}, option=orjson.OPT_PASSTHROUGH_DATETIME), JSON
        else:
            content, kind = query({**parameters, **mapped}).encode(), FORM
        return Made(request.method, target, {"Content-Type": kind, **headers}, content)

    def send(
        self, operation: str, made: Made, *, record: str = "", write: bool = False, file: bool = False,
        accept: frozenset[str] = frozenset(),
    ) -> Reading:  # fmt: skip
        """One operation, judged; what certainly was not carried out is tried again a few times."""
        where = self.where(operation, record)

        def once() -> Reading:
            reading = self._accepted(made, write=write, file=file)
            return judged(reading, self.settings.envelope, write=write, where=where, accept=accept)

        try:
            return again(once, sleep=self._around.sleep)
        except WireError as error:
            if error.where in ("", self._platform):
                error.where = where
            error.args = (str(error),)
            raise

    def download(self, operation: str, url: str, record: str) -> Answer:
        """Bytes from an address of another host, without our credentials. As `read`."""
        answer = self._transport.read("GET", url, {})
        return judged(whole(answer, self.settings.envelope), self.settings.envelope, write=False,
                      where=self.where(operation, record)).answer  # fmt: skip

    def owns(self, url: str) -> bool:
        """Is this an address of the platform itself?"""
        link, own = urlsplit(url), urlsplit(self._url)
        return (link.scheme, link.netloc) == (own.scheme, own.netloc)

    def path_of(self, url: str, where: str) -> str:
        """The target of a link that the platform gave. ConfigError for another host."""
        link, own = urlsplit(url), urlsplit(self._url)
        if link.netloc and link.netloc != own.netloc:
            raise ConfigError(f"平台给出的链接指向 {link.netloc} / link to another host", where=where,
                              remedy="核对平台配置 / ask the platform's owner")  # fmt: skip
        path = link.path.removeprefix(own.path) if link.netloc and own.path else link.path
        return path + (f"?{link.query}" if link.query else "")

    def _accepted(self, made: Made, *, write: bool, file: bool) -> Reading:
        """An answer to a request whose credentials held; a token is renewed once."""
        auth = self.settings.auth
        token = ""
        if auth.kind in ("bearer", "oauth2"):
            token = self._tokens.current() or self._tokens.renew(None, self._fetch_token)
        for turn in (1, 2):
            reading = self._exchange(made, token, write=write, file=file)
            if reading.verdict != "expired":
                return reading
            if not token:
                return replace(reading, verdict="unsigned")
            if turn == 1:
                token = self._tokens.renew(token, self._fetch_token)
        raise Unavailable("新令牌随即失效，未处理 / a new token was void at once, not carried out", code=reading.code,
                          retry_after=OTHERS_TOKEN,
                          remedy="账号可能被其他程序使用；将自动重试 / another program may use this account; tried later")  # fmt: skip

    def _exchange(self, made: Made, token: str, *, write: bool, file: bool) -> Reading:
        self._bucket.take()
        if self.settings.auth.kind == "signed":
            made = self._signed(made, self.settings.auth)
        headers = {**made.headers, **self._credentials(token)}
        send = self._transport.write if write else self._transport.read
        answer = send(made.method, self._url + made.target, headers, made.body)
        settings = self.settings
        reading = (whole(answer, settings.envelope) if file else
                   read(answer, settings.envelope, settings.format, tidy=settings.record.tidy))  # fmt: skip
        if answer.skew is not None and reading.verdict not in ("strange", "failed"):
            self.skew = answer.skew
        return replace(reading, message=self.covered(reading.message, token))

    def shown(self, reading: Reading, paths: tuple[str, ...], prefix: str) -> str:
        """As `answers.shown`, without our secret."""
        return self.covered(shown(reading, paths, prefix))

    def covered(self, text: str, token: str = "") -> str:
        """A text for people, without our secret, in any form that it goes out in."""
        if self._secret:
            basic = _basic(self._login, self._secret).removeprefix("Basic ")
            for one in (token, basic, self._secret, quote(self._secret, safe="")):
                text = text.replace(one, "***") if one else text
        return text

    def _credentials(self, token: str) -> dict[str, str]:
        auth = self.settings.auth
        match auth.kind:
            case "basic":
                return {"Authorization": _basic(self._login, self._secret)}
            case "header":
                return {auth.name: auth.prefix + self._secret}
            case "bearer":
                return {auth.name: auth.prefix + token}
            case "oauth2":
                return {"Authorization": f"Bearer {token}"}
        return {}

    def _signed(self, made: Made, auth: SignedAuth) -> Made:
        """The request with its signature, and what is signed beside it; anew for every try."""
        now = self._around.now() + (self.skew or timedelta())
        values = {
            "method": made.method, "login": self._login, "password": self._secret,
            "timestamp": str(int(now.timestamp() * (1000 if auth.time == "epoch_ms" else 1))),
            "nonce": self._around.random_bytes(16).hex(), "body_sha256": hashlib.sha256(made.body).hexdigest(),
        }  # fmt: skip
        more = query({name: fill_text(text, values) for name, text in auth.parameters.items()})
        target = _more(_less(made.target, {*auth.parameters, auth.parameter}), more)
        path, _, text = target.partition("?")
        values |= {"path": path, "query": text, "target": target}
        kinds = [value for name, value in made.headers.items() if name.lower() == "content-type"]
        form = made.body if any(one.startswith(FORM.partition(";")[0]) for one in kinds) else b""
        values["sorted"], values["filled"] = in_order(text, form)
        signed = signature(auth, self._secret, values, made.body)
        headers = {name: fill_text(text, values) for name, text in auth.headers.items()}
        if auth.parameter:
            return replace(made, target=_more(target, query({auth.parameter: signed})), headers={**made.headers, **headers})
        return replace(made, target=target, headers={**made.headers, **headers, auth.header: signed})

    def _fetch_token(self) -> Token:
        """A new token. ConfigError, Unavailable: what waits for it was certainly not sent."""
        auth, where, asked = self.settings.auth, self.where("令牌 token"), self._around.now()
        self._bucket.take()
        if auth.kind == "oauth2":
            form = {"grant_type": "client_credentials", **({"scope": auth.scope} if auth.scope else {})}
            headers = {"Content-Type": FORM}
            if auth.client == "basic":
                headers["Authorization"] = _basic(self._login, self._secret)
            else:
                form |= {"client_id": self._login, "client_secret": self._secret}
            made = Made("POST", auth.path, headers, query(form).encode())
            paths: tuple[str, ...] = ("access_token",)
            envelope, lifetime, seconds = _TOKEN_CALL, "expires_in", 1800
        else:
            assert auth.kind == "bearer"
            made = self.made(auth.request, {})
            envelope, paths, lifetime = self.settings.envelope, auth.token, auth.lifetime
            seconds = auth.seconds
        answer = self._transport.read(made.method, self._url + made.target, made.headers, made.body)
        reading = read(answer, envelope, "json")
        reading = replace(reading, message=self.covered(reading.message))
        if reading.verdict in ("expired", "refused", "unsigned", "missing"):
            raise ConfigError(f"平台不认可账号 / credentials refused ({reading.code} {reading.message[:100]})".rstrip(),
                              where=where, code=reading.code, remedy=_REMEDY)  # fmt: skip
        try:
            judged(reading, envelope, write=False, where=where)
        except (BrokenReply, Refused, Missing) as error:
            raise Unavailable(error.what, where=where, code=error.code, remedy=error.remedy,
                              retry_after=retry_after(answer)) from error  # fmt: skip
        value, given = first(reading.document, paths), at(reading.document, lifetime) if lifetime else None
        if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
            seen = self.shown(reading, paths, "")
            raise Unavailable(f"令牌答复中没有令牌 / no token in the token reply at {seen}", where=where,
                              remedy="改 settings.auth.token，或核对账号 / correct settings.auth.token, or check the account")  # fmt: skip
        if isinstance(given, int | float) and not isinstance(given, bool) and given > 0:
            seconds = int(given)
        return Token(value, asked + timedelta(seconds=seconds))


def _more(target: str, parameters: str) -> str:
    return target + ("&" if "?" in target else "?") + parameters if parameters else target


def _less(target: str, names: Collection[str]) -> str:
    """Without these parameters: a link that the platform gave repeats those of the request before."""
    path, _, text = target.partition("?")
    kept = [part for part in text.split("&") if part and unquote_plus(part.partition("=")[0]) not in names]
    return path + ("?" + "&".join(kept) if kept else "")


def _basic(login: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode()
