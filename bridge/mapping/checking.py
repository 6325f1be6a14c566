"""A mapping's deeper check: what the model alone cannot tell, all at once, each with file, line, key and remedy.

Only real mistakes are problems: what would be refused, lost or never reached once records flow. This module must not
know a platform.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.documents import Document, Problem
from bridge.mapping.edit_checks import check_edits
from bridge.mapping.field_checks import check_fields
from bridge.mapping.flow_checks import check_flow
from bridge.mapping.language import Mapping


def check(document: Document, mapping: Mapping) -> list[Problem]:
    """Everything wrong in a mapping whose form is right, in the order of lines. Empty: it may be compiled."""
    return sorted(set(_all(document, mapping)))


def _all(document: Document, mapping: Mapping) -> Iterator[Problem]:
    yield from check_fields(document, mapping)
    yield from check_flow(document, mapping)
    yield from check_edits(document, mapping)
    yield from _check_joins(document, mapping)


def _check_joins(document: Document, mapping: Mapping) -> Iterator[Problem]:
    """Codes that stand in several wire fields have a part for each."""
    for field, rule in mapping.fields.items():
        if rule.join is None or mapping.items is None:
            continue
        for code in mapping.items.codes:
            if len(code.split(rule.join)) != len(rule.wire):
                yield document.problem(
                    ("fields", field, "join"),
                    f"事项代码 {code!r} 不是 {len(rule.wire)} 段 / this item code has not so many parts",
                    rule.join.join(rule.wire),
                    "改正 join、wire 或事项代码 / correct `join`, `wire` or the item's code",
                )
