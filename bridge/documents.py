"""YAML documents with their lines, so that every complaint names file, line and key.

A scalar becomes a number or a truth value only where that changes nothing of what was typed (`05`, `12:30`, `1e3`,
`no`, `2026-10-01` stay text), keys are always text, and a repeated key is an error naming both lines. This module must
not know what a document means; models do.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
Where = tuple[Path, int]
KeyPath = tuple[str | int, ...]
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml reads seven times as fast, where it is built in


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a file: where, what was found, what is allowed, what to do next."""

    file: str
    line: int
    key: str
    found: str
    allowed: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        allowed = f"；可用 / allowed: {self.allowed}" if self.allowed else ""
        remedy = f" → {self.remedy}" if self.remedy else ""
        return f"{self.file}:{self.line}: {self.key or '(file)'}: {self.found}{allowed}{remedy}"


class Problems(Exception):
    """All problems of some files at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data, and where each key of it stands (its file too: overlays mix files)."""

    path: Path
    data: dict[str, Any]
    lines: dict[KeyPath, Where] = field(default_factory=dict)

    def where(self, key: KeyPath) -> Where:
        """The line of a key, or of the nearest key above it."""
        for end in range(len(key), 0, -1):
            if key[:end] in self.lines:
                return self.lines[key[:end]]
        return self.path, 1

    def problem(self, key: KeyPath, found: str, allowed: str = "", remedy: str = "") -> Problem:
        path, line = self.where(key)
        return Problem(str(path), line, dotted(key), found, allowed, remedy)


    def without(self, keys: Iterable[KeyPath]) -> Document | None:
        """The document without these keys; None if none of them can be left out."""
        data = copy.deepcopy(self.data)
        left_out = False
        for key in sorted(keys, key=len, reverse=True):
            place: Any = data
            for part in key[:-1]:
                place = place[part]
            if key and isinstance(place, dict) and key[-1] in place:
                del place[key[-1]]
                left_out = True
        return Document(self.path, data, self.lines) if left_out else None


def dotted(key: KeyPath) -> str:
    return ".".join(f"[{part}]" if isinstance(part, int) else part for part in key).replace(".[", "[")


def load(path: Path) -> Document:
    """One YAML file whose top is a mapping. Problems for what cannot be read, for repeated keys and for anchors."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        missing = Problem(str(path), 1, "", "没有这个文件 / no such file", "", "检查路径 / check the path")
        raise Problems([missing]) from None
    except UnicodeDecodeError as error:
        found = f"不是 UTF-8 文本 / not UTF-8 text (byte {error.start})"
        raise Problems([Problem(str(path), 1, "", found, "UTF-8", "另存为 UTF-8 / save as UTF-8")]) from None
    try:
        # libyaml takes a tab after a colon for a blank, where people are told to use none
        node = yaml.compose(text, Loader=yaml.SafeLoader if "\t" in text else LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        remedy = "检查缩进（不可用制表符）、冒号、引号 / check indentation (no tabs), colons, quotes"
        found = f"YAML 语法错误 / YAML syntax: {error.problem}"
        raise Problems([Problem(str(path), line, "", found, "", remedy)]) from None
    except yaml.YAMLError as error:
        raise Problems([Problem(str(path), 1, "", f"不可读的字符 / unreadable characters: {error}", "", "")]) from None
    except RecursionError:
        raise Problems([_too_deep(path)]) from None
    lines: dict[KeyPath, Where] = {}
    problems: list[Problem] = []
    try:
        data = _plain(node, (), path, lines, problems, set()) if node else {}
    except RecursionError:
        raise Problems([_too_deep(path)]) from None
    if not isinstance(data, dict):
        problems.append(Problem(str(path), 1, "", "最外层应为键值对 / the top must be key: value pairs"))
    if problems:
        raise Problems(problems)
    return Document(path, data, lines)


def _too_deep(path: Path) -> Problem:
    return Problem(str(path), 1, "", "嵌套过深 / nested too deep", "", "检查括号 / check the brackets")


def _plain(
    node: yaml.Node, key: KeyPath, path: Path, lines: dict[KeyPath, Where], problems: list[Problem], seen: set[int]
) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(key, (path, line))
    if not isinstance(node, yaml.ScalarNode):
        if id(node) in seen:
            problems.append(Problem(str(path), line, dotted(key), "不支持锚点引用 / anchors and aliases are not used here"))
            return None
        seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        for name_node, value_node in node.value:
            name = str(name_node.value)
            at = name_node.start_mark.line + 1
            if not isinstance(name_node, yaml.ScalarNode):
                problems.append(Problem(str(path), at, dotted(key), "键必须是文字 / a key must be plain text"))
                continue
            if name in first:
                problems.append(Problem(str(path), at, dotted((*key, name)),
                                        f"重复的键，第 {first[name]} 行已有 / repeated key, first on line {first[name]}", "",
                                        "删去或改正其一 / remove or correct one of them"))  # fmt: skip
                continue
            first[name] = at
            lines[(*key, name)] = (path, at)
            result[name] = _plain(value_node, (*key, name), path, lines, problems, seen)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, (*key, i), path, lines, problems, seen) for i, one in enumerate(node.value)]
    return str(node.value) if isinstance(node, yaml.ScalarNode) and node.style else _scalar(str(node.value))


def _scalar(text: str) -> Any:
    """What an unquoted scalar is: a number or truth value only if writing it back gives the same text."""
    match text:
        case "" | "~" | "null":
            return None
        case "true" | "false":
            return text == "true"
    for kind in (int, float):
        try:
            if repr(value := kind(text)) == text and text not in ("inf", "-inf", "nan"):
                return value
        except ValueError:
            continue
    return text


def overlay(base: Document, top: Document) -> Document:
    """`top` laid over `base`: mappings merge key by key, all else is replaced; each key keeps its own file and line."""
    lines = dict(base.lines)

    def merge(below: Any, above: Any, key: KeyPath) -> Any:
        if isinstance(below, dict) and isinstance(above, dict):
            merged = dict(below)
            for name, value in above.items():
                merged[name] = merge(below.get(name), value, (*key, name))
            lines[key] = top.lines.get(key, lines.get(key, (top.path, 1)))
            return merged
        for known in [k for k in lines if k[: len(key)] == key and len(k) > len(key)]:
            del lines[known]
        lines.update({k: v for k, v in top.lines.items() if k[: len(key)] == key})
        return above

    return Document(top.path, merge(base.data, top.data, ()), lines)


def model(document: Document, kind: type[M]) -> M:
    """The document as a model; Problems with all that pydantic found, each at its line."""
    try:
        return kind.model_validate(document.data)
    except ValidationError as error:
        raise Problems(problems_of(document, error, kind)) from None


def problems_of(
    document: Document, error: ValidationError, model: type[BaseModel], below: KeyPath = ()
) -> list[Problem]:
    """pydantic's complaints about a model as problems. Union branches that did not fit are told once, at the key itself;
    an unknown key comes with those that may stand there, the nearest first."""
    found: dict[tuple[KeyPath, str], Problem] = {}
    for one in error.errors(include_url=False):
        key = below + real_key(document, one["loc"], below)
        kind, given = one["type"], one.get("input")
        if kind == "extra_forbidden":
            allowed = nearest(str(key[-1]), keys_at(model, one["loc"][:-1]))
            problem = document.problem(key, f"不认识的键 / unknown key {key[-1]!r}", allowed, "检查拼写 / check the spelling")
        elif kind == "missing":
            problem = document.problem(key[:-1] or key, f"缺少 / missing: {key[-1]}", remedy=f"补上 / add {key[-1]}")
        else:
            words = one["msg"].removeprefix("Value error, ")
            whole = kind == "value_error" and isinstance(given, Mapping)  # said of a part as a whole, by ourselves
            problem = document.problem(key, words if whole else f"{_shown(given)}：{words}")
        found.setdefault((key, kind), problem)
    return list(found.values())


def keys_at(model: type[BaseModel], loc: Iterable[int | str]) -> list[str]:
    """The keys that may stand at a place of a model; of every branch of a union that the place does not tell."""
    here = [model]
    for part in loc:
        fields = [field for one in here for name, field in one.model_fields.items() if part in (name, field.alias)]
        here = [one for field in fields for one in _models_in(field.annotation)] or here
    return [field.alias or name for one in here for name, field in one.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [one for part in get_args(annotation) for one in _models_in(part)]


def real_key(document: Document, loc: tuple[int | str, ...], below: KeyPath = ()) -> KeyPath:
    """The key path without pydantic's own words for union branches, which stand in no file."""
    here: Any = document.data
    for part in below:
        here = here.get(part) if isinstance(here, dict) else here[int(part)]
    real: list[int | str] = []
    for index, part in enumerate(loc):
        if isinstance(here, dict) and (part in here or index == len(loc) - 1):
            real.append(part)
            here = here.get(part)
        elif isinstance(here, list) and isinstance(part, int) and part < len(here):
            real.append(part)
            here = here[part]
    return tuple(real)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "键值对 / a mapping"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def nearest(word: str, known: Iterable[str], most: int = 4) -> str:
    """The known words nearest to one that is unknown, for messages."""
    names = sorted(str(one) for one in known)
    return ", ".join(difflib.get_close_matches(word, names, n=most, cutoff=0.3) or names[: most + 4])
