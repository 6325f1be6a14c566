"""Ground for the configuration's tests: folders made of text, and the problems found in them as short lines."""

from __future__ import annotations

from pathlib import Path

from bridge.configuration import Configuration, load_configuration

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests/cases"
MAPPINGS = ROOT / "mappings"

DONGGANG = """\
county: "371102"
name: 东港区
platforms:
  - slug: grid
    title: 网格平台
    adapter: grid
    mapping: grid
    connection: huying_grid
    poll: 10s
routes:
  - name: 去岚山
    from: grid
    to: government
    when: {all: [[area.town, begins, "371103"]]}
"""
LANSHAN = """\
county: "371103"
name: 岚山区
platforms:
  - slug: government
    title: 政务平台
    adapter: government
    mapping: government
    connection: huying_government
routes:
  - name: 去东港
    from: government
    to: grid
"""


def folder(tmp: Path, **files: str) -> Path:
    """A configuration folder with these counties' files (name without .yaml -> text)."""
    counties = tmp / "config" / "counties"
    counties.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (counties / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp / "config"


def loaded(tmp: Path, **files: str) -> Configuration:
    return load_configuration(folder(tmp, **files), MAPPINGS)


def told(configuration: Configuration) -> list[str]:
    """All problems as people see them, with the file's name alone."""
    counties = {problem.file for problem in configuration.all_problems()}
    lines = [str(problem) for problem in configuration.all_problems()]
    for file in counties:
        lines = [line.replace(file, Path(file).name) for line in lines]
    return lines
