"""Files that appear together or not at all. Must not know what is in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.documents import Problem, Problems


@dataclass(frozen=True, slots=True)
class Draft:
    """A file as it shall be. was: its present text, which must still be there; None: the file must not exist yet."""

    path: Path
    text: str
    was: str | None = None


def place(drafts: Sequence[Draft]) -> tuple[Path, ...]:
    """Write them all, each complete before it gets its name. Problems if one would overwrite something; whatever fails
    midway is taken back. OSError as the file system says it."""
    if problems := [found for draft in drafts if (found := _in_the_way(draft))]:
        raise Problems(problems)
    done: list[Draft] = []
    folders: list[Path] = []
    try:
        for draft in drafts:
            folders += _made(draft.path.parent)
            fresh = draft.path.with_name(f".{draft.path.name}.new")
            try:
                fresh.write_text(draft.text, encoding="utf-8")
                if draft.was is None:
                    os.link(fresh, draft.path)  # fails where somebody was faster; a rename would overwrite
                else:
                    fresh.chmod(draft.path.stat().st_mode)
                    os.replace(fresh, draft.path)
                done.append(draft)
            finally:
                fresh.unlink(missing_ok=True)
    except BaseException:
        for draft in reversed(done):
            if draft.was is None:
                draft.path.unlink(missing_ok=True)
            else:
                draft.path.write_text(draft.was, encoding="utf-8")
        for folder in reversed(folders):
            folder.rmdir()
        raise
    return tuple(draft.path for draft in drafts)


def _in_the_way(draft: Draft) -> Problem | None:
    there = draft.path.exists()
    if draft.was is None and there:
        return Problem(str(draft.path), 1, "", "已有这个文件，不覆盖 / there is such a file, nothing is overwritten", "",
                       "换一个短名，或先移走它 / take another slug, or move the file away")  # fmt: skip
    if draft.was is not None and (not there or draft.path.read_text(encoding="utf-8") != draft.was):
        return Problem(str(draft.path), 1, "", "文件刚被改动 / the file has just been changed", "", "再试一次 / try again")
    return None


def _made(folder: Path) -> list[Path]:
    """The folders that had to be made, outermost first."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir()
    return missing[::-1]
