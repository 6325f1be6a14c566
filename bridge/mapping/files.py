"""A mapping by name: its file, what it extends, checked whole, compiled on first use.

An overlay names its base with `extends:`; chains are fine, circles are a problem. Names are looked for in the folder
given first, then in the next one. `items` are drawn from the catalogue that they name. This module must not know which
platform uses a mapping.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from bridge.catalogues import Catalogues
from bridge.catalogues import read as read_catalogues
from bridge.documents import Document, Problem, Problems, load, model, nearest, overlay, real_key
from bridge.mapping.checking import check
from bridge.mapping.drawing import drawn
from bridge.mapping.language import Mapping
from bridge.mapping.translator import Translator

MOST_PASSES = 5


@dataclass(frozen=True)
class LoadedMapping:
    """A mapping without problems. files: its own file first, then what it extends, in order. version: sha256 hex of
    all of them and of the items drawn from the catalogue."""

    name: str
    document: Document
    mapping: Mapping
    files: tuple[Path, ...]
    version: str

    @cached_property
    def translator(self) -> Translator:
        """Compiled once."""
        return Translator(self.mapping, self.version)


def names_in(folders: Sequence[Path]) -> list[str]:
    """The names of all mappings in these folders."""
    return sorted({path.stem for folder in folders for path in folder.glob("*.yaml") if not path.name.startswith(".")})


def path_of(name: str, folders: Sequence[Path]) -> Path | None:
    """The file of a mapping, from the first folder that has it."""
    return next((path for folder in folders if (path := folder / f"{name}.yaml").is_file()), None)


def load_mapping(name: str, folders: Sequence[Path], catalogues: Catalogues | None = None) -> LoadedMapping:
    """One mapping, whole. Problems: everything wrong in it, and in what it extends, at once. catalogues: where its
    items may be drawn from; those of the product where none are given."""
    path = path_of(name, folders)
    if path is None:
        raise Problems([Problem(str(folders[0] / f"{name}.yaml"), 1, "", "没有这个映射文件 / no such mapping file",
                                nearest(name, names_in(folders)), "检查名称 / check the name")])  # fmt: skip
    chain = _chain(path, folders)
    document = chain[-1]
    for above in reversed(chain[:-1]):
        document = overlay(document, above)
    document, problems = drawn(document, read_catalogues(()) if catalogues is None else catalogues)
    try:
        mapping = model(document, Mapping)
    except Problems as broken:
        raise Problems({*problems, *broken.problems, *_the_rest(document)}) from None
    without_items = bool(problems) and mapping.items is None  # what follows from their absence is not told
    problems += [one for one in check(document, mapping) if not (without_items and "items" in str(one))]
    if mapping.mapping != path.stem:
        found = f"{mapping.mapping!r} 与文件名不同 / is not the file's name"
        problems.append(document.problem(("mapping",), found, path.stem, f"写作 / write mapping: {path.stem}"))
    if problems:
        raise Problems(problems)
    files = tuple(one.path for one in chain)
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    digest.update(json.dumps(document.data.get("items"), sort_keys=True).encode())
    return LoadedMapping(name, document, mapping, files, digest.hexdigest())


def _the_rest(document: Document) -> list[Problem]:
    """What else is wrong, once the parts that do not even fit the language are left aside: all is told at once. What
    merely follows from their absence (it names them) is not."""
    left, gone = document, set[str]()
    for _ in range(MOST_PASSES):
        try:
            found = check(left, Mapping.model_validate(left.data))
        except ValidationError as error:
            keys = {real_key(left, one["loc"]) for one in error.errors(include_url=False)}
            gone |= {str(part) for key in keys for part in key[-1:]}
            smaller = left.without(keys)
            if smaller is None:
                return []
            left = smaller
        else:
            return [one for one in found if not any(name in str(one) for name in gone)]
    return []


def _chain(path: Path, folders: Sequence[Path]) -> list[Document]:
    """The file and what it extends, nearest first."""
    chain = [load(path)]
    while (base := chain[-1].data.get("extends")) is not None:
        top = chain[-1]
        found = path_of(base, folders) if isinstance(base, str) else None
        if found is None:
            raise Problems([top.problem(("extends",), f"没有这个映射 / no mapping {base!r}",
                                        nearest(str(base), [n for n in names_in(folders) if n != top.path.stem]),
                                        "检查名称 / check the name")])  # fmt: skip
        if found in [one.path for one in chain]:
            circle = " → ".join([*(one.path.stem for one in chain), found.stem])
            raise Problems([top.problem(("extends",), f"循环继承 / extends in a circle: {circle}", "",
                                        "去掉其中一处 extends / remove one `extends`")])  # fmt: skip
        chain.append(load(found))
    return chain
