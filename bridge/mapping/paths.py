"""Dotted wire paths (`contact.name`) as Python source, and as functions made from it.

Reading a path never fails: a step that is missing answers ABSENT, a step through what is no mapping answers None.
This module must not know a platform, nor what a path is for.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Map
from typing import Any

from bridge.mapping.notes import ABSENT

Take = Callable[[Map[str, Any]], Any]


def get(path: str) -> str:
    """The source that takes a dotted path out of the wire dict `w`, ABSENT where a step is missing."""
    first, *rest = path.split(".")
    source = f"w.get({first!r}, ABSENT)"
    for part in rest:
        source = f"(o.get({part!r}, ABSENT) if type(o := {source}) is dict else o if o is ABSENT else None)"
    return source


def put(path: str, value: str) -> str:
    """The source that puts a value at a dotted path of the wire dict `w`."""
    *above, last = path.split(".")
    target = "w"
    for part in above:
        target += f".setdefault({part!r}, {{}})"
    return f"{target}[{last!r}] = {value}"


def place(body: dict[str, Any], path: str, value: Any) -> None:
    """Puts a value at a dotted path of a wire dict, making what is missing above it."""
    *above, last = path.split(".")
    for part in above:
        body = body.setdefault(part, {})
    body[last] = value


def taker(path: str | None) -> Take:
    """A function that takes a dotted path out of a wire dict; ABSENT where there is none."""
    if path is None:
        return lambda w: ABSENT
    scope: dict[str, Any] = {"ABSENT": ABSENT}
    exec(f"def take(w): return {get(path)}", scope)
    take: Take = scope["take"]
    return take
