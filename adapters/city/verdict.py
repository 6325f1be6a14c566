"""What an answer means for the caller: HTTP status and code turned into our errors (contract §1, §4).

This module must not send anything. A write counts as not done only where the contract says so; all else is unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from adapters.city.message import Reply, Unreadable, read
from adapters.errors import BrokenReply, ConfigError, Missing, OutcomeUnknown, Outdated, Refused, Unavailable, WireError
from adapters.transport import Answer

CLOCK = "102"
_LATER = "将自动重试 / tried again later"
_LOOK = "先查证再决定，不会盲目重发 / will be looked for first, never sent again blindly"
_KEEP = "保留原文并联系平台 / keep the bytes and ask the platform's vendor"
_FIELD = re.compile(r"字段错误:([^:]+):(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Asked:
    """The request an answer is for. where: platform, method and record, for people."""

    method: str
    where: str
    write: bool
    login: str


def judge(answer: Answer, asked: Asked, skew: timedelta | None) -> Reply:
    """The reply if it is a success (code 0), else one of `adapters.errors`. skew: platform minus us, measured."""
    where, status = asked.where, str(answer.status)
    match answer.status:
        case 200:
            pass
        case 404 | 405:
            raise ConfigError(
                f"接口路径不正确（HTTP {status}）/ this is not the service's address", where=where, code=status,
                remedy="检查连接地址与 settings.path / check the connection's address and settings.path",
            )  # fmt: skip
        case 413:
            raise Refused(
                "请求超过平台的大小限制，未办理 / too large, not carried out (HTTP 413)", where=where, code=status,
                field="content", remedy="压缩附件 / compress the file",
            )  # fmt: skip
        case 503:
            raise Unavailable("平台暂停服务，未办理 / not carried out (HTTP 503)", where=where, code=status, remedy=_LATER)
        case 500 | 502 | 504:
            what = f"平台内部或网关出错（HTTP {status}）/ the platform or its gateway failed"
            if asked.write:
                raise OutcomeUnknown(what, where=where, code=status, remedy=_LOOK)
            raise Unavailable(what, where=where, code=status, remedy=_LATER)
        case _:
            raise unclear(f"意外的 HTTP 状态 {status} / unexpected HTTP status", asked, answer.body, status)
    try:
        reply = read(answer.body)
    except Unreadable as error:
        raise unclear(f"答复无法理解 / the answer cannot be understood ({error})", asked, answer.body) from error
    if reply.code != "0":
        raise _of_code(reply, asked, answer, skew)
    return reply


def unclear(what: str, asked: Asked, raw: bytes, code: str = "") -> WireError:
    """An answer that says nothing sure: BrokenReply for a read, OutcomeUnknown for a write."""
    if asked.write:
        return OutcomeUnknown(what, where=asked.where, remedy=_LOOK, code=code)
    return BrokenReply(what, where=asked.where, remedy=_KEEP, code=code, raw=raw)


def skew_text(skew: timedelta | None) -> str:
    if skew is None:
        return "未测得 / not measured"
    return f"平台时钟比本机 / platform minus us: {skew.total_seconds():+.0f} s"


def _of_code(reply: Reply, asked: Asked, answer: Answer, skew: timedelta | None) -> WireError:
    said, where, code = reply.message[:120], asked.where, reply.code
    match code:
        case "101":
            return ConfigError(
                f"平台拒绝账号 {asked.login}：{said} / wrong user or password", where=where, code=code,
                remedy="核对连接中的账号与口令 / check the connection's login and password",
            )  # fmt: skip
        case "102":
            return ConfigError(
                f"两边时钟相差过大：{said}（{skew_text(skew)}）/ the clocks differ too much", where=where, code=code,
                remedy="校准两边时钟 / set both clocks",
            )  # fmt: skip
        case "201":
            return _of_field(said, asked, answer)
        case "202":
            return Missing("平台没有此记录 / the platform has no such record", where=where, code=code,
                           remedy="核对编号 / check the number")  # fmt: skip
        case "203":
            return Outdated(f"{said} / the state does not allow this step now", where=where, code=code,
                            remedy="重新读取该记录后再定 / read the record again")  # fmt: skip
        case "301":
            return Unavailable(f"平台繁忙，未办理：{said} / busy, not carried out", where=where, code=code, remedy=_LATER)
    return unclear(f"未知的代码 {code[:20]!r} / a code that the contract does not name", asked, answer.body, code[:20])


def _of_field(said: str, asked: Asked, answer: Answer) -> WireError:
    found = _FIELD.fullmatch(said)
    field, where = found[1] if found else "", asked.where
    what = f"平台退回：{said} / refused by the platform"
    if field.startswith("head.") or field == "method" or asked.method == "changes":
        return ConfigError(what, where=where, code="201",
                           remedy="检查连接与 settings / check the connection and settings")  # fmt: skip
    return Refused(what, where=where, code="201", field=field,
                   remedy="改正该字段后再送 / correct the field, then send again")  # fmt: skip
