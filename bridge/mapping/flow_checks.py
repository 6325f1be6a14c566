"""The check of what a mapping says of the way a call goes: statuses, history entries, operations, actions.

This module must not know a platform, nor how a plan is found.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator

from bridge.documents import Document, KeyPath, Problem, nearest
from bridge.mapping.language import CANONICAL, EntryRule, EntryWhen, Mapping, Sending
from bridge.mapping.operations import entry_code
from schemas.lifecycle import ActionKind, Stage

RETURNS = ("caller", "centre", "department")
PHASES = ("requested", "refused")
KEYS = frozenset(
    {*ActionKind, *(f"RETURN.{to}" for to in RETURNS), *(f"{kind}.{phase}" for kind in ActionKind for phase in PHASES)}
)
"""What `moves` and `cannot` may be about."""

LIKE_A_TYPO = 0.85
NO_REMARKS = "operation 未写 remark，不能备注 / `operation` names no remark, so nothing can be told as one"


def check_flow(document: Document, mapping: Mapping) -> Iterator[Problem]:
    """Everything wrong under `stages`, `admit`, `entries`, `create`, `operation`, `workflow`, `moves`, `shows`."""
    yield from _check_statuses(document, mapping)
    yield from _check_entries(document, mapping)
    yield from _check_history(document, mapping)
    yield from _check_operation(document, mapping)
    yield from _check_moves(document, mapping)


def one_way(mapping: Mapping) -> list[str]:
    """Canonical actions that are told but never read back, or read but never told: to show, no mistake."""
    read = {key for rule in mapping.entries.read for key in _keys_read(rule)}
    told = {key for key in mapping.moves if key.split(".")[-1] not in PHASES}
    told |= {f"RETURN.{to}" for to in RETURNS} if "RETURN" in told else set()
    told.discard("RETURN")
    return sorted(f"{key}：只写 / only told" for key in told - read) + sorted(
        f"{key}：只读 / only read" for key in read - told
    )


def _keys_read(rule: EntryRule) -> Iterator[str]:
    if rule.action:
        yield f"RETURN.{RETURNS[0]}" if rule.action is ActionKind.RETURN else str(rule.action)
    for doing in rule.actions:
        if doing.phase == "granted":
            yield f"RETURN.{doing.to or RETURNS[0]}" if doing.kind is ActionKind.RETURN else str(doing.kind)


def _check_statuses(document: Document, mapping: Mapping) -> Iterator[Problem]:
    """Every status that something names stands under `stages`, and every canonical stage is shown somehow."""
    spec, create, operation = mapping.entries, mapping.create, mapping.operation
    named: list[tuple[KeyPath, str]] = []
    for index, rule in enumerate(spec.read):
        at: KeyPath = ("entries", "read", index, "when")
        named += [((*at, "status"), status) for status in rule.when.status or ()]
        named += [((*at, "before"), status) for status in rule.when.before or ()]
    if mapping.admit and spec.code is None:
        named += [(("admit", "entry"), status) for status in mapping.admit.entry]
    if create:
        named.append((("create", "status"), create.status))
        if spec.code is None:
            named += [
                (("create", "entries", i, "code"), e["code"]) for i, e in enumerate(create.entries) if "code" in e
            ]
    for status, ways in mapping.workflow.items():
        named.append((("workflow", status), status))
        named += [(("workflow", status, code), after) for code, after in ways.items()]
    for stage, statuses in mapping.shows.items():
        named += [(("shows", stage), status) for status in statuses]
    if operation and operation.remark_at:
        named += [(("operation", "remark_at"), status) for status in operation.remark_at]
    for key, status in named:
        if status not in mapping.stages:
            yield document.problem(
                key,
                f"stages 中没有状态 {status!r} / no such status under `stages`",
                nearest(status, mapping.stages),
                "改正，或在 stages 中补上 / correct it, or add it",
            )
    if operation is None:
        return
    for stage in Stage:
        if stage not in mapping.stages.values() and stage not in mapping.shows and stage not in mapping.cannot:
            yield document.problem(
                ("stages",),
                f"没有状态表示 {stage} / no status shows {stage}",
                "",
                "在 shows 中声明由哪些状态代替，或写入 cannot / declare under `shows` what stands for it, "
                "or under `cannot` why not",
            )


def _check_entries(document: Document, mapping: Mapping) -> Iterator[Problem]:
    spec = mapping.entries
    needs = {
        "status": spec.status,
        "moved": spec.status,
        "before": spec.before or spec.status,
        "code": spec.code,
        "by_lead": spec.department,
        "mark": spec.opinion,
    }
    operations = {code for ways in mapping.workflow.values() for code in ways}
    operations |= {*mapping.operation.entries.values()} if mapping.operation else set()
    for index, rule in enumerate(spec.read):
        key: KeyPath = ("entries", "read", index)
        for condition, source in needs.items():
            if getattr(rule.when, condition) is not None and source is None:
                yield document.problem(
                    (*key, "when", condition),
                    "entries 未写它在哪个字段 / `entries` names no field for it",
                    "",
                    f"补上 entries.{condition} 的字段，或删去 / name its field, or remove it",
                )
        said = [word for word in ("action", "actions", "ignore") if getattr(rule, word)]
        if len(said) != 1:
            yield document.problem(
                key,
                f"应有且仅有一种结果 / exactly one result is needed, found: {', '.join(said) or '无 / none'}",
                "action, actions, ignore",
                "保留一种 / keep one",
            )
        for number, doing in enumerate(rule.actions):
            if doing.to is not None and doing.kind is not ActionKind.RETURN:
                yield document.problem(
                    (*key, "actions", number, "to"),
                    f"{doing.kind} 没有去向 / has no `to`",
                    "RETURN",
                    "删去 to / remove it",
                )
            if doing.verdict and not mapping.verdicts.result and not mapping.verdicts.solved:
                yield document.problem(
                    (*key, "actions", number, "verdict"),
                    "缺少 verdicts / the mapping has no verdicts",
                    "",
                    "加上 verdicts / add the section `verdicts`",
                )
        if (earlier := next((i for i in range(index) if _covers(spec.read[i].when, rule.when)), None)) is not None:
            line = document.where(("entries", "read", earlier))[1]
            yield document.problem(
                key,
                f"永远轮不到：第 {line} 行的规则在先 / never fits: the rule of line {line} stands before it",
                "",
                "移到它之前，或删去 / move it before that one, or remove it",
            )
        for code in rule.when.code or ():
            near = difflib.get_close_matches(code, operations, n=1, cutoff=LIKE_A_TYPO)
            if code not in operations and near and len(code) > 3:
                yield document.problem(
                    (*key, "when", "code"),
                    f"没有代码 {code!r}，疑为笔误 / unknown, looks like a slip",
                    near[0],
                    "改正 / correct it",
                )


def _check_history(document: Document, mapping: Mapping) -> Iterator[Problem]:
    """A history or the latest state, one of the two; what is created only takes no operation."""
    said = "entries" in mapping.model_fields_set
    if said == (mapping.latest is not None):
        yield document.problem(
            ("entries",),
            "entries 与 latest 应有且仅有一个 / one of `entries` and `latest`, not both and not neither",
            "entries, latest",
            "有办理过程的平台写 entries，只显示最新状态的写 latest / `entries` for a history, `latest` for the state alone",
        )
    if mapping.latest and mapping.latest.words and mapping.latest.words not in mapping.fields:
        yield document.problem(
            ("latest", "words"),
            f"fields 中没有 {mapping.latest.words!r} / `fields` does not read it",
            nearest(mapping.latest.words, mapping.fields),
            f"写呼应的字段（fields 左边的），没有就加一行，如 reply_public: {{wire: {mapping.latest.words}, way: read}} "
            "/ name a canonical field, on the left of `fields`; add such a line if there is none",
        )
    if mapping.created_only and (mapping.operation is not None or mapping.create is None):
        yield document.problem(
            ("created_only",),
            "只用于有 create、没有 operation 的平台 / for platforms with `create` and without `operation` only",
            "",
            "删去 created_only，或删去 operation / remove one of the two",
        )


def _covers(earlier: EntryWhen, later: EntryWhen) -> bool:
    """Does the earlier condition hold whenever the later one does?"""
    for name in type(earlier).model_fields:
        wanted, given = getattr(earlier, name), getattr(later, name)
        if wanted is None:
            continue
        if given is None:
            return False
        fits = (
            set(given) <= set(wanted)
            if isinstance(wanted, list)
            else given.startswith(wanted)
            if isinstance(wanted, str)
            else given == wanted
        )
        if not fits:
            return False
    return True


def _check_operation(document: Document, mapping: Mapping) -> Iterator[Problem]:
    yield from _format(document, ("number_remark",), mapping.number_remark, platform="p", number="1")
    operation = mapping.operation
    if operation is None:
        for key in ("moves", "workflow"):
            if getattr(mapping, key):
                yield document.problem(
                    (key,),
                    "缺少 operation / there is no `operation` to carry this out",
                    "",
                    f"加上 operation，或删去 {key} / add the section, or remove `{key}`",
                )
        return
    yield from _format(document, ("operation", "elsewhere"), operation.elsewhere, names="x")
    if operation.file:
        yield from _format(document, ("operation", "file", "words"), operation.file.words, name="x")
    codes = _codes(mapping)
    if operation.remark is not None and operation.remark not in ("same", *codes):
        yield _unknown(document, ("operation", "remark"), operation.remark, codes)
    everywhere = operation.remark_at is not None or any(status in ways for status, ways in mapping.workflow.items())
    if operation.remark == "same" and not everywhere:
        yield document.problem(
            ("operation", "remark"),
            "workflow 中没有一个状态写着它自己，备注永远发不出去 / no status under `workflow` leads to itself, so no remark can be told",
            "",
            "在可以备注的状态下补一行，如 \"1\": {\"1\": \"1\", …}，或写 remark_at / add it to the statuses that take a remark, or say "
            "`remark_at`",
        )
    if operation.distinct_times and operation.at is None:
        yield document.problem(("operation", "distinct_times"), "operation 未写 at / `operation` names no time", "", "补上 at / add it")
    for code in operation.entries:
        if code not in codes and (code != "same" or operation.remark != "same"):
            yield _unknown(document, ("operation", "entries", code), code, codes)
    yield from _check_echoes(document, mapping)
    for index, code in enumerate(operation.opinion_needed):
        if code != "same" and code not in codes:
            yield _unknown(document, ("operation", "opinion_needed", index), code, codes)
    for index, field in enumerate(operation.touches):
        if field not in CANONICAL:
            yield document.problem(
                ("operation", "touches", index),
                f"没有这个字段 / no canonical field {field!r}",
                nearest(field, CANONICAL),
                "改正字段名 / correct the name",
            )


def _check_echoes(document: Document, mapping: Mapping) -> Iterator[Problem]:
    """Our own operations are known again by the code of the entry that they leave: no rule for it means another code."""
    if mapping.entries.code is None or mapping.operation is None:
        return
    known = {code for rule in mapping.entries.read for code in rule.when.code or ()} | {*(mapping.entries.keeps or ())}
    known |= {*mapping.stages} if mapping.entries.code == mapping.entries.status else set()
    moving = {code: after for status, ways in mapping.workflow.items() for code, after in ways.items() if after != status}
    strange = sorted(code for code, after in moving.items() if entry_code(mapping, code, "", after) not in known)
    codes = _codes(mapping)
    slips = {near for code in known - codes if len(code) > 3 for near in difflib.get_close_matches(code, codes, 1, LIKE_A_TYPO)}
    if known and not slips.issuperset(strange):  # where all rules go by statuses nothing tells how the codes are called
        yield document.problem(
            ("operation", "entries" if mapping.operation.entries else "code"),
            f"没有规则说到这些操作在过程里的代码 / no rule of the history has the codes of these operations: {', '.join(strange)}",
            ", ".join(sorted(known)),
            "过程里另有叫法的，写 operation.entries: {操作: 过程里的代码}；叫法相同的，在 entries.read 补一条 when.code。"
            "对不上时，我方写入会被当成别人办的 / say in operation.entries how the history calls them, or add a rule with that code; "
            "else our own writes are taken for somebody's",
        )


def _codes(mapping: Mapping) -> set[str]:
    return {code for ways in mapping.workflow.values() for code in ways}


def _unknown(document: Document, key: KeyPath, code: str, codes: Iterable[str]) -> Problem:
    return document.problem(
        key,
        f"workflow 中没有操作 {code!r} / no such operation under `workflow`",
        nearest(code, codes),
        "改正，或在 workflow 中补上 / correct it, or add it",
    )


def _format(document: Document, key: KeyPath, text: str, **names: str) -> Iterator[Problem]:
    check: Callable[..., str] = text.format
    try:
        check(**names)
    except (KeyError, IndexError, ValueError, AttributeError):
        yield document.problem(
            key,
            f"花括号有误 / wrong braces: {text!r}",
            ", ".join(f"{{{n}}}" for n in names),
            "只用可用的名称 / use these names only",
        )


def _check_moves(document: Document, mapping: Mapping) -> Iterator[Problem]:
    for section in ("moves", "cannot"):
        for key in getattr(mapping, section):
            if key not in KEYS and not (section == "cannot" and key in set(Stage)):
                yield document.problem(
                    (section, key),
                    f"没有这个动作 / no canonical action {key!r}",
                    nearest(key, KEYS),
                    "改正 / correct it",
                )
    for key in mapping.cannot:
        if key in mapping.moves:
            yield document.problem(
                ("cannot", key),
                "moves 中已说明如何告知 / `moves` says how it is told",
                "",
                "二者保留其一 / keep one of the two",
            )
    if mapping.operation is None:
        return
    codes = _codes(mapping)
    for key, sending in mapping.moves.items():
        yield from _check_sending(document, mapping, ("moves", key), sending, codes)
    declared = {*mapping.moves, *mapping.cannot}
    wanted = [str(kind) for kind in ActionKind if kind is not ActionKind.RETURN]
    wanted += [f"RETURN.{to}" for to in RETURNS]
    missing = [key for key in wanted if key not in declared and key.split(".")[0] not in declared]
    if missing:
        yield document.problem(
            ("moves",),
            f"未声明的动作 / not declared: {', '.join(missing)}",
            "moves, cannot",
            "在 moves 中写如何告知，或在 cannot 中写原因 / say under `moves` how each is told, or under "
            "`cannot` why it cannot be",
        )


def _check_sending(
    document: Document, mapping: Mapping, key: KeyPath, sending: Sending, codes: set[str]
) -> Iterator[Problem]:
    assert mapping.operation
    if sending.operation is not None and sending.operation not in codes:
        yield _unknown(document, (*key, "operation"), sending.operation, codes)
    if sending.operation is None and mapping.operation.remark is None:
        yield document.problem(key, NO_REMARKS, "cannot", "移到 cannot，写明原因 / move it to `cannot` and say why")
    if sending.due != "no" and mapping.operation.due is None:
        yield document.problem(
            (*key, "due"),
            "operation 未写时限字段 / `operation` names no field for a limit",
            "no",
            "补上 operation.due / add `operation.due`",
        )
    asked = "department" in sending.model_fields_set and sending.department != "none"
    if asked and (mapping.departments is None or mapping.operation.department is None):
        yield document.problem(
            (*key, "department"),
            "缺少 departments 或 operation.department / one is missing",
            "none",
            "补上，或写 none / add it, or write `none`",
        )
    if sending.verdict and not mapping.verdicts.result:
        yield document.problem(
            (*key, "verdict"),
            "缺少 verdicts.result / the mapping has no words for a verdict",
            "",
            "补上 verdicts / add the section `verdicts`",
        )
