"""What can be said about a city platform without writing to it: log-in, clocks, and honestly no more.

This module must not raise for what it finds: a finding with its remedy is the answer.
"""

from __future__ import annotations

from datetime import timedelta

from adapters.city.client import Client
from adapters.city.verdict import skew_text
from adapters.errors import WireError
from adapters.port import Finding, Probe

_SKEW = timedelta(seconds=60)


def probe(client: Client) -> Probe:
    """Authentication, clock, media, permission. `skew`: platform minus us, ± 1 s."""
    findings = [_authentication(client), _clock(client), _media(client), _permission()]
    return Probe(tuple(findings), client.skew)


def _authentication(client: Client) -> Finding:
    try:
        client.changes(0, 1, attempts=1)
    except WireError as error:
        return Finding("authentication", False, error.what, error.remedy or "查看日志 / see the log")
    return Finding("authentication", True, "登录与读取变更成功 / log-in and reading of changes succeeded")


def _clock(client: Client) -> Finding:
    said = skew_text(client.skew)
    if client.skew is not None and abs(client.skew) > _SKEW:
        return Finding(
            "clock", False, f"时钟：{said}",
            "校准两边时钟；暂按平台时钟登录 / set both clocks; requests are dated by the platform's clock meanwhile",
        )  # fmt: skip
    return Finding("clock", True, f"时钟：{said}")


def _media(client: Client) -> Finding:
    if client.settings.media_base is None:
        return Finding("media", True, "未配置 media_base，不读附件 / media_base is not set: files are not read")
    return Finding("media", True, f"附件只从 {client.settings.media_base} 读取 / files are read from there only")


def _permission() -> Finding:
    return Finding(
        "permission", True,
        "上报与办理权限只能在实际写入时得知，未试 / the right to report and to send steps shows only when writing: not tried",
    )  # fmt: skip
