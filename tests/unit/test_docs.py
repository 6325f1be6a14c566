"""What the documents tell is there: commands, targets, variables, a page for each platform."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import typer.main

from adapters.registry import ADAPTERS
from bridge.cli import app

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
PAGES = (*READMES, "CONTRIBUTING.md", "docs/operators.md", "docs/onboarding.md", "config/README.md")


def commands() -> set[str]:
    """Every command of `huying`, groups with their own commands."""
    group = typer.main.get_command(app)
    found = set()
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        found.add(name)
        found |= {f"{name} {inner}" for inner in getattr(command, "commands", {})}
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_command_named_exists(page: str) -> None:
    """`huying …` in the pages is a command of the product."""
    text = (ROOT / page).read_text()
    known = commands()
    groups = {name.split()[0] for name in known if " " in name}
    for first, second in re.findall(r"(?:^|`|/)huying ([a-z]+)(?: ([a-z]+))?", text, re.MULTILINE):
        name = f"{first} {second}" if first in groups else first
        assert name in known, f"{page}: huying {name}"


@pytest.mark.parametrize("page", [*READMES, "CONTRIBUTING.md"])
def test_every_target_named_exists(page: str) -> None:
    """`make …` in the pages is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", (ROOT / page).read_text(), re.MULTILINE))
    assert {one for pair in named for one in pair if one} <= targets


def test_every_command_is_told() -> None:
    """A command that no page names does not exist for its users."""
    text = "".join((ROOT / page).read_text() for page in (*PAGES, "CONTRIBUTING.md"))
    for name in commands():
        first = name.split()[0]
        assert re.search(rf"huying {first}\b", text), name


def test_every_variable_is_told() -> None:
    """Each HUYING_ variable that the code reads stands in both READMEs."""
    code = "".join(p.read_text() for room in ("bridge", "dags", "sandbox") for p in (ROOT / room).rglob("*.py"))
    read = set(re.findall(r"""environ(?:ment)?(?:\.get\(|\[)["'](HUYING_[A-Z]+)""", code))
    assert read
    for page in READMES:
        assert {name for name in read if f"`{name}`" not in (ROOT / page).read_text()} == set(), page


def test_every_adapter_has_a_page_and_a_contract() -> None:
    """A county's IT staff find each platform's particulars, and the interface document it was built from."""
    for slug in ADAPTERS:
        if slug == "rest":
            assert (ROOT / "docs" / "rest.md").is_file()
            continue
        assert (ROOT / "docs" / "platforms" / f"{slug}.md").is_file(), slug
        assert (ROOT / "docs" / "contracts" / slug / "README.md").is_file(), slug


def test_links_lead_somewhere() -> None:
    """Relative links in the pages lead to files of the checkout."""
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "platforms").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_help_lists_every_target() -> None:
    """`make` alone lists what there is."""
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "up", "run", "sandbox", "test", "check"):
        assert f"make {target}" in shown
