"""The house's rules of design.md, held by reading the source: who imports whom, how long, how deep, what it is called.

Files are parsed, never imported; every breach is told at once, with file and line.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("adapters", "bridge", "schemas", "board", "sandbox", "dags")
LONGEST = 400

MAY_IMPORT = {
    "schemas": ("schemas",),
    "adapters": ("adapters", "schemas"),
    "bridge": ("bridge", "schemas", "adapters.port", "adapters.errors", "adapters.registry"),
    # what the port's errors ask for is what Airflow is told: retry, or fail at once
    "dags": ("dags", "bridge", "schemas", "adapters.errors"),
    "board": ("board", "bridge", "schemas"),
    "sandbox": ("sandbox",),  # one misreading must not sit on both sides
}  # fmt: skip
AIRFLOW_LAZILY = ("bridge/connections.py", "bridge/redaction.py")
"""Every secrets backend must work, and Airflow must mask what we know to be secret; both without needing Airflow."""
AIRFLOW = ("dags/", "board/", *AIRFLOW_LAZILY)
TENACITY = ("adapters/retry.py",)
PRINTERS = ("bridge/cli.py", "bridge/commands/", "sandbox/")
NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
GROUND = {"Protocol", "BaseModel", "NamedTuple", "Enum", "StrEnum", "IntEnum", "Generic", "TypedDict",
          "Value", "Part", "Entry"}  # fmt: skip
"""Protocols, values, and the three frozen pydantic grounds: of the call, of a mapping's parts, of a county's entries."""
FRAMES = {"logging.Filter", "Filter", "ThreadingHTTPServer", "BaseHTTPRequestHandler", "Thread"}
"""The standard library's frames that can be used in no other way."""


@cache
def sources() -> dict[str, ast.Module]:
    """Path from the root, with / -> the parsed file, for all rooms."""
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            found[path.relative_to(ROOT).as_posix()] = ast.parse(path.read_bytes(), filename=str(path))
    return found


def imports(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    """(module, line, is it inside a function) of every import; `from a import b` gives a.b."""
    inside = {id(node) for outer in ast.walk(tree) if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef))
              for node in ast.walk(outer)}  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno, id(node) in inside
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import on line {node.lineno}"
            for name in node.names:
                yield f"{node.module}.{name.name}", node.lineno, id(node) in inside


def under(module: str, allowed: tuple[str, ...]) -> bool:
    return any(module == one or module.startswith(one + ".") for one in allowed)


def test_rooms_are_read() -> None:
    """The rules below look at something."""
    assert {path.partition("/")[0] for path in sources()} >= {"adapters", "bridge", "schemas", "sandbox", "dags"}
    assert len(sources()) > 80


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_who_may_import_whom(room: str) -> None:
    """A room imports of ours only what the table of design.md allows it."""
    breaches = [
        f"{path}:{line} imports {module}"
        for path, tree in sources().items() if path.startswith(room + "/")
        for module, line, _ in imports(tree)
        if module.partition(".")[0] in (*ROOMS, "tests") and not under(module, MAY_IMPORT[room])
    ]  # fmt: skip
    assert breaches == []


def test_adapters_do_not_know_each_other() -> None:
    """A concrete adapter is imported by nobody but itself; the registry alone knows them, as names."""
    concrete = sorted(path.parent.name for path in (ROOT / "adapters").glob("*/manifest.toml"))
    assert concrete
    breaches = [
        f"{path}:{line} imports {module}"
        for path, tree in sources().items() if not path.startswith("sandbox/")
        for module, line, _ in imports(tree)
        for one in concrete if under(module, (f"adapters.{one}",)) and not path.startswith(f"adapters/{one}/")
    ]  # fmt: skip
    assert breaches == []


def test_where_airflow_may_be_imported() -> None:
    """In dags and board; in two modules of the bridge only inside functions; nowhere else."""
    breaches = [
        f"{path}:{line} imports {module}"
        for path, tree in sources().items()
        for module, line, lazily in imports(tree)
        if under(module, ("airflow",)) and (not path.startswith(AIRFLOW) or (path in AIRFLOW_LAZILY and not lazily))
    ]
    assert breaches == []


def test_tenacity_in_one_module() -> None:
    """Retries stand in one place."""
    users = {path for path, tree in sources().items() for module, *_ in imports(tree) if under(module, ("tenacity",))}
    assert users == set(TENACITY)


def test_zeep_in_soap_clients_only() -> None:
    """zeep is used where the manifest says SOAP."""
    soap = tuple(
        path.parent.relative_to(ROOT).as_posix() + "/" for path in (ROOT / "adapters").glob("*/manifest.toml")
        if "SOAP" in tomllib.loads(path.read_text(encoding="utf-8"))["transport"]
    )  # fmt: skip
    users = {path for path, tree in sources().items() for module, *_ in imports(tree) if under(module, ("zeep",))}
    assert soap and users and all(path.startswith(soap) for path in users)


def test_files_are_short() -> None:
    """No file is longer than 400 lines: it is split by topic before."""
    long = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {path: lines for path, lines in long.items() if lines > LONGEST} == {}


def test_dag_files_are_thin() -> None:
    """A DAG file beside its texts has at most 40 lines: a schedule, a task, one bridge call."""
    for name in ("poll", "push", "drift"):
        text = (ROOT / "dags" / f"{name}.py").read_text(encoding="utf-8")
        told = {line for node in sources()[f"dags/{name}.py"].body for line in range(node.lineno, (node.end_lineno or 0) + 1)
                if isinstance(getattr(node, "value", None), ast.Constant)}  # fmt: skip
        assert sum(number not in told for number in range(1, len(text.splitlines()) + 1)) <= 40, name


def test_modules_have_names_of_the_trade() -> None:
    """No drawer for odds and ends."""
    assert [path for path in sources() if NAMES & set(Path(path).with_suffix("").parts)] == []


def test_inheritance_depth_is_zero() -> None:
    """Classes of ours stand on protocols, values, enums and exceptions only."""
    errors = _error_classes()
    breaches = [
        f"{path}:{node.lineno} class {node.name}({ast.unparse(base)})"
        for path, tree in sources().items()
        for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
        for base in node.bases
        if _name(base) not in GROUND | FRAMES | errors
    ]  # fmt: skip
    assert breaches == []


def test_the_grounds_are_grounds() -> None:
    """A ground model stands on pydantic itself and is frozen."""
    for path, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name in ("Value", "Part", "Entry") and node.bases:
                assert [_name(base) for base in node.bases] == ["BaseModel"], f"{path}:{node.lineno}"
                assert "frozen=True" in ast.unparse(node), f"{path}:{node.lineno}"


def _name(base: ast.expr) -> str:
    return ast.unparse(base).partition("[")[0]


def _error_classes() -> set[str]:
    """Exceptions, ours included, by following what they stand on."""
    known = {"Exception", "RuntimeError", "ValueError", "OSError", "KeyError", "TypeError", "LookupError"}
    classes = [node for tree in sources().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    grown = True
    while grown:
        fresh = {node.name for node in classes if any(_name(base) in known for base in node.bases)} - known
        grown = bool(fresh)
        known |= fresh
    return known


def test_only_commands_print() -> None:
    """Everything else returns, raises or logs."""
    breaches = [
        f"{path}:{node.lineno}"
        for path, tree in sources().items() if not path.startswith(PRINTERS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]  # fmt: skip
    assert breaches == []


def test_every_module_says_what_it_is_for() -> None:
    """A module with code in it opens with a docstring."""
    assert [path for path, tree in sources().items() if tree.body and ast.get_docstring(tree) is None] == []


def test_nothing_is_left_to_do() -> None:
    """No notes to oneself and no stubs in what is shipped."""
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X:")
    breaches = [
        f"{path}:{number}"
        for path in sources()
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1)
        if any(word in line for word in words)
    ]
    assert breaches == []
