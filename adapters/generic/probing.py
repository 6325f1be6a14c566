"""What an operator wants to know before switching a platform on: is it reached, are the credentials right, do the clocks
agree. Asks for one page of the list and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from adapters.errors import BrokenReply, ConfigError, Unavailable
from adapters.generic.client import Client
from adapters.generic.documents import at
from adapters.generic.moments import understood
from adapters.port import Finding, Page, Probe


def probe(client: Client, look: Callable[[], Page | None]) -> Probe:
    """Findings in the order an operator would look, each with its remedy. look: reads the list. Raises none of the
    wire's errors."""
    error: ConfigError | Unavailable | BrokenReply | None = None
    page = None
    try:
        page = look()
    except (ConfigError, Unavailable, BrokenReply) as raised:
        error = raised
    reached = not isinstance(error, Unavailable)
    findings = [_finding("网络 reach", reached, "平台有答复 / the platform answers", error)]
    if reached:
        findings.append(_finding("凭据与列表 credentials and list", error is None, "可以读取 / the list can be read", error))
    if page is not None and page.records:
        findings.append(_records(client, page))
    if client.skew is not None:
        findings.append(_clock(client.skew, timedelta(seconds=client.settings.clock_tolerance_seconds)))
    if error is None:
        findings.append(Finding("写入 writing", True, "不写入无法检验 / not tried: only writing would tell"))
    return Probe(tuple(findings), client.skew)


def _finding(name: str, ok: bool, fine: str, error: ConfigError | Unavailable | BrokenReply | None) -> Finding:
    if ok or error is None:
        return Finding(name, ok, fine)
    return Finding(name, False, error.what, error.remedy or "核对地址与 settings / check address and settings")


def _records(client: Client, page: Page) -> Finding:
    """Can the rows be read as the settings say: their ids, their times of change?"""
    name, listing = "记录 records", client.settings.list
    damaged = [one for one in page.records if one.damage]
    count = f"{len(page.records) - len(damaged)}/{len(page.records)}"
    if len(damaged) == len(page.records):
        return Finding(name, False, f"{count} 读得出 / can be read: {damaged[0].damage[0]}",
                       "核对 settings.record / check settings.record")  # fmt: skip
    stamps = [at(one.body, listing.since) for one in page.records] if listing.since else []
    if stamps and not any(understood(one, listing.time) for one in stamps):
        seen = f"{listing.since} = {next((one for one in stamps if one), None)!r:.60}"
        return Finding(name, False, f"不是约定的时间 / no time of the agreed form: {seen}",
                       "核对 settings.list 的 since 与 time / check since and time of settings.list")  # fmt: skip
    return Finding(name, True, f"{count} 条，编号和时间读得出 / rows whose id and time can be read")


def _clock(skew: timedelta, tolerated: timedelta) -> Finding:
    ok = abs(skew) <= tolerated
    remedy = "" if ok else "校准本机时钟（NTP） / set this server's clock"
    return Finding("时钟 clock", ok, f"平台比本机 / platform minus us: {skew.total_seconds():+.0f} s", remedy)
