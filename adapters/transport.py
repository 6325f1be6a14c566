"""HTTP as the bridge wants it: every time-out set, answers capped, no redirects, no proxies from the environment, and
each failure told as what to do next. A write is sent once, on a connection of its own; what became of it after an
error is unknown unless the connection was never made.

This module must not know a platform: status codes are handed up, clients judge them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from adapters.errors import ConfigError, OutcomeUnknown, Unavailable, WireError


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whole. `skew`: the platform's `Date` minus our clock, None without that header (± 1 s)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: datetime
    skew: timedelta | None = None

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(slots=True)
class Transport:
    """One platform's door. connect_seconds, read_seconds: time-outs; max_bytes: the largest answer taken in;
    ca_file: a bundle that the platform's certificate must verify against (default: the system's)."""

    where: str
    now: Callable[[], datetime]
    connect_seconds: float = 5.0
    read_seconds: float = 35.0
    max_bytes: int = 64_000_000
    ca_file: str | None = None
    _session: requests.Session | None = field(default=None, repr=False)

    def read(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """A request that changes nothing: kept-alive connection; any failure of the line is `Unavailable`."""
        if self._session is None:
            self._session = _session()
        try:
            return self._exchange(self._session, method, url, headers, body, write=False)
        except WireError:
            self._session.close()  # a late answer must not reach the next request
            self._session = None
            raise

    def write(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """A request that changes something: sent once. `Unavailable` only if the connection was never made, else
        `OutcomeUnknown`."""
        with _session() as session:
            return self._exchange(session, method, url, {**headers, "Connection": "close"}, body, write=True)

    def _exchange(
        self, session: requests.Session, method: str, url: str, headers: Mapping[str, str], body: bytes, *, write: bool
    ) -> Answer:
        sent_at = self.now()
        try:
            with session.request(
                method, url, data=body or None, headers={"Accept-Encoding": "identity", **headers}, stream=True,
                timeout=(self.connect_seconds, self.read_seconds), allow_redirects=False, verify=self.ca_file or True,
            ) as response:  # fmt: skip
                content = self._content(response)
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self._tls(url, error) or self._failed(url, error, write=write) from error
        except OSError as error:  # before anything was sent: the file with the CA
            raise self._ca_file(error) from error
        if 300 <= response.status_code < 400 and response.status_code != 304:
            host = urlsplit(response.headers.get("Location", "")).netloc.rpartition("@")[2] or "?"
            raise ConfigError(
                f"平台要求跳转到 {host}，已拒绝 / redirect to another address refused (HTTP {response.status_code})",
                where=self.where, remedy="在连接中填写最终地址 / put the final address into the connection",
            )  # fmt: skip
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, lowered, content, sent_at, _skew(lowered.get("date"), self.now()))

    def _content(self, response: requests.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_content(65536):
            size += len(part)
            if size > self.max_bytes:
                raise requests.exceptions.ContentDecodingError(f"answer larger than {self.max_bytes} bytes")
            parts.append(part)
        return b"".join(parts)

    def _tls(self, url: str, error: Exception) -> ConfigError | None:
        """What is wrong with the handshake; None if the line broke for another reason, perhaps after the request."""
        host, words = urlsplit(url).netloc, str(error)
        if "CERTIFICATE_VERIFY_FAILED" in words:
            return ConfigError(
                f"{host} 的证书无法验证 / certificate of this host does not verify", where=self.where,
                remedy="在连接的 extra 中以 ca_file 指定签发机构证书 / name the CA's file as ca_file in the connection's extra",
            )  # fmt: skip
        if "[X509" in words:
            return self._ca_file(error)
        if "WRONG_VERSION_NUMBER" in words:
            return ConfigError(
                f"{host} 不是 HTTPS / speaks no TLS", where=self.where,
                remedy="把连接的 schema 改为 http，或改正端口 / set the connection's schema to http, or correct the port",
            )  # fmt: skip
        return None

    def _ca_file(self, error: Exception) -> ConfigError:
        return ConfigError(
            f"ca_file 无法使用 / cannot be used: {self.ca_file} ({type(error).__name__})", where=self.where,
            remedy="检查连接 extra 中的 ca_file：存在、可读、PEM 格式 / check the connection's ca_file: there, readable, PEM",
        )  # fmt: skip

    def _failed(self, url: str, error: Exception, *, write: bool) -> WireError:
        host = urlsplit(url).netloc
        if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema,
                              requests.exceptions.InvalidSchema, requests.exceptions.InvalidHeader)):  # fmt: skip
            return ConfigError(f"地址无效 / not a usable address: {host or '(empty)'}", where=self.where,
                               remedy="检查连接的 host、port、schema / check the connection's host, port, schema")  # fmt: skip
        if _never_connected(error):
            return Unavailable(
                f"无法连接 {host} / cannot connect ({_reason(error)})", where=self.where,
                remedy="检查平台是否运行、网络与端口；将自动重试 / check platform, network, port; tried again later",
            )  # fmt: skip
        if write:
            return OutcomeUnknown(f"已发送但未收到完整答复 / sent, but no whole answer came ({_reason(error)})",
                                  where=self.where, remedy="先查证再决定，不会盲目重发 / will be looked for first")  # fmt: skip
        return Unavailable(f"读取中断 / reading was cut off ({_reason(error)})", where=self.where,
                           remedy="将自动重试 / tried again later")  # fmt: skip


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=0))
    return session


def _never_connected(error: BaseException) -> bool:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError))


def _reason(error: BaseException) -> str:
    """The innermost class name: enough for IT staff, and never an address with credentials or a body."""
    cause = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    return type(getattr(cause, "reason", cause)).__name__


def _skew(date: str | None, now: datetime) -> timedelta | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC) - now if date else None
    except (TypeError, ValueError):
        return None
