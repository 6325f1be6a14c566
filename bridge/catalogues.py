"""The item catalogues of config/catalogues: read whole, judged together, and one item found in another catalogue.

A matter recorded by one county's code reaches another platform under that platform's code: by a declared link, by a
matter that both are linked to, by a coarser item that covers it, else by the declared *other*. This module must not
know a platform or a mapping.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.divisions import Divisions
from bridge.documents import Document, KeyPath, Problem, Problems, load, model, nearest
from schemas.catalogue import Catalogue, CatalogueItem, Link

SHIPPED = Path(__file__).resolve().parent.parent / "config" / "catalogues"


@dataclass(frozen=True, slots=True)
class LoadedCatalogue:
    """A catalogue whose form is right, and where each key of it stands."""

    catalogue: Catalogue
    document: Document


@dataclass(frozen=True, slots=True)
class Found:
    """An item in another catalogue. how: `same` (the same matter, by a link or by its name), `covered` (a coarser item
    that covers it), `other` (both are their catalogue's last resort) or `none` (nothing fits: the last resort, which
    says less than was said)."""

    code: str
    name: str
    how: str


@dataclass(frozen=True, slots=True)
class Catalogues:
    """All catalogues that can be read, by name, and what is wrong in any of them."""

    loaded: Mapping[str, LoadedCatalogue]
    problems: Mapping[Path, tuple[Problem, ...]]

    def names(self) -> list[str]:
        """The names of all catalogue files, faulty ones too."""
        return sorted({*self.loaded, *(path.stem for path in self.problems)})

    def faulty(self, name: str) -> Problem | None:
        """The first problem of a catalogue; None if it is right."""
        return next((found[0] for path, found in self.problems.items() if path.stem == name), None)

    def items(self) -> Iterator[tuple[Link, CatalogueItem]]:
        """Every item of every catalogue."""
        for name, one in self.loaded.items():
            for code, item in one.catalogue.items.items():
                yield Link(name, code), item

    def towards(self, target: str) -> dict[Link, Found]:
        """What items of the other catalogues are in `target`: all that are linked to it in some way, and each
        catalogue's last resort. KeyError if there is no such catalogue."""
        catalogue = self.loaded[target].catalogue
        same: dict[Link, str] = {}
        covered: dict[Link, str] = {}
        named = {item.name: code for code, item in catalogue.items.items()}
        for own, item in catalogue.items.items():
            same |= dict.fromkeys((*item.same_as, Link(target, own)), own)
            covered |= dict.fromkeys(item.covers, own)
        found: dict[Link, Found] = {}
        for link, item in self.items():
            if link.catalogue == target:
                continue
            # its own link first, then what it is linked to, its name, coarser items: the nearest meaning wins
            meanings = (link, *item.same_as)
            code = next((same[one] for one in meanings if one in same), named.get(item.name))
            how = "same"
            if code is None:
                code, how = next((covered[one] for one in meanings if one in covered), None), "covered"
            if code is None and link.code == self.loaded[link.catalogue].catalogue.other:
                code, how = catalogue.other, "other"
            if code is not None:
                found[link] = Found(code, catalogue.items[code].name, how)
        return found

    def find(self, item: Link, target: str) -> Found:
        """One item in another catalogue; the last resort (`none`) where nothing is declared."""
        catalogue = self.loaded[target].catalogue
        last = Found(catalogue.other, catalogue.items[catalogue.other].name, "none")
        return self.towards(target).get(item, last)


def read(folders: Sequence[Path], areas: Divisions | None = None) -> Catalogues:
    """The catalogues of these folders and of the product; a name is taken from the first folder that has it.

    areas: the counties that exist; None: not looked up. Never raises for what a file says.
    """
    problems: dict[Path, list[Problem]] = defaultdict(list)
    loaded: dict[str, LoadedCatalogue] = {}
    for path in _files((*folders, SHIPPED)):
        try:
            document = load(path)
            loaded[path.stem] = LoadedCatalogue(model(document, Catalogue), document)
        except Problems as error:
            problems[path] += error.problems
    names = {*loaded, *(path.stem for path in problems)}
    for name, one in loaded.items():
        own = one.document.path.parent in folders  # another city's list of areas has no say on the product's files
        problems[one.document.path] += _judge(name, one, loaded, names, areas if own else None)
    told = {path: tuple(sorted(set(found))) for path, found in problems.items() if found}
    return Catalogues({name: one for name, one in loaded.items() if one.document.path not in told}, told)


def _files(folders: Sequence[Path]) -> list[Path]:
    first: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            if not path.name.startswith("."):
                first.setdefault(path.stem, path)
    return [first[name] for name in sorted(first)]


def _judge(
    name: str, one: LoadedCatalogue, loaded: Mapping[str, LoadedCatalogue], names: set[str], areas: Divisions | None
) -> Iterator[Problem]:
    catalogue, document = one.catalogue, one.document
    if catalogue.catalogue != name:
        yield document.problem(("catalogue",), f"{catalogue.catalogue!r} 与文件名不同 / is not the file's name", name,
                               f"写作 / write catalogue: {name}")  # fmt: skip
    if catalogue.other not in catalogue.items:
        yield document.problem(("other",), f"没有这个事项代码 / no item {catalogue.other!r}",
                               nearest(catalogue.other, catalogue.items), "改正，或补上该事项 / correct it, or add it")  # fmt: skip
    if areas is not None and catalogue.county and not areas.exists("county", catalogue.county):
        yield document.problem(
            ("county",), f"行政区划中没有这个县区 / divisions.csv has no county {catalogue.county!r}",
            areas.near("county", catalogue.county), "改正，或补入 config/divisions.csv / correct it, or add it there",
        )  # fmt: skip
    first_name: dict[str, str] = {}
    claimed: dict[Link, str] = {}
    for code, item in catalogue.items.items():
        if (known := first_name.setdefault(item.name, code)) != code:
            yield document.problem(
                ("items", code, "name"), f"名称与事项 {known} 相同 / item {known} has the same name", "",
                "改名：往来平台按名称对应 / rename one: platforms are matched by names",
            )  # fmt: skip
        for kind in ("same_as", "covers"):
            for index, link in enumerate(getattr(item, kind)):
                key: KeyPath = ("items", code, kind, index)
                yield from _judge_link(document, key, name, link, loaded, names)
                if (holder := claimed.setdefault(link, code)) != code:
                    yield document.problem(
                        key, f"{link} 已归入事项 {holder} / item {holder} has it already", "",
                        "只留一处，否则不知写成哪一项 / keep one: nobody could say which of the two is meant",
                    )  # fmt: skip


def _judge_link(
    document: Document, key: KeyPath, own: str, link: Link, loaded: Mapping[str, LoadedCatalogue], names: set[str]
) -> Iterator[Problem]:
    if link.catalogue == own:
        yield document.problem(key, f"{link} 是本目录的事项 / is an item of this very catalogue", "",
                               "只写别的目录 / name other catalogues only")  # fmt: skip
    elif link.catalogue not in names:
        yield document.problem(key, f"没有这个目录 / no catalogue {link.catalogue!r}", nearest(link.catalogue, names),
                               "改正 / correct it")  # fmt: skip
    elif link.catalogue in loaded and link.code not in (there := loaded[link.catalogue].catalogue.items):
        near = nearest(link.code, [f"{code} {item.name}" for code, item in there.items()])
        yield document.problem(key, f"目录 {link.catalogue} 中没有事项 {link.code!r} / no such item there", near,
                               "改正 / correct it")  # fmt: skip
