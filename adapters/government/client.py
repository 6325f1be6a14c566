"""The wire of the government platform: signing, the shared token, the rate limit, and one method an operation.

Knows requests and answers; which of them make up a pull or a write is the adapter's. Every send has a fresh timestamp,
nonce and signature. What certainly was not carried out (4010, 4012 once, 4029, 429, no connection) is sent again here,
nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import orjson

from adapters.errors import BrokenReply, ConfigError, Missing, Refused, Unavailable, WireError
from adapters.government import signing
from adapters.government.settings import Settings
from adapters.port import Connection, Surroundings
from adapters.rest import Bucket, Envelope, Meaning, Opened, broken, judge, open_reply
from adapters.retry import again
from adapters.tokens import SessionTokens, Token
from adapters.transport import Answer, Transport

ENVELOPE = Envelope(
    codes=MappingProxyType({
        "0000": Meaning.SUCCESS, "4003": Meaning.FORBIDDEN, "4004": Meaning.MISSING, "4009": Meaning.DUPLICATE,
        "4010": Meaning.EXPIRED, "4012": Meaning.UNSIGNED, "4022": Meaning.REFUSED, "4029": Meaning.BUSY,
        "5000": Meaning.FAILED,
    }),
    statuses=frozenset({200, 401}),
    field=re.compile(r"^参数错误\[([A-Za-z0-9_.\[\]]+)\]："),
    wait="data.retryAfter",
)  # fmt: skip
"""Contract section 4. 401 carries 4012 and nothing else."""

JSON = "application/json; charset=UTF-8"
ACCOUNT = re.compile(r"[\x21-\x7e]+")  # what can stand in a header
SKEW_MATTERS = timedelta(seconds=30)  # the window is 300 s; a Date header is ± 1 s and an answer may be slow
OTHERS_TOKEN = 60.0  # seconds until the next try when somebody else keeps voiding our token

Read = Callable[[Answer], Opened]


def read_envelope(answer: Answer) -> Opened:
    """Any operation's answer."""
    return open_reply(answer, ENVELOPE)


def read_file(answer: Answer) -> Opened:
    """A download: application/json means error, any other kind at HTTP 200 is the file (contract section 7)."""
    if answer.status == 200 and answer.content_type != "application/json" and "x-content-sm3" in answer.headers:
        return Opened(answer, Meaning.SUCCESS, "HTTP 200")
    opened = open_reply(answer, ENVELOPE)
    return Opened(answer, Meaning.STRANGE, opened.code) if opened.meaning is Meaning.SUCCESS else opened


class Client:
    """One app key at one address. `skew`: the platform's clock minus ours, None until its first answer."""

    def __init__(self, platform: str, settings: Settings, connection: Connection, surroundings: Surroundings) -> None:
        self._platform, self._url = platform, connection.url.rstrip("/")
        self._key, self._secret = connection.login, connection.password
        self._now, self._random, self._sleep = surroundings.now, surroundings.random_bytes, surroundings.sleep
        self._transport = Transport(
            platform, surroundings.now, settings.connect_seconds, settings.read_seconds,
            ca_file=connection.extra.get("ca_file"),
        )  # fmt: skip
        self._bucket = Bucket(
            settings.requests_per_second, settings.burst, lambda: surroundings.now().timestamp(), surroundings.sleep
        )
        account = "\n".join((platform, self._url, self._key))
        self._tokens = SessionTokens(surroundings.state, account, self._secret, surroundings.now)
        self.skew: timedelta | None = None

    def platform_ms(self) -> int:
        """The platform's clock as far as it is known, epoch milliseconds. A skew too small to matter is left out."""
        skew = self.skew if self.skew is not None and abs(self.skew) > SKEW_MATTERS else timedelta(0)
        return int((self._now() + skew).timestamp() * 1000)

    def where(self, operation: str, record: str = "") -> str:
        """Where an error happened: platform, operation, record."""
        return f"{self._platform} · {operation} {record}".rstrip()

    def list_calls(self, after: int | None, before: int | None, page: int, size: int) -> Opened:
        """One page; after inclusive, before exclusive, epoch ms. ConfigError, Unavailable, BrokenReply."""
        query = [f"pageNo={page}", f"pageSize={size}"]
        query += [f"updatedAfter={after}"] if after is not None else []
        query += [f"updatedBefore={before}"] if before is not None else []
        return self._at_fixed_path(lambda: self._send("列表 list", "GET", "/api/calls?" + "&".join(query)))

    def detail(self, call_no: str) -> Opened:
        """The whole call. ConfigError, Unavailable, BrokenReply, Missing."""
        return self._send("详情 detail", "GET", f"/api/calls/{call_no}", record=call_no)

    def create(self, body: bytes, reference: str) -> Opened:
        """SUCCESS or DUPLICATE. Errors as in the port."""
        return self._at_fixed_path(lambda: self._send(
            "新建 create", "POST", "/api/calls", record=reference, body=body, write=True,
            accept=frozenset({Meaning.DUPLICATE}),
        ), Missing)  # fmt: skip

    def act(self, call_no: str, body: bytes, envelope: Envelope) -> Opened:
        """One action. `envelope`: ENVELOPE, or with the fields that mean an outdated state. Errors as in the port."""
        return self._send("操作 action", "POST", f"/api/calls/{call_no}/actions", record=call_no, body=body, write=True,
                          envelope=envelope)  # fmt: skip

    def upload(self, body: bytes, content_type: str, name: str) -> Opened:
        """One file, visible only once an action names it. OutcomeUnknown leaves at most a file that is deleted."""
        return self._at_fixed_path(lambda: self._send(
            "上传 upload", "POST", "/api/files", record=name, body=body, content_type=content_type, write=True,
        ), Missing)  # fmt: skip

    def download(self, file_id: str) -> Answer:
        """A file's bytes, checked against X-Content-SM3. Missing, and as `detail`."""

        def checked(answer: Answer) -> Opened:
            opened = read_file(answer)
            promised = answer.headers.get("x-content-sm3", "").lower()
            if opened.meaning is Meaning.SUCCESS and signing.sm3(answer.body) != promised:
                raise Unavailable("附件内容与SM3不符 / file does not match its SM3", remedy="将自动重读 / read again")
            return opened

        return self._send("下载 download", "GET", f"/api/files/{file_id}", record=file_id, read=checked).answer

    def _at_fixed_path(self, call: Callable[[], Opened], error: type[Refused] = Refused) -> Opened:
        """`call`, where 4004 (and for reads 4022) can only mean that this is not the interface we know."""
        try:
            return call()
        except error as refused:
            raise ConfigError(
                refused.what, where=refused.where, code=refused.code,
                remedy="核对连接地址与部署前缀、平台接口版本 / check address, prefix and the platform's version",
            ) from refused  # fmt: skip

    def _send(
        self, operation: str, method: str, target: str, *, record: str = "", body: bytes = b"",
        content_type: str = JSON, write: bool = False, accept: frozenset[Meaning] = frozenset(),
        envelope: Envelope = ENVELOPE, read: Read = read_envelope,
    ) -> Opened:  # fmt: skip
        """One operation, judged. The request limit, the token and a repeated nonce are dealt with here."""
        where = self.where(operation, record)

        def once() -> Opened:
            opened = self._accepted(method, target, body, content_type, write, read)
            return judge(opened, envelope, write=write, where=where, accept=accept)

        try:
            return again(once, sleep=self._sleep)
        except WireError as error:
            if error.where in ("", self._platform):
                error.where = where
            error.args = (str(error),)
            raise

    def _accepted(self, method: str, target: str, body: bytes, content_type: str, write: bool, read: Read) -> Opened:
        """An answer to a request whose token and signature held: each is mended once, then told."""
        token = self._tokens.current() or self._tokens.renew(None, self._fetch_token)
        renewed = signed_again = False
        while True:
            opened = self._noted(read(self._exchange(method, target, body, content_type, token, write=write)))
            match opened.meaning:
                case Meaning.EXPIRED if not renewed:
                    renewed = True
                    token = self._tokens.renew(token, self._fetch_token)
                case Meaning.EXPIRED:
                    raise Unavailable(
                        f"新令牌随即失效，未处理 / a new token was void at once, not carried out ({opened.code})",
                        code=opened.code, retry_after=OTHERS_TOKEN,
                        remedy="appKey可能被其他程序使用，应为本程序专用 / another program may use this appKey",
                    )  # fmt: skip
                case Meaning.UNSIGNED if not signed_again:
                    signed_again = True  # a repeated nonce, or a clock that was not measured yet
                case Meaning.UNSIGNED:
                    raise self._unsigned(opened, "")
                case _:
                    return opened

    def _exchange(
        self, method: str, target: str, body: bytes, content_type: str, token: str, *, write: bool
    ) -> Answer:  # fmt: skip
        self._bucket.take()
        timestamp, nonce = str(self.platform_ms()), self._random(16).hex()
        headers = {
            "X-App-Key": self._key, "X-Token": token, "X-Timestamp": timestamp, "X-Nonce": nonce,
            "X-Sign": signing.sign(self._secret, method, target, timestamp, nonce, body),
        }  # fmt: skip
        if body:
            headers["Content-Type"] = content_type
        send = self._transport.write if write else self._transport.read
        return send(method, self._url + target, headers, body)

    def _fetch_token(self) -> Token:
        """A new token, the old one is void. ConfigError, Unavailable: what waits for it was certainly not sent."""
        where, asked = self.where("令牌 token"), self._now()
        self._bucket.take()
        body = orjson.dumps({"appKey": self._key, "appSecret": self._secret})
        answer = self._transport.read("POST", self._url + "/api/auth/token", {"Content-Type": JSON}, body)
        opened = self._noted(read_envelope(answer))
        if opened.meaning is Meaning.UNSIGNED:
            raise self._unsigned(opened, where)
        try:
            data = judge(opened, ENVELOPE, write=False, where=where).data
            return _token(data, asked, answer, where)
        except Refused as refused:
            raise ConfigError(
                refused.what, where=where, code=refused.code,
                remedy="核对连接地址、appKey与appSecret / check address, appKey and appSecret",
            ) from refused  # fmt: skip
        except BrokenReply as error:
            raise Unavailable(error.what, where=where, code=error.code, remedy=error.remedy) from error

    def _unsigned(self, opened: Opened, where: str) -> ConfigError:
        skew = "未知 unknown" if self.skew is None else f"{self.skew.total_seconds():+.0f} s"
        return ConfigError(
            f"平台不认可签名或凭据 / signature or credentials refused ({opened.code} {opened.message[:100]}); "
            f"appKey {self._key}, 时钟差 clock skew {skew}",
            code=opened.code, where=where,
            remedy="核对连接的login（appKey）与password（appSecret），校准服务器时钟 / check login (appKey), password "
            "(appSecret) and this server's clock",
        )  # fmt: skip

    def _noted(self, opened: Opened) -> Opened:
        """The same, without our secret should the platform repeat it in its message. Its clock is noted: only the
        platform's own answers tell that, a gateway's page tells the gateway's."""
        if opened.meaning not in (Meaning.STRANGE, Meaning.FAILED) and opened.answer.skew is not None:
            self.skew = opened.answer.skew
        return replace(opened, message=opened.message.replace(self._secret, "***"))


def _token(data: Any, asked: datetime, answer: Answer, where: str) -> Token:
    """The lifetime is counted from when we asked: earlier than the platform counts, never later."""
    value = data.get("token") if isinstance(data, dict) else None
    seconds = data.get("expiresIn") if isinstance(data, dict) else None
    if not (isinstance(value, str) and ACCOUNT.fullmatch(value) and type(seconds) is int and 0 < seconds <= 10**7):
        raise broken(answer, "令牌答复缺少token或expiresIn / token reply without token or expiresIn", where)
    return Token(value, asked + timedelta(seconds=seconds))
