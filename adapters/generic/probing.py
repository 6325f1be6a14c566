"""What an operator wants to know before switching a platform on: is it reached, are the credentials right, do the clocks
agree. Asks for one page of the list and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from adapters.errors import BrokenReply, ConfigError, Unavailable
from adapters.generic.client import Client
from adapters.port import Finding, Probe


def probe(client: Client, look: Callable[[], object]) -> Probe:
    """Findings in the order an operator would look, each with its remedy. look: reads the list. Raises none of the
    wire's errors."""
    error: ConfigError | Unavailable | BrokenReply | None = None
    try:
        look()
    except (ConfigError, Unavailable, BrokenReply) as raised:
        error = raised
    reached = not isinstance(error, Unavailable)
    findings = [_finding("网络 reach", reached, "平台有答复 / the platform answers", error)]
    if reached:
        findings.append(_finding("凭据与列表 credentials and list", error is None, "可以读取 / the list can be read", error))
    if client.skew is not None:
        findings.append(_clock(client.skew, timedelta(seconds=client.settings.clock_tolerance_seconds)))
    if error is None:
        findings.append(Finding("写入 writing", True, "不写入无法检验 / not tried: only writing would tell"))
    return Probe(tuple(findings), client.skew)


def _finding(name: str, ok: bool, fine: str, error: ConfigError | Unavailable | BrokenReply | None) -> Finding:
    if ok or error is None:
        return Finding(name, ok, fine)
    return Finding(name, False, error.what, error.remedy or "核对地址与 settings / check address and settings")


def _clock(skew: timedelta, tolerated: timedelta) -> Finding:
    ok = abs(skew) <= tolerated
    remedy = "" if ok else "校准本机时钟（NTP） / set this server's clock"
    return Finding("时钟 clock", ok, f"平台比本机 / platform minus us: {skew.total_seconds():+.0f} s", remedy)
