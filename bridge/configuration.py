"""Who and where: all counties' files and mappings read at once, with every problem at its file, line and key.

What is wrong in one county's file breaks that county alone. What is wrong between files (a slug claimed twice, a route
to a platform that is not there) takes out just the platforms or the route concerned; a route to a platform whose file
is broken today stays, and what it must learn waits. Nothing here opens a connection,
the ledger or the network.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adapters.registry import ADAPTERS, settings_of
from bridge import catalogues as matters
from bridge import divisions as areas
from bridge.catalogues import Catalogues
from bridge.divisions import Divisions
from bridge.documents import Document, KeyPath, Problem, Problems, load, model, nearest, problems_of
from bridge.mapping.files import LoadedMapping, load_mapping, names_in, path_of
from bridge.route_checks import check_condition, item_values, matters_of, route_of
from bridge.routing import Route
from schemas.county import County, PlatformEntry, RouteEntry

CHECKOUT = Path(__file__).resolve().parent.parent
SHIPPED_CONFIG = CHECKOUT / "config"
SHIPPED_MAPPINGS = CHECKOUT / "mappings"


@dataclass(frozen=True, slots=True)
class ConfiguredPlatform:
    """One platform as its county's file has it. county: 6 digits. start: aware, None = everything. file: that file."""

    slug: str
    title: str
    county: str
    county_name: str
    file: Path
    adapter: str
    mapping: str
    connection: str
    poll: timedelta
    push: timedelta
    start: datetime | None
    tell_numbers: bool
    lag: timedelta
    lease: timedelta
    settings: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What runs, and what does not and why. counties: file -> county, those without problems of their own."""

    counties: Mapping[Path, County]
    platforms: Mapping[str, ConfiguredPlatform]
    routes: tuple[Route, ...]
    mappings: Mapping[str, LoadedMapping]
    problems: Mapping[Path, tuple[Problem, ...]]
    catalogues: Catalogues

    def all_problems(self) -> list[Problem]:
        return sorted(problem for found in self.problems.values() for problem in found)


@dataclass(slots=True)
class _File:
    """One county's file while it is being judged. county: None if its form is wrong. slugs: as far as readable."""

    path: Path
    document: Document | None = None
    county: County | None = None
    slugs: list[tuple[str, KeyPath]] = field(default_factory=list)
    own: list[Problem] = field(default_factory=list)
    between: list[Problem] = field(default_factory=list)


def load_configuration(config: Path, mappings: Path) -> Configuration:
    """Everything under `config` (counties, catalogues, divisions.csv) and `mappings`. Never raises for what a file says:
    see `Configuration.problems`."""
    problems: dict[Path, list[Problem]] = defaultdict(list)
    folders = (mappings,) if mappings.resolve() == SHIPPED_MAPPINGS else (mappings, SHIPPED_MAPPINGS)
    known_areas = _areas(config, problems)
    catalogues = matters.read((config / "catalogues",), known_areas)
    problems.update({path: list(found) for path, found in catalogues.problems.items()})
    loaded, faulty = _mappings(folders, mappings, catalogues, problems)
    files = [_read(path) for path in _county_files(config, problems)]
    for file in files:
        _judge(file, known_areas, folders)
    twice = _claimed_twice(files)
    platforms = _platforms(files, twice, loaded, faulty)
    routes = _routes(files, platforms, known_areas, loaded, catalogues)
    for file in files:
        problems[file.path] += [*file.own, *file.between]
    counties = {file.path: file.county for file in files if file.county is not None and not file.own}
    told = {path: tuple(sorted(set(found))) for path, found in problems.items() if found}
    return Configuration(counties, platforms, tuple(routes), loaded, told, catalogues)


def _county_files(config: Path, problems: dict[Path, list[Problem]]) -> list[Path]:
    folder = config / "counties"
    found = sorted(path for end in ("*.yaml", "*.yml") for path in folder.glob(end) if not path.name.startswith("."))
    if not found:
        problems[folder].append(Problem(str(folder), 1, "", "没有县区文件 / no county files", "*.yaml",
                                        "检查 HUYING_CONFIG / check HUYING_CONFIG"))  # fmt: skip
    return found


def divisions_of(config: Path) -> Path:
    """The folder's own list of areas, else the one that comes with the product."""
    own = config / "divisions.csv"
    return own if own.exists() else SHIPPED_CONFIG / "divisions.csv"


def _areas(config: Path, problems: dict[Path, list[Problem]]) -> Divisions | None:
    path = divisions_of(config)
    try:
        return areas.read(path)
    except Problems as error:
        problems[path] += error.problems
        return None


def _mappings(
    folders: tuple[Path, ...], own: Path, catalogues: Catalogues, problems: dict[Path, list[Problem]]
) -> tuple[dict[str, LoadedMapping], dict[str, Problem]]:
    """All mappings that are right, and the first problem of each that is not."""
    loaded: dict[str, LoadedMapping] = {}
    faulty: dict[str, Problem] = {}
    for name in names_in(folders):
        try:
            loaded[name] = load_mapping(name, folders, catalogues)
        except Problems as error:
            problems[path_of(name, folders) or own] += error.problems
            faulty[name] = error.problems[0]
    return loaded, faulty


def _read(path: Path) -> _File:
    """The file's form; its slugs even where the form is wrong."""
    file = _File(path)
    try:
        file.document = load(path)
    except Problems as error:
        file.own += error.problems
        return file
    for index, entry in enumerate(_listed(file.document, "platforms")):
        if isinstance(entry, dict) and isinstance(entry.get("slug"), str):
            file.slugs.append((entry["slug"], ("platforms", index, "slug")))
    try:
        file.county = model(file.document, County)
    except Problems as error:
        file.own += error.problems
    return file


def _listed(document: Document, key: str) -> list[Any]:
    entries = document.data.get(key)
    return entries if isinstance(entries, list) else []


def _judge(file: _File, known: Divisions | None, folders: tuple[Path, ...]) -> None:
    """What is wrong in the file by itself, even where its form is wrong elsewhere: all problems at once."""
    if (document := file.document) is None:
        return
    code = str(document.data.get("county", ""))
    if known is not None and len(code) == 6 and code.isdigit() and not known.exists("county", code):
        file.own.append(document.problem(
            ("county",), f"行政区划中没有这个县区 / divisions.csv has no county {code!r}", known.near("county", code),
            "改正，或补入 config/divisions.csv / correct it, or add it to divisions.csv",
        ))  # fmt: skip
    for index, entry in enumerate(_listed(document, "platforms")):
        if isinstance(entry, dict):
            file.own += _judge_platform(document, ("platforms", index), entry, folders)
    names: dict[str, int] = {}
    for index, entry in enumerate(_listed(document, "routes")):
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and names.setdefault(name, index) != index:
            first = document.where(("routes", names[name], "name"))[1]
            file.own.append(document.problem(
                ("routes", index, "name"), f"路由名称重复，第 {first} 行已有 / name already used on line {first}",
                remedy="改名 / rename one of them",
            ))  # fmt: skip


def _judge_platform(
    document: Document, key: KeyPath, entry: dict[str, Any], folders: tuple[Path, ...]
) -> list[Problem]:
    problems = []
    mapping, adapter, settings = entry.get("mapping"), entry.get("adapter"), entry.get("settings") or {}
    if isinstance(mapping, str) and path_of(mapping, folders) is None:
        found = f"没有这个映射文件 / no mapping file {mapping}.yaml"
        problems.append(document.problem((*key, "mapping"), found, nearest(mapping, names_in(folders)),
                                         "改正，或在 mappings/ 中新建 / correct it, or add the file"))  # fmt: skip
    if not isinstance(adapter, str):
        return problems
    if adapter not in ADAPTERS:
        found = f"没有这种接口 / no adapter {adapter!r}"
        problems.append(document.problem((*key, "adapter"), found, nearest(adapter, ADAPTERS), "改正 / correct it"))
    elif isinstance(settings, dict):
        kind = settings_of(adapter)
        try:
            kind.model_validate(settings)
        except ValidationError as error:
            problems += problems_of(document, error, kind, (*key, "settings"))
    return problems


def _claimed_twice(files: Iterable[_File]) -> set[str]:
    """Slugs that stand more than once. In one file its own problem; between files neither platform runs until one is
    renamed: what the ledger holds under a slug must never be sent to another platform."""
    places: dict[str, list[tuple[_File, KeyPath]]] = defaultdict(list)
    for file in files:
        for slug, key in file.slugs:
            places[slug].append((file, key))
    for slug, claimed in places.items():
        for file, key in claimed:
            for other, other_key in claimed:
                if (file, key) == (other, other_key) or file.document is None or other.document is None:
                    continue
                where = f"{other.path}:{other.document.where(other_key)[1]}"
                problem = file.document.problem(
                    key, f"短名 {slug!r} 重复，另见 {where} / slug also used there",
                    remedy="改用另一个短名；已启用的不要改 / rename the newer one, never one in use",
                )  # fmt: skip
                (file.own if other is file else file.between).append(problem)
    return {slug for slug, claimed in places.items() if len(claimed) > 1}


def _platforms(
    files: Iterable[_File], twice: set[str], loaded: Mapping[str, LoadedMapping], faulty: Mapping[str, Problem]
) -> dict[str, ConfiguredPlatform]:
    platforms: dict[str, ConfiguredPlatform] = {}
    for file in files:
        if file.county is None or file.document is None or file.own:
            continue
        for index, entry in enumerate(file.county.platforms):
            if entry.mapping not in loaded:
                first = f"{faulty[entry.mapping].file}:{faulty[entry.mapping].line}"
                file.between.append(file.document.problem(
                    ("platforms", index, "mapping"),
                    f"映射有误，平台停用 / the mapping has problems, the platform is left out: {first}",
                    remedy="先改正映射 / mend the mapping first",
                ))  # fmt: skip
            elif (stored := _stored_charset(entry)) != (said := _lossy(loaded[entry.mapping])):
                file.between.append(file.document.problem(
                    ("platforms", index, "mapping"),
                    f"设置与映射对平台数据库字符集说法不一 / settings and mapping differ about the charset of the platform's "
                    f"database: settings {stored or 'Unicode'}, mapping charset {said or 'Unicode'}",
                    remedy=f"另建映射 {{extends: {entry.mapping}, charset: {stored}}} 并用它，或改正 settings / use a mapping that "
                    "says so, or correct the settings" if stored
                    else "去掉映射中的 charset，或在 settings 中写明 / remove the mapping's charset, or say it in settings too",
                ))  # fmt: skip
            elif entry.slug not in twice:
                platforms[entry.slug] = _configured(file.path, file.county, entry)
    return platforms


def _lossy(mapping: LoadedMapping) -> str | None:
    """The charset of a mapping, where it is one that lacks characters."""
    charset = mapping.translator.mapping.charset
    return None if charset == "gb18030" else charset


def _stored_charset(entry: PlatformEntry) -> str | None:
    """What the adapter's settings say of it: characters that are stored as `?` would come back as somebody's edit."""
    settings = settings_of(entry.adapter).model_validate(entry.settings)
    return getattr(settings, "stored_charset", None)


def _configured(path: Path, county: County, entry: PlatformEntry) -> ConfiguredPlatform:
    return ConfiguredPlatform(
        entry.slug, entry.title, county.county, county.name, path, entry.adapter, entry.mapping, entry.connection,
        entry.poll, entry.push, entry.start, entry.tell_numbers, entry.lag, entry.lease, entry.settings,
    )  # fmt: skip


def _routes(
    files: Iterable[_File], platforms: dict[str, ConfiguredPlatform], known: Divisions | None,
    loaded: Mapping[str, LoadedMapping], catalogues: Catalogues,
) -> list[Route]:  # fmt: skip
    """Rules whose form, fields and values are right, from platforms that are there. A file whose rules are wrong in
    themselves loses its platforms too: half of a county's rules must not run."""
    files = list(files)
    declared = {slug: file.path for file in files for slug, _ in file.slugs}
    unreadable = any(file.document is None for file in files)
    matters = matters_of(catalogues)
    listed = {slug: loaded[one.mapping].mapping.items for slug, one in platforms.items()}
    entries: list[tuple[_File, int, RouteEntry]] = []
    for file in files:
        if file.document is None:
            continue
        for index, raw in enumerate(_listed(file.document, "routes")):
            try:
                entry = RouteEntry.model_validate(raw)
            except ValidationError:
                continue  # told with the file's form
            named = [found for slug in entry.sources if (found := listed.get(slug)) is not None]
            # of a source that is left out today nobody can say which items it has
            values = item_values(named, matters) if len(named) == len(entry.sources) else {}
            file.own += check_condition(file.document, ("routes", index, "when"), entry.when, declared, known, values)
            entries.append((file, index, entry))
    broken = {file.path for file in files if file.own}
    for slug in [slug for slug, one in platforms.items() if one.file in broken]:
        del platforms[slug]
    routes = []
    for file, index, entry in entries:
        if file.document is None:
            continue
        key: KeyPath = ("routes", index)
        for name, slug in [("from", slug) for slug in entry.sources] + [("to", entry.to)]:
            if slug not in platforms and (file.path not in broken or slug not in declared):
                file.between.append(_missing(file.document, (*key, name), slug, declared))
        sources = tuple(slug for slug in entry.sources if slug in platforms)
        # a target whose file is broken today is still a target: what it must learn waits in the outbox
        known_target = entry.to in platforms or entry.to in declared or unreadable
        if file.path not in broken and sources and known_target:
            routes.append(replace(route_of(entry, matters), sources=sources))
    return routes


def _missing(document: Document, key: KeyPath, slug: str, declared: Mapping[str, Path]) -> Problem:
    if slug in declared:
        return document.problem(
            key, f"平台 {slug} 停用，发往它的先存着 / it is left out; what goes there waits: {declared[slug]}",
            remedy="先改正那个文件 / mend that file first",
        )  # fmt: skip
    return document.problem(key, f"没有这个平台 / no platform {slug!r}", nearest(slug, declared),
                            "改正短名，或改正含有它的文件 / correct it, or the file that has it")  # fmt: skip
