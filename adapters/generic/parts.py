"""The parts of a generic REST platform's settings that say how a request is made and what an answer means.

Pydantic models only; docs/rest.md explains each key with an example. This module must not know a platform.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from adapters.generic.placeholders import names

Verdict = Literal[
    "success", "duplicate", "expired", "unsigned", "forbidden", "missing", "refused", "outdated", "busy", "failed",
    "restart",
]  # fmt: skip
"""What an answer says: see docs/rest.md. restart: a cursor is void, read again from a time."""


def _path(value: str) -> str:
    if not value.startswith("/") or "?" in value or "#" in value or ".." in value.split("/"):
        raise ValueError("路径以 / 开头，不含 ? # .. / a path begins with / and holds no ? # ..")
    return value


def _pattern(value: str) -> str:
    try:
        groups = re.compile(value).groups
    except re.error as error:
        raise ValueError(f"不是正则表达式 / not a regular expression: {error}") from None
    if groups < 1:
        raise ValueError("须有一个括号组 / needs one group in parentheses")
    return value


def _header(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value):
        raise ValueError("不是请求头名称 / not a header name")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"没有这个时区 / no such zone: {value!r}") from None
    return value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


UrlPath = Annotated[str, AfterValidator(_path)]
Group = Annotated[str, AfterValidator(_pattern)]
HeaderName = Annotated[str, AfterValidator(_header)]
Zone = Annotated[str, AfterValidator(_zone)]
Dotted = Annotated[str, Field(pattern=r"^([^\s.]+(\.[^\s.]+)*)?$")]
Places = Annotated[
    tuple[Dotted, ...], BeforeValidator(_listed, json_schema_input_type=Dotted | tuple[Dotted, ...]), Field(min_length=1)
]
"""One dotted path or several: the first that holds something counts."""
Send = Literal["query", "json", "form"]
Code = bool | str | int
SIGNED = frozenset({"method", "path", "query", "target", "sorted", "filled", "login", "password", "timestamp", "nonce", "body",
                    "body_sha256"})  # fmt: skip
"""Placeholders of a signature's template."""


class Part(BaseModel):
    """Ground of the settings: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Request(Part):
    """How one request is made. parameters: templates with placeholders. send: where they go, and a mapped body too.
    numbers: members of a mapped body that go out as JSON numbers, for mappings write text."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    path: UrlPath
    send: Send = "query"
    parameters: dict[str, Any] = {}
    headers: dict[HeaderName, str] = {}
    numbers: tuple[Dotted, ...] = ()

    @model_validator(mode="after")
    def _json(self) -> Request:
        if self.numbers and self.send != "json":
            raise ValueError("numbers 需要 send: json / numbers needs send: json")
        return self


class Envelope(Part):
    """Where the parts of an answer stand and what its codes and statuses mean. success: codes that are one, each of its
    own type; none: the HTTP status says it."""

    code: Places = ("",)
    success: Annotated[tuple[Code, ...], BeforeValidator(_listed, json_schema_input_type=Code | tuple[Code, ...])] = ()
    message: Places = ("",)
    data: Dotted = ""
    codes: dict[Code, Verdict] = {}
    statuses: tuple[int, ...] = (200, 201, 202, 204)
    http: dict[int, Verdict] = {}
    field: Places = ("",)
    field_pattern: Group = r"^#?/?(.+)$"
    least_wait: float = Field(default=1.0, ge=0, le=3600)


class NoAuth(Part):
    kind: Literal["none"] = "none"


class BasicAuth(Part):
    """HTTP Basic with the connection's login and password."""

    kind: Literal["basic"]


class HeaderAuth(Part):
    """A key in a header: the connection's password."""

    kind: Literal["header"]
    name: HeaderName
    prefix: str = ""


class BearerAuth(Part):
    """A token call of the platform's own. `{login}` and `{password}` in its parameters."""

    kind: Literal["bearer"]
    request: Request
    token: Places = ("data.token",)
    lifetime: Dotted = ""
    seconds: int = Field(default=1800, ge=10, le=10_000_000)
    name: HeaderName = "Authorization"
    prefix: str = "Bearer "


class OAuth2(Part):
    """OAuth2 client credentials; the client is the connection's login and password."""

    kind: Literal["oauth2"]
    path: UrlPath
    client: Literal["basic", "form"] = "basic"
    scope: str = ""


class SignedAuth(Part):
    """Every request signed with the connection's password over a template. A digest without a key has `{password}` in its
    template. parameters: go into the address; parameter: the signature goes there too, under this name, not into `header`."""

    kind: Literal["signed"]
    algorithm: Literal["hmac-sha256", "hmac-sm3", "md5", "sha256", "sm3"]
    template: str = Field(min_length=1)
    header: HeaderName = "X-Sign"
    encoding: Literal["hex", "HEX", "base64"] = "hex"
    headers: dict[HeaderName, str] = {}
    parameters: dict[str, str] = {}
    parameter: str = ""
    time: Literal["epoch_s", "epoch_ms"] = "epoch_ms"

    @model_validator(mode="after")
    def _keyed(self) -> SignedAuth:
        wrong = []
        if not self.algorithm.startswith("hmac-") and "{password}" not in self.template:
            wrong.append(f"algorithm={self.algorithm} 没有密钥，template 须含 {{password}} / has no key, its template needs {{password}}")
        used = names([self.template, self.headers, self.parameters])
        if unknown := used - SIGNED:
            wrong.append(f"没有这个占位 / no such placeholder: {', '.join(sorted(unknown))}；可用 / known: {', '.join(sorted(SIGNED))}")
        if "{password}" in f"{self.headers} {self.parameters}":
            wrong.append("密码只能在 template 里 / the password may stand in the template only")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


Auth = Annotated[
    NoAuth | BasicAuth | HeaderAuth | BearerAuth | OAuth2 | SignedAuth, Field(discriminator="kind")
]


class Time(Part):
    """How a time is written. pattern, zone: of `local` (strptime words, an IANA zone). naive: a time without an offset
    is one of `zone` (else it is no time)."""

    form: Literal["rfc3339", "local", "epoch_ms", "epoch_s"] = "rfc3339"
    pattern: str = "%Y-%m-%d %H:%M:%S"
    zone: Zone = "Asia/Shanghai"
    naive: bool = False
    decimals: Literal[0, 3] = 3


class Idempotency(Part):
    """A header that makes the same request again the same one. key: `{reference}` ours, `{digest}` 32 hex digits of it
    (and, for an update, of path and body)."""

    header: HeaderName = "Idempotency-Key"
    key: str = "{digest}"
    replayed: HeaderName | None = None
