"""What the contract's files say, as data: which event moves which state, the example codes, the problems' words.

Must not know HTTP or the store.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "contracts" / "enforcement"
CENTRE = "ZHZX"
SCOPES = ("cases.read", "cases.write", "files.read", "files.write")
PRIORITIES = ("low", "normal", "high", "critical")
TEXT_REQUIRED = frozenset({"report", "reject", "cancel", "comment"})
AGENCY_REQUIRED = frozenset({"assign", "transfer", "assist"})
PROBLEM_BASE = "https://zhzf.example/problems/"

PROBLEMS: Mapping[str, tuple[int, str]] = MappingProxyType({
    "invalid-parameter": (400, "查询参数错误"),
    "invalid-cursor": (400, "游标不是本平台发出的"),
    "malformed-body": (400, "请求正文不是合法JSON"),
    "idempotency-key-required": (400, "缺少Idempotency-Key"),
    "idempotency-key-invalid": (400, "Idempotency-Key格式不正确"),
    "digest-mismatch": (400, "内容摘要不符"),
    "invalid-file-name": (400, "文件名不合法"),
    "invalid-token": (401, "访问令牌无效"),
    "insufficient-scope": (403, "权限范围不足"),
    "not-found": (404, "资源不存在"),
    "method-not-allowed": (405, "不支持该方法"),
    "illegal-transition": (409, "当前状态不允许该事件"),
    "illegal-state": (409, "当前状态不允许修改"),
    "idempotency-in-progress": (409, "同一Idempotency-Key的请求正在处理"),
    "cursor-compacted": (410, "游标已失效"),
    "precondition-failed": (412, "案件已被他人修改"),
    "payload-too-large": (413, "内容过大"),
    "unsupported-media-type": (415, "不支持的内容类型"),
    "validation": (422, "字段校验失败"),
    "idempotency-key-reused": (422, "Idempotency-Key已用于另一内容"),
    "precondition-required": (428, "缺少If-Match"),
    "rate-limited": (429, "请求过于频繁"),
    "internal": (500, "系统内部错误"),
    "unavailable": (503, "系统维护中"),
})  # fmt: skip
"""Problem name -> (status, title)."""


@dataclass(frozen=True)
class Contract:
    """transitions: event -> state -> next state, "=" stored and kept, "x" refused. categories, agencies: code -> name."""

    events: tuple[str, ...]
    transitions: Mapping[str, Mapping[str, str]]
    categories: Mapping[str, str]
    agencies: Mapping[str, str]

    def allowed(self, state: str) -> list[str]:
        """Event types that this state takes, in the contract's order."""
        return [event for event in self.events if self.transitions[event][state] != "x"]


def load() -> Contract:
    """The contract as its files say it."""
    table = json.loads((FOLDER / "transitions.json").read_text(encoding="utf-8"))["events"]
    codes = json.loads((FOLDER / "codes.json").read_text(encoding="utf-8"))
    return Contract(
        tuple(table), table,
        {one["code"]: one["name"] for one in codes["categories"]},
        {one["agency"]: one["name"] for one in codes["agencies"]},
    )  # fmt: skip
