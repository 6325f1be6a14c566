"""A new REST platform: what its live interface shows, written as the two files it is run by.

Asks through the port only; the adapter recognises the platform, records are read as in every run. What is written was
checked before. Must not know a platform.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from adapters.errors import ConfigError
from adapters.port import Adapter, Connection, Surroundings
from adapters.registry import build_of, recognise_of
from bridge.configuration import CHECKOUT, Configuration, load_configuration
from bridge.documents import Problem, Problems
from bridge.mapping.files import names_in
from bridge.scaffolding.drafts import Draft
from bridge.scaffolding.drawing import CONFIRM, Named, county_text, entry_text, mapping_text
from bridge.scaffolding.guessing import guess
from bridge.scaffolding.observing import observe

ADAPTER = "rest"
MOST = 200
"""Records that are looked at."""
WHOLE = 20
"""Records that are fetched one by one, where the list shows parts of them only."""
PAGES = 20


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of configuration and mappings, and all that there is already."""

    config: Path
    mappings: Path
    present: Configuration


@dataclass(frozen=True, slots=True)
class Proposal:
    """Files to be written; lines: what must be added to a county's file that is there (`file`). notes: what was seen.
    left: what the checks still say. confirm: how many lines a person must look at."""

    drafts: tuple[Draft, ...]
    file: Path | None
    lines: str
    notes: tuple[str, ...]
    left: tuple[Problem, ...]
    confirm: int


def in_the_way(named: Named, places: Places) -> list[Problem]:
    """What forbids the names, told before anything is asked of the platform."""
    return list(_in_the_way(named, places))


def _in_the_way(named: Named, places: Places) -> Iterator[Problem]:
    where, remedy = "huying new platform", "换一个短名 / take another slug"
    if named.slug in places.present.platforms:
        yield Problem(where, 1, "slug", f"已有平台 / there is a platform {named.slug!r}", "", remedy)
    for path, found in places.present.problems.items():
        if path.parent == places.config / "counties" and path not in places.present.counties:
            yield from found  # it may be this county's file: nobody can tell before it is mended
    if named.slug in names_in((places.mappings, CHECKOUT / "mappings")):
        yield Problem(where, 1, "slug", f"已有映射 {named.slug!r} / there is such a mapping", "",
                      f"{remedy}；同一种平台不必重学：映射用 extends / a second county of a known kind: docs/onboarding.md")  # fmt: skip


def propose(
    named: Named, asked: Mapping[str, Any], told: Mapping[str, str], places: Places, connection: Connection,
    surroundings: Surroundings,
) -> Proposal:  # fmt: skip
    """Ask the platform, guess, check. told: role -> wire field, by the person who asks. ConfigError, Unavailable,
    BrokenReply of the wire; Problems for names that are taken."""
    if problems := in_the_way(named, places):
        raise Problems(problems)
    found = recognise_of(ADAPTER)(named.slug, asked, connection, surroundings)
    settings = dict(found.settings)
    records = _records(build_of(ADAPTER)(named.slug, settings, connection, surroundings))
    if not records:
        raise ConfigError("列表是空的，无从推测 / the list is empty, nothing can be guessed", where=named.slug,
                          remedy="先录几条各种状态的记录，再来一次 / enter records in several statuses, then try again")  # fmt: skip
    observed = [one for one in observe(records) if one.path not in (settings["record"]["id"], settings["record"].get("changed"))]
    guessed, notes = guess(observed, told), [*found.notes, f"读了 {len(records)} 条记录 / records read"]
    if unseen := sorted({*told.values()} - {one.path for one in observed}):
        notes.append(f"记录里没有这些字段，核对 --field / no record has these, check --field: {', '.join(unseen)}")
    if "status" not in guessed.roles:
        seen = ", ".join(one.path for one in observed)
        raise ConfigError(f"看不出状态在哪个字段 / which field is the status? {seen}", where=named.slug,
                          remedy="用 --field status=字段名 指出 / name it with --field status=…")  # fmt: skip
    if "reference" in guessed.roles:
        settings["record"] = {**settings["record"], "reference": guessed.roles["reference"].path}
    mapping = mapping_text(named.slug, named.title, settings["record"]["id"], settings["record"].get("changed", ""), guessed,
                           len(records), _schema(places.mappings, "mapping"))  # fmt: skip
    entry = entry_text(named, settings, found.sure)
    county = county_text(named, entry, _schema(places.config / "counties", "county"))
    there = next((path for path, one in places.present.counties.items() if one.county == named.county), None)
    drafts = [Draft(places.mappings / f"{named.slug}.yaml", mapping)]
    if there is None:
        drafts.append(Draft(places.config / "counties" / f"{named.county}.yaml", county))
    return Proposal(
        tuple(drafts), there, entry if there else "", tuple(notes),
        tuple(_checked(named.slug, mapping, county)), (mapping + entry).count(CONFIRM),
    )  # fmt: skip


def _records(adapter: Adapter) -> list[Mapping[str, Any]]:
    """Sample records, whole ones where the list shows parts only."""
    found = list(islice((record for page in islice(adapter.pull(None), PAGES) for record in page.records), MOST))
    if not any(record.partial for record in found):
        return [record.body for record in found]
    whole = [adapter.fetch(record.native_id) for record in found[:WHOLE] if record.native_id]
    return [record.body for record in whole if record is not None]


def _checked(slug: str, mapping: str, county: str) -> Sequence[Problem]:
    """What `huying check` would say of the two files, by the names they will have."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config" / "counties").mkdir(parents=True)
        (folder / "mappings").mkdir()
        (folder / "mappings" / f"{slug}.yaml").write_text(mapping, encoding="utf-8")
        (folder / "config" / "counties" / "new.yaml").write_text(county, encoding="utf-8")
        found = load_configuration(folder / "config", folder / "mappings").all_problems()
        return [Problem(Path(one.file).name, one.line, one.key, one.found, one.allowed, one.remedy) for one in found]


def _schema(folder: Path, kind: str) -> str:
    """The path of a JSON Schema, as an editor finds it from a file in `folder`."""
    schema = CHECKOUT / "schemas" / "json" / f"{kind}.schema.json"
    return os.path.relpath(schema, folder.resolve()) if folder.resolve().is_relative_to(CHECKOUT) else schema.as_uri()
