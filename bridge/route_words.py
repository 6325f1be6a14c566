"""A route's condition, and what was found instead, in words that officials understand: Chinese first.

This module must not know how a condition is judged, nor a platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bridge.fields import LABELS, URGENCY

FITS = "符合 / fits："
NONE_OF_ANY = "下列条件无一符合 / none of these holds："
EXCLUDED = "属于排除的情形 / excluded："
LONGEST = 40  # characters of a value in a reason

FIELDS: Mapping[str, str] = MappingProxyType({
    **LABELS, "text": "标题和内容", "hotline": "热线", "stage": "阶段", "origin": "来源平台", "area.county": "县区",
    "item.catalogue": "事项目录", "item.code": "事项代码", "item.name": "事项名称", "item.class": "事项大类",
    "item.matter": "事项", "lead": "主办部门", "lead.code": "主办部门代码", "lead.name": "主办部门", "assists": "协办部门",
    "tags": "标签", "files": "附件", "reporter": "反映人", "caller": "呼叫人",
})  # fmt: skip
"""What officials call a field; others are told by their key."""

ASKED: Mapping[str, tuple[str, str]] = MappingProxyType({
    "is": ("应为", "is"), "is_not": ("不应为", "is not"), "in": ("应为其中之一", "is one of"),
    "begins": ("应以此开头", "begins with"), "contains": ("应含有其中之一", "contains"), "present": ("应有值", "is given"),
    "absent": ("应为空", "is not given"), "at_least": ("不低于", "is at least"),
})  # fmt: skip

VALUES: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "urgency": URGENCY,
    "stage": {"CALLED": "已呼叫", "ACCEPTED": "已受理", "DISPATCHED": "已派发", "RESPONDED": "已响应", "IN_PROGRESS": "办理中",
              "REPORTED": "已反馈", "CLOSED": "已办结", "RATED": "已评价", "RETURNED": "已退回", "CANCELLED": "已作废"},
    "kind": {"consult": "咨询", "help": "求助", "complaint": "投诉", "report": "举报", "suggestion": "建议", "thanks": "感谢",
             "other": "其他"},
    "channel": {"hotline": "热线", "web": "网站", "app": "手机应用", "wechat": "微信", "grid_inspection": "网格巡查",
                "caller": "呼叫员", "window": "窗口", "exchange": "数据交换", "other": "其他"},
})  # fmt: skip

UNQUOTED = ("text", "title", "description", "place.address", "reporter", "caller")
"""Fields whose value is never repeated in a reason: too long, or about persons."""


def condition_words(field: str, operator: str, wanted: str | tuple[str, ...], names: Mapping[str, str]) -> str:
    """What a condition asks: 镇街应以此开头：371103 岚山区（area.town begins with）. names: of area codes."""
    chinese, english = ASKED[operator]
    values = (wanted,) if isinstance(wanted, str) else wanted
    told = "、".join(_named(field, one, names) for one in values if one)
    return f"{FIELDS.get(field, field)}{chinese}{f'：{told}' if told else ''}（{field} {english}）"


def found_words(field: str, value: Any, names: Mapping[str, str]) -> str:
    """What stands there instead."""
    if value in (None, "", [], {}, ()):
        return "实为空 / is empty"
    if field in UNQUOTED or isinstance(value, Mapping):
        return "实不如此 / it does not"
    values = value if isinstance(value, tuple | list) else (value,)
    text = "、".join(_named(field, str(one), names) for one in values)
    return f"实为 / is {text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}"


def _named(field: str, value: str, names: Mapping[str, str]) -> str:
    name = VALUES.get(field, {}).get(value) or (names.get(value) if field.startswith("area.") else None)
    return f"{value} {name}" if name else value
