"""The check of what a mapping says of changes of fields after creation (`edits`).

This module must not know a platform, nor how an edit is written.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.documents import Document, KeyPath, Problem, nearest
from bridge.mapping.flow_checks import NO_REMARKS
from bridge.mapping.language import Edits, Mapping


def check_edits(document: Document, mapping: Mapping) -> Iterator[Problem]:
    """Every field that can be changed is written and read by the mapping; what cannot is told in a way that exists."""
    edits = mapping.edits
    otherwise, key = (edits.otherwise, ("edits", "otherwise")) if isinstance(edits, Edits) else (edits, ("edits",))
    if otherwise == "remark" and (mapping.operation is None or mapping.operation.remark is None):
        yield document.problem(
            key,
            "没有 operation 无法备注 / no remark without `operation`" if mapping.operation is None else NO_REMARKS,
            "cannot",
            f"改为 cannot / write `{key[-1]}: cannot`",
        )
    if not isinstance(edits, Edits):
        return
    editable = [field for field, rule in mapping.fields.items() if (rule.way == "both" and rule.wire) or rule.person]
    named: list[tuple[KeyPath, str]] = [(("edits", "fields", i), field) for i, field in enumerate(edits.fields)]
    for at, field in named:
        if field not in editable:
            yield document.problem(
                at,
                f"fields 中没有可读可写的 {field!r} / no field of that name that is both read and written",
                nearest(field, editable),
                "改正字段名，或改它的 way / correct the name, or its `way`",
            )
    for i, field in enumerate(edits.never_empty):
        if field not in edits.fields:
            yield document.problem(
                ("edits", "never_empty", i),
                f"{field!r} 不在 edits.fields 中 / is not under edits.fields",
                nearest(field, edits.fields),
                "改正，或在 fields 中补上 / correct it, or add it",
            )
    for i, status in enumerate(edits.at or ()):
        if status not in mapping.stages:
            yield document.problem(
                ("edits", "at", i),
                f"stages 中没有状态 {status!r} / no such status under `stages`",
                nearest(status, mapping.stages),
                "改正，或在 stages 中补上 / correct it, or add it",
            )
