"""What a platform shows now against what it showed before: new fields, new codes, fields of another form.

Adapters do not read raw bytes again, so a small profile is kept instead of records: paths, forms and codes with the day
on which each was first seen, in a file a platform beside the ledger. This module must not know a platform; the profile
never holds a person's value.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Map
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import orjson
from sqlalchemy import select

from adapters.errors import ConfigError
from adapters.port import Cursor
from bridge.bridged import Bridge
from bridge.ledger.tables import cursors
from bridge.mapping.compiler import wires_of
from bridge.mapping.language import Mapping
from bridge.mapping.observing import FEW, Seen, code_paths_of, observe, persons_of
from bridge.mapping.unlisted import listed
from bridge.sampling import sample
from schemas.moment import SHANGHAI

WARNED = timedelta(days=7)
RECORDS = 500  # a run: what a county's platform changes in a day, and a fair picture of it where it changes more
ENOUGH = 20  # records before a field without a rule is taken to hold codes
ALWAYS = ""  # instead of the first day: it was there when the profile was begun
FORMAT = 1

Kind = Literal["field", "code", "form"]


@dataclass(frozen=True, slots=True)
class Field:
    """One wire path. since: day first seen (ISO, Asia/Shanghai), ALWAYS for what was there from the beginning; forms,
    codes: what -> day first seen; coded: all values so far were codes."""

    since: str
    records: int = 0
    forms: Map[str, str] = field(default_factory=dict)
    codes: Map[str, str] = field(default_factory=dict)
    coded: bool = True


@dataclass(frozen=True, slots=True)
class Profile:
    """What a platform has shown so far. cursor: where the next look begins; mapping: the version at the last look."""

    fields: Map[str, Field]
    cursor: str | None = None
    mapping: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is new: the wire path, the day, what it was before and is now, in forms and codes."""

    kind: Kind
    path: str
    since: str
    before: str
    now: str

    def __str__(self) -> str:
        match self.kind:
            case "field":
                return f"{self.since} 新字段 / new field {self.path}（{self.now}）"
            case "code":
                return f"{self.since} 新代码 / new code {self.path} = {self.now}"
        return f"{self.since} 形式变了 / another form {self.path}: {self.before} → {self.now}"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a platform. first: the profile was begun, so that there is nothing to compare with."""

    read: int
    first: bool
    changes: tuple[Change, ...]


def look_at(bridge: Bridge, slug: str, state: Path) -> Look:
    """Read what changed on the platform since the last look, compare, remember. What is more than RECORDS behind where
    the bridge reads now is passed over. state: the folder of profiles. WireError as the adapter raises it, OSError;
    nothing is remembered then."""
    platform = bridge.platforms[slug]
    mapping, today = platform.translator.mapping, bridge.now().astimezone(SHANGHAI).date()
    file = profile_file(state, slug)
    before = load(file)
    taken = sample(platform.adapter(), Cursor(before.cursor) if before and before.cursor else None, RECORDS)
    after = grown(before, mapping, platform.translator.version, taken.bodies, today)
    cursor = taken.cursor if taken.whole else _present(bridge, slug) or taken.cursor
    save(file, replace(after, cursor=cursor))
    return Look(len(taken.bodies), not (before and before.fields), tuple(changes(after, mapping, today)))


def _present(bridge: Bridge, slug: str) -> str | None:
    with bridge.ledger.begin() as tx:
        found: str | None = tx.execute(select(cursors.c.cursor).where(cursors.c.platform == slug)).scalar()
    return found


def told(seen: Look) -> str:
    """The changes as one line for the task's log; no value but codes stands in it."""
    return "；".join(["平台有变化 / the platform changed", *(str(one) for one in seen.changes)])


def summary(seen: Look) -> dict[str, Any]:
    """Counts for XCom."""
    return {"read": seen.read, "first": seen.first, "changes": len(seen.changes)}


def grown(
    before: Profile | None, mapping: Mapping, version: str, bodies: Iterable[Map[str, Any]], today: date
) -> Profile:
    """The profile with what these records show. An edited mapping says that somebody looked: another form counts as
    known from then on."""
    day = today.isoformat() if before and before.fields else ALWAYS  # a look that saw no record compares with nothing
    fields = dict(before.fields) if before else {}
    if before and before.mapping != version:
        fields = {path: replace(one, forms=dict.fromkeys(one.forms, one.since)) for path, one in fields.items()}
    codes = code_paths_of(mapping)
    for path, seen in observe(bodies, codes, persons_of(mapping)).items():
        fields[path] = _more(fields.get(path) or Field(day), seen, day, path in codes)
    return Profile(fields, before.cursor if before else None, version)


def _more(one: Field, seen: Seen, day: str, listed_codes: bool) -> Field:
    codes = {**dict.fromkeys(seen.codes, day), **one.codes}
    coded = one.coded and seen.coded and (listed_codes or len(codes) <= FEW)
    return Field(one.since, one.records + seen.records, {**dict.fromkeys(seen.forms, day), **one.forms},
                 codes if coded else {}, coded)  # fmt: skip


def changes(profile: Profile, mapping: Mapping, today: date) -> Iterator[Change]:
    """What is new for at most WARNED and not covered by the mapping, in the order of paths."""
    edge = (today - WARNED).isoformat()
    fresh = {path for path, one in profile.fields.items() if one.since >= edge}
    covered, typed, known = _covered(mapping), _typed(mapping), listed(mapping)
    for path, one in sorted(profile.fields.items()):
        above = path.rpartition(".")[0].removesuffix("[]")
        if "." in path.partition("[].")[2] and path not in covered:
            continue  # what stands deeper in a list's members differs with their kind
        if path in fresh and path not in covered and above not in fresh and not _inside(path, mapping.ignored):
            yield Change("field", path, one.since, "", "、".join(one.forms) or "empty")
        if path not in fresh or path in covered:
            yield from _forms(path, one, edge, typed.get(path))
        is_listed = known.get(path)
        for code, since in one.codes.items():
            if since < edge:
                continue
            if is_listed(code) if is_listed else path in fresh or path in covered or _inside(path, mapping.ignored) \
                    or one.records < ENOUGH or 2 * len(one.codes) > one.records:  # fmt: skip
                continue
            yield Change("code", path, since, "", code)


def _forms(path: str, one: Field, edge: str, kind: Literal["time", "number"] | None) -> Iterator[Change]:
    was = {_as(form, kind) for form, since in one.forms.items() if since < edge or since == one.since}
    for form, since in one.forms.items():
        if since >= edge and since != one.since and was and _as(form, kind) not in was:
            yield Change("form", path, since, "、".join(sorted(was)), _as(form, kind))


def _as(form: str, kind: Literal["time", "number"] | None) -> str:
    """A form as finely as its field is read: a free text that looks like a number is no change."""
    if kind == "time":
        return form
    if form in ("number", "epoch_s", "epoch_ms") or (kind == "number" and form == "numeral"):
        return "number"
    return "text" if form == "numeral" or form.startswith("time") else form


def _typed(mapping: Mapping) -> dict[str, Literal["time", "number"]]:
    """The paths that are read as times and as numbers."""
    typed: dict[str, Literal["time", "number"]] = {}
    for rule in mapping.fields.values():
        if rule.convert in ("time", "epoch_ms", "epoch_s"):
            typed |= dict.fromkeys(rule.wire, "time")
        elif rule.convert in ("point", "number"):
            typed |= dict.fromkeys(rule.wire, "number")
    typed[f"{mapping.entries.rows}[].{mapping.entries.at}"] = "time"
    return typed | ({mapping.record.changed: "time"} if mapping.record.changed else {})


def _covered(mapping: Mapping) -> set[str]:
    """The paths that the mapping reads or leaves aside, their structures, and the parts of history entries and files."""
    paths, entries = wires_of(mapping), mapping.entries
    doings = [doing for rule in entries.read for doing in rule.actions]
    parts = [entries.key, entries.at, entries.recorded, entries.status, entries.before, entries.code, entries.operator,
             entries.department, entries.opinion, entries.files, mapping.verdicts.satisfied, mapping.verdicts.score,
             *(doing.lead for doing in doings), *(doing.due for doing in doings)]  # fmt: skip
    paths |= {f"{entries.rows}[].{part}" for part in parts if part}
    for rule in mapping.fields.values():
        paths |= {f"{wire}[].{part}" for wire in rule.wire for part in (*rule.files.values(), *rule.pairs)}
    return paths | {path[:at] for path in paths for at, sign in enumerate(path) if sign == "."}


def _inside(path: str, structures: Iterable[str]) -> bool:
    return any(path == one or path.startswith((f"{one}.", f"{one}[].")) for one in structures)


def load(file: Path) -> Profile | None:
    """The profile, None where none was begun. ConfigError for a file that cannot be read as one."""
    try:
        held = orjson.loads(file.read_bytes())
        if held.pop("format") != FORMAT:
            raise ValueError("format")
        return Profile({path: Field(**one) for path, one in held.pop("fields").items()}, **held)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"平台画像无法识别 / the profile cannot be read: {file} ({type(error).__name__})", where=file.name,
            remedy="删除该文件，下次运行重新记录 / delete the file: the next run begins it anew",
        ) from None  # fmt: skip


def save(file: Path, profile: Profile) -> None:
    """Written whole or not at all, for its owner's eyes. OSError if it cannot be."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(orjson.dumps({"format": FORMAT, **asdict(profile)}, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2))
    fresh.replace(file)


def profile_file(state: Path, slug: str) -> Path:
    """Where a platform's profile is kept."""
    return state / f"{slug}.profile.json"
