"""`huying new adapter` in a copy of the checkout: what it writes is wired, clean, and fails until it is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.documents import Problems
from bridge.scaffolding.adapter import FILES, drafts
from bridge.scaffolding.drafts import Draft, place
from tests.unit.cli.ground import CLEAN, ROOT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The checkout without its history."""
    away = shutil.ignore_patterns(".*", "__pycache__")
    for name in ("adapters", "bridge", "schemas", "sandbox", "dags", "config", "mappings", "docs", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=away)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {**CLEAN, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, "-m", *command], cwd=folder, env=environ, capture_output=True, text=True, timeout=240)


def texts(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and "cache" not in path.as_posix()}  # fmt: skip


def test_the_suite_runs_and_fails_in_words(copy: Path) -> None:
    """The new adapter joins the registry and every rule that it promises; none passes, and each says what to write. Its
    own unit test passes, the house's rules of form hold, and a second time nothing is overwritten."""
    made = run(copy, "bridge.cli", "new", "adapter", "liaison", "--title", "乡镇联络员系统")
    assert made.returncode == 0, made.stderr
    for path in FILES:
        assert path.format(slug="liaison") in made.stdout
    suite = run(copy, "pytest", "tests/contract", "-k", "liaison", "-q", "-p", "no:cacheprovider")
    assert suite.returncode == 1, suite.stdout
    assert " failed" in suite.stdout and " passed" not in suite.stdout
    assert "tests/contract/liaison_stand.py: 尚未编写" in suite.stdout
    unit = run(copy, "pytest", "tests/unit/adapters/test_liaison.py", "tests/unit/test_rooms.py", "-q", "-p", "no:cacheprovider",
               "-k", "not short")  # fmt: skip
    assert unit.returncode == 0, unit.stdout
    form = run(copy, "ruff", "check", "--no-cache", "adapters", "tests/contract", "tests/unit/adapters/test_liaison.py")
    assert form.returncode == 0, form.stdout
    before = texts(copy)
    again = run(copy, "bridge.cli", "new", "adapter", "liaison")
    assert again.returncode == 1 and "已被占用" in again.stderr
    assert texts(copy) == before


def test_a_written_adapter_is_typed(copy: Path) -> None:
    """mypy --strict finds nothing in what was written."""
    place(drafts(copy, "liaison", "乡镇联络员系统"))
    checked = run(copy, "mypy", "--strict", "--cache-dir", os.devnull, "adapters/liaison")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("slug", ["Liaison", "li-aison", "l", "class", "grid", "rest", "port", "../x", "联络员"])
def test_names_that_cannot_be_are_told(slug: str) -> None:
    """Not a Python name, taken by an adapter, or by a module beside them."""
    with pytest.raises(Problems, match="slug"):
        drafts(ROOT, slug, "标题")


@pytest.mark.parametrize("title", ['引"号', "换\n行", "$slug", "字" * 31, "反\\斜杠"])
def test_titles_that_would_break_the_files_are_told(title: str) -> None:
    """A title stands in Python and TOML texts."""
    with pytest.raises(Problems, match="title"):
        drafts(ROOT, "liaison", title)


def test_only_in_a_checkout(tmp_path: Path) -> None:
    """Installed elsewhere, it says so and says what needs no program."""
    with pytest.raises(Problems, match="不是源代码目录"):
        drafts(tmp_path, "liaison", "标题")


def test_all_or_nothing(tmp_path: Path) -> None:
    """A file in the way leaves nothing behind; nor does a disk that fails midway."""
    (tmp_path / "b").write_text("别人的")
    with pytest.raises(Problems, match="不覆盖"):
        place([Draft(tmp_path / "new" / "a", "甲"), Draft(tmp_path / "b", "乙")])
    assert texts(tmp_path) == {"b": "别人的".encode()}
    with pytest.raises(OSError):
        place([Draft(tmp_path / "b", "改", "别人的"), Draft(tmp_path / "new" / "a", "甲"), Draft(tmp_path / "b" / "c", "乙")])
    assert texts(tmp_path) == {"b": "别人的".encode()} and not (tmp_path / "new").exists()
