"""A new adapter in Python: its folder, its line in the registry, its stand in the contract suite, a first unit test.

What is written refuses every call in words until somebody has written it: the contract suite runs and fails, rule by
rule. For checkouts only, since adapters are part of the product. Must not know any adapter there is.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template

from adapters.registry import ADAPTERS
from bridge.documents import Problem, Problems
from bridge.scaffolding.drafts import Draft

TEXTS = Path(__file__).parent / "texts"
FILES = {
    "adapters/{slug}/__init__.py": "package",
    "adapters/{slug}/settings.py": "settings",
    "adapters/{slug}/client.py": "client",
    "adapters/{slug}/adapter.py": "adapter",
    "adapters/{slug}/manifest.toml": "manifest",
    "tests/contract/{slug}_stand.py": "stand",
    "tests/unit/adapters/test_{slug}.py": "unit_test",
}
REGISTRY, STANDS = "adapters/registry.py", "tests/contract/stands.py"
_SLUG = re.compile(r"[a-z][a-z0-9_]{1,30}", re.ASCII)
_TITLE = re.compile(r'[^"\\$\x00-\x1f]{1,30}')
_IMPORTS = re.compile(r"(?:^from adapters\..*\n){2,}", re.MULTILINE)


def drafts(root: Path, slug: str, title: str) -> tuple[Draft, ...]:
    """Everything that a new adapter needs in the checkout at `root`. Problems for a name that cannot be one or is taken,
    and where `root` is no checkout."""
    if problems := [*_named(root, slug, title), *_no_checkout(root)]:
        raise Problems(problems)
    words = {"slug": slug, "title": title, "name": "".join(part.title() for part in slug.split("_"))}
    fresh = [
        Draft(root / path.format(slug=slug), _filled((TEXTS / f"{text}.txt").read_text(encoding="utf-8"), words))
        for path, text in FILES.items()
    ]  # fmt: skip
    return (*fresh, _registered(root / REGISTRY, slug), _standing(root / STANDS, words))


def _filled(text: str, words: dict[str, str]) -> str:
    """A text with its words; imports of ours in order, which depends on the name."""
    return _IMPORTS.sub(lambda found: "".join(sorted(found[0].splitlines(keepends=True))), Template(text).substitute(words))


def _named(root: Path, slug: str, title: str) -> Iterator[Problem]:
    folder = root / "adapters"
    if not _SLUG.fullmatch(slug) or keyword.iskeyword(slug):
        yield Problem("huying new adapter", 1, "slug", f"不能作名称 / cannot be a name: {slug!r}", "[a-z][a-z0-9_]{1,30}",
                      "用小写英文字母 / use small letters")  # fmt: skip
    elif slug in ADAPTERS or (folder / slug).exists() or (folder / f"{slug}.py").exists():
        yield Problem("huying new adapter", 1, "slug", f"已被占用 / taken: {slug!r}", "",
                      f"换一个；已有 / take another; there are: {', '.join(sorted(ADAPTERS))}")  # fmt: skip
    if not _TITLE.fullmatch(title):
        yield Problem("huying new adapter", 1, "title", "应为 1–30 个字，不含引号、反斜杠、$、换行 / 1 to 30 characters, "
                      "no quotes, backslashes, $ or line breaks")  # fmt: skip


def _no_checkout(root: Path) -> Iterator[Problem]:
    if not all((root / path).is_file() for path in (REGISTRY, STANDS)):
        yield Problem(str(root), 1, "", "不是源代码目录 / not a checkout", "",
                      "取得源代码，在其中运行；REST 平台不必写程序：huying new platform / get the sources and run it there; "
                      "REST platforms need no program")  # fmt: skip


def _registered(path: Path, slug: str) -> Draft:
    """The registry with one line more, in its order."""
    was = path.read_text(encoding="utf-8")
    lines = was.splitlines(keepends=True)
    known = [n for n, line in enumerate(lines) if re.fullmatch(r' {4}"[a-z0-9_]+": "adapters\.[a-z0-9_]+",\n', line)]
    if not known:
        raise Problems([_strange(path, "ADAPTERS")])
    after = next((n for n in known if lines[n].split('"')[1] > slug), known[-1] + 1)
    lines.insert(after, f'    "{slug}": "adapters.{slug}",\n')
    return Draft(path, "".join(lines), was)


def _standing(path: Path, words: dict[str, str]) -> Draft:
    """The contract suite's stands with one more: its import and its entry."""
    was = path.read_text(encoding="utf-8")
    imported = [found for found in re.finditer(r"^from tests\.contract.* import .*\n", was, re.MULTILINE)]
    table = re.search(r"^OFFICIALS: .*?\n(?=\}\))", was, re.MULTILINE | re.DOTALL)
    if not imported or not table:
        raise Problems([_strange(path, "OFFICIALS")])
    line = Template("from tests.contract.${slug}_stand import $name\n").substitute(words)
    after = next((found.start() for found in imported if found[0] > line), imported[-1].end())
    entry = Template('    "$slug": $name(),\n').substitute(words)
    return Draft(path, was[:after] + line + was[after : table.end()] + entry + was[table.end() :], was)


def _strange(path: Path, name: str) -> Problem:
    return Problem(str(path), 1, name, "找不到要添加的地方 / the place to add to is not found", "",
                   "恢复该文件的写法 / bring the file back into its form")  # fmt: skip
