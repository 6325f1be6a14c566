"""What an answer means for the caller: HTTP status, fault and resultCode turned into our errors (contract §1, §3, §4).

This module must not send anything. A write counts as not done only where the contract says so; all else is unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from adapters.errors import BrokenReply, ConfigError, Missing, OutcomeUnknown, Outdated, Refused, Unavailable, WireError
from adapters.grid.reply import Fault, Reply, Unreadable, read
from adapters.grid.wssecurity import SOAP, WSSE
from adapters.transport import Answer

FAILED_AUTHENTICATION = "FailedAuthentication"
_FIELD = re.compile(r"\[([^\]]+)\]")
_LATER = "将自动重试 / tried again later"
_LOOK = "先查证再决定，不会盲目重发 / will be looked for first, never sent again blindly"
_KEEP = "保留原文并联系平台 / keep the bytes and ask the platform's vendor"


@dataclass(frozen=True, slots=True)
class Asked:
    """The request an answer is for. where: platform, operation and record, for people. path: of the endpoint."""

    operation: str
    where: str
    write: bool
    login: str
    path: str
    lift: str = ""


def judge(answer: Answer, asked: Asked, skew: timedelta | None) -> Reply:
    """The reply if it is a success (resultCode 0), else one of `adapters.errors`. skew: platform minus us, measured."""
    match answer.status:
        case 200 | 500:
            pass
        case 404 | 405 | 415:
            raise ConfigError(
                f"接口路径 {asked.path} 不正确（HTTP {answer.status}）/ this is not the service's endpoint",
                where=asked.where, code=str(answer.status),
                remedy="检查连接地址与 settings.path / check the connection's address and settings.path",
            )  # fmt: skip
        case 413:
            raise Refused(
                "请求超过平台网关的大小限制，未办理 / too large for the gateway, not carried out (HTTP 413)",
                where=asked.where, code="413", field="attachments",
                remedy="减少或压缩附件 / send fewer or smaller attachments",
            )  # fmt: skip
        case 503:
            raise Unavailable(
                "平台暂停服务，未办理 / service unavailable, not carried out (HTTP 503)",
                where=asked.where, code="503", retry_after=_seconds(answer), remedy=_LATER,
            )  # fmt: skip
        case 502 | 504:
            raise _later(f"平台网关出错（HTTP {answer.status}）/ the gateway failed", asked, str(answer.status))
        case _:
            raise unclear(f"意外的 HTTP 状态 {answer.status} / unexpected HTTP status", asked, answer.body)
    try:
        reply = read(answer.body, asked.operation, lift=asked.lift)
    except Unreadable as error:
        raise unclear(f"答复无法理解 / the answer cannot be understood ({error})", asked, answer.body) from error
    if isinstance(reply, Fault):
        raise _of_fault(reply, asked, answer, skew)
    if answer.status != 200:
        raise unclear("HTTP 500 却不是 SOAP 错误 / HTTP 500 without a SOAP fault", asked, answer.body)
    if reply.code != 0:
        raise _of_code(reply, asked, answer)
    return reply


def unclear(what: str, asked: Asked, raw: bytes, code: str = "") -> WireError:
    """An answer that says nothing sure: BrokenReply for a read, OutcomeUnknown for a write."""
    if asked.write:
        return OutcomeUnknown(what, where=asked.where, remedy=_LOOK, code=code)
    return BrokenReply(what, where=asked.where, remedy=_KEEP, code=code, raw=raw)


def _later(what: str, asked: Asked, code: str) -> WireError:
    """A failure inside the platform: a read is tried again, a write may have been carried out."""
    if asked.write:
        return OutcomeUnknown(f"{what}，结果未知 / outcome unknown", where=asked.where, remedy=_LOOK, code=code)
    return Unavailable(what, where=asked.where, remedy=_LATER, code=code)


def _of_code(reply: Reply, asked: Asked, answer: Answer) -> WireError:
    said, where, code = _short(reply.message), asked.where, str(reply.code)
    match reply.code:
        case 1001:
            what = f"平台账号 {asked.login} 已停用或过期：{said} / account disabled or expired"
            return ConfigError(what, where=where, code=code, remedy="请平台管理员启用账号 / have the account enabled")
        case 1002:
            what = f"平台账号 {asked.login} 没有权限：{said} / the account may not do this"
            return ConfigError(what, where=where, code=code, remedy="请平台管理员授权 / have the right granted")
        case 2001 if asked.operation == "queryEvents":
            what = f"平台不接受查询条件：{said} / the platform does not take these query arguments"
            remedy = "检查 settings 的 page_size、start / check page_size and start"
            return ConfigError(what, where=where, code=code, remedy=remedy)
        case 2001:
            named = _FIELD.search(reply.message)
            what, field = f"平台退回：{said} / refused by the platform: bad argument", named[1] if named else ""
            remedy = "改正该字段后再送 / correct the field, then send again"
            return Refused(what, where=where, code=code, field=field, remedy=remedy)
        case 2002:
            what = f"{said} / the platform has no such record or file"
            return Missing(what, where=where, code=code, remedy="核对编号 / check the number")
        case 2003:
            what, remedy = f"{said} / the stage does not allow this now", "重新读取该事件后再定 / read it again"
            return Outdated(what, where=where, code=code, remedy=remedy)
        case 9001:
            what = f"平台繁忙，未办理：{said} / busy, not carried out"
            return Unavailable(what, where=where, code=code, remedy=_LATER)
        case 9999:
            return _later(f"平台内部错误：{said} / internal error of the platform", asked, code)
    return unclear(f"未知的 resultCode {code}：{said} / resultCode that the contract does not name", asked,
                   answer.body, code)  # fmt: skip


def _of_fault(fault: Fault, asked: Asked, answer: Answer, skew: timedelta | None) -> WireError:
    said = _short(fault.text)
    if fault.namespace == WSSE and fault.name in (FAILED_AUTHENTICATION, "InvalidSecurity"):
        return ConfigError(
            f"平台拒绝登录 {asked.login}（{fault.name}）：账号或口令错误，或两边时钟不一致（{skew_text(skew)}）"
            " / log-in refused: wrong login or password, or the clocks differ",
            where=asked.where, code=fault.name,
            remedy="核对连接中的账号与口令，并校准时钟 / check the connection's login and password, and set the clocks",
        )  # fmt: skip
    if fault.namespace in (SOAP, ""):  # some servers leave the prefix out; the four names are SOAP's own
        match fault.name:
            case "Server":
                return _later(f"平台内部错误：{said} {fault.detail} / fault inside the platform", asked, "Server")
            case "Client":
                what = f"平台认为请求不合规：{said} / the platform found the request malformed"
                if not asked.write:
                    return BrokenReply(what, where=asked.where, code="Client", raw=answer.body, remedy=_KEEP)
                remedy = "检查该记录的内容与映射 / check this record and the mapping"
                return Refused(what, where=asked.where, code="Client", remedy=remedy)
            case "VersionMismatch" | "MustUnderstand":
                what = f"该地址不接受 SOAP 1.1 与 WS-Security：{said} / no SOAP 1.1 with WS-Security at this endpoint"
                remedy = "检查连接地址与 settings.path / check the address and settings.path"
                return ConfigError(what, where=asked.where, code=fault.name, remedy=remedy)
    return unclear(f"未知的 SOAP 错误 {fault.name}：{said} / fault that the contract does not name", asked,
                   answer.body, fault.name)  # fmt: skip


def skew_text(skew: timedelta | None) -> str:
    if skew is None:
        return "未测得 / not measured"
    return f"平台时钟比本机 / platform minus us: {skew.total_seconds():+.0f} s"


def _short(words: str) -> str:
    return words if len(words) <= 200 else words[:200] + "…"


def _seconds(answer: Answer) -> float | None:
    """Retry-After in seconds; its other form, a date, is not waited for."""
    asked = answer.headers.get("retry-after", "").strip()
    return float(asked) if re.fullmatch(r"\d{1,6}", asked, re.ASCII) else None
