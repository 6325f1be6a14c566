"""What an operator wants to know before switching a platform on: is it reached, are key and secret right, do the clocks
agree, may we read. Asks for one row and changes nothing; what only a write could show is said to be untested."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from adapters.errors import BrokenReply, ConfigError, Unavailable
from adapters.government.client import Client
from adapters.government.settings import Settings
from adapters.port import Finding, Probe

TOLERATED = timedelta(seconds=30)
"""More than this is corrected for, and still deserves repair: the platform refuses 300 s."""

_FORBIDDEN = "4003"


def probe(client: Client, settings: Settings) -> Probe:
    """Findings in the order an operator would look, each with its remedy. Raises none of the wire's errors."""
    error = _failure(lambda: client.list_calls(None, None, 1, 1))
    reached = not isinstance(error, Unavailable | BrokenReply)
    signed = reached and (error is None or error.code == _FORBIDDEN)
    findings = [_finding("网络 reach", reached, "平台有答复 / the platform answers", error)]
    if reached:
        findings.append(_finding("令牌与签名 token and signature", signed, "appKey与appSecret有效 / accepted", error))
    if client.skew is not None:
        findings.append(_clock(client.skew))
    if signed:
        findings.append(_finding("权限 call:read", error is None, "可以读取 / granted", error))
        findings.append(Finding(
            "其他权限 other permissions", True,
            "call:create call:action file:write file:read 不写入无法检验 / not tried: only writing would tell",
        ))  # fmt: skip
    findings.append(_files(settings))
    return Probe(tuple(findings), client.skew)


def _failure(call: Callable[[], object]) -> ConfigError | Unavailable | BrokenReply | None:
    try:
        call()
    except (ConfigError, Unavailable, BrokenReply) as error:
        return error
    return None


def _finding(name: str, ok: bool, fine: str, error: ConfigError | Unavailable | BrokenReply | None) -> Finding:
    if ok or error is None:
        return Finding(name, ok, fine)
    return Finding(name, False, error.what, error.remedy)


def _clock(skew: timedelta) -> Finding:
    seconds = skew.total_seconds()
    ok = abs(skew) <= TOLERATED
    remedy = "" if ok else "校准本机时钟（NTP），暂按平台时钟签名 / set this clock; the platform's is used for now"
    return Finding("时钟 clock", ok, f"平台比本机 / platform minus us: {seconds:+.0f} s", remedy)


def _files(settings: Settings) -> Finding:
    if settings.file_note_dept is None:
        return Finding("附件 files", True, "可读；未配置file_note_dept，不能写 / read only: file_note_dept is not set")
    return Finding("附件 files", True, f"备注单位 / notes written as {settings.file_note_dept}")
