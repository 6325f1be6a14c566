"""What can be said about a grid platform without writing to it: reach, log-in, clocks, and honestly no more.

This module must not raise for what it finds: a finding with its remedy is the answer.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from adapters.errors import WireError
from adapters.grid import description
from adapters.grid.client import Client
from adapters.grid.verdict import skew_text
from adapters.grid.walk import TIME
from adapters.port import Finding, Probe
from schemas.moment import SHANGHAI

_SKEW = timedelta(seconds=60)


def probe(client: Client) -> Probe:
    """Description, authentication, clock, permission, in this order. `skew`: platform minus us, ± 1 s."""
    findings = [_description(client), _authentication(client), _clock(client), _permission()]
    return Probe(tuple(findings), client.skew)


def _description(client: Client) -> Finding:
    try:
        answer = client.describe()
    except WireError as error:
        return Finding("description", False, error.what, error.remedy)
    if answer.status != 200:
        return Finding(
            "description", False, f"接口描述读取失败 / the description cannot be read (HTTP {answer.status})",
            "检查连接地址与 settings.path / check the connection's address and settings.path",
        )  # fmt: skip
    if hashlib.sha256(answer.body).hexdigest() != description.PINNED[description.WSDL]:
        return Finding(
            "description", True,
            "接口描述与随附版本不同，仍按随附版本收发 / readable, but not the vendored version, which stays in use",
            "与平台核对接口版本 / compare the interface version with the vendor",
        )  # fmt: skip
    return Finding("description", True, "接口描述与随附版本一致 / the description is the vendored one")


def _authentication(client: Client) -> Finding:
    now = client.surroundings.now().astimezone(SHANGHAI)
    since = (now - timedelta(minutes=1)).strftime(TIME)
    try:
        client.query(since, now.strftime(TIME), 1, 1, attempts=1)
    except WireError as error:
        return Finding("authentication", False, error.what, error.remedy)
    return Finding("authentication", True, "登录与查询成功 / log-in and query succeeded")


def _clock(client: Client) -> Finding:
    said = skew_text(client.skew)
    if client.skew is None:
        return Finding("clock", True, f"时钟差{said}")
    if abs(client.skew) > _SKEW:
        return Finding(
            "clock", False, said,
            "校准两边时钟；暂按平台时钟登录 / set both clocks; tokens are dated by the platform's clock meanwhile",
        )  # fmt: skip
    return Finding("clock", True, said)


def _permission() -> Finding:
    return Finding(
        "permission", True,
        "上报与更新权限只能在实际写入时得知，未试 / the right to report and update shows only when writing: not tried",
    )  # fmt: skip
