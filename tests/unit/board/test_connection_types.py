"""Connection types in Airflow's own words: discovered by the entry point, shown as forms, understood by the bridge."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import board.hooks
from board.connection_types import TRANSPORTS, Transport, get_provider_info
from bridge.connections import connection

ROOT = Path(__file__).parents[3]
GROUP = "apache_airflow_provider"
SECRET = "s3cret-Wort"
PROGRAM = """
import json
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
from airflow.providers_manager import ProvidersManager
shown = [one.model_dump(mode="json") for one in HookMetaService.hook_meta_data() if one.connection_type.startswith("huying_")]
hooks = {name: list(hook)[1:5] for name, hook in ProvidersManager().hooks.items() if name.startswith("huying_") and hook}
print("TOLD" + json.dumps({"forms": shown, "hooks": hooks}))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An Airflow of the tests' own that finds the product as pip installs it: by the metadata of pyproject.toml."""
    home = tmp_path_factory.mktemp("airflow")
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    paths = [str(ROOT)]
    if not [one for one in entry_points(group=GROUP) if one.value.startswith("board.")]:
        metadata = home / "installed" / "huying-0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {declared['name']}\nVersion: 0\n", encoding="utf-8")
        lines = [f"{name} = {value}" for name, value in declared["entry-points"][GROUP].items()]
        (metadata / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]), encoding="utf-8")
        paths.append(str(metadata.parent))
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "HUYING"))},
        "PYTHONPATH": os.pathsep.join(paths), "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "COLUMNS": "500",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
    }  # fmt: skip


@pytest.fixture(scope="module")
def told(environment: dict[str, str]) -> dict[str, Any]:
    """What Airflow's forms get, and its hooks."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "huying" not in done.stderr, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.rpartition("TOLD")[2])
    return found


def test_airflow_takes_the_information() -> None:
    """It fits Airflow's own schema; the entry point of pyproject.toml leads to it."""
    import airflow

    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(get_provider_info(), schema)
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert get_provider_info()["package-name"] == declared["name"]
    assert declared["entry-points"][GROUP] == {"provider_info": "board.connection_types:get_provider_info"}


def test_every_form_says_what_goes_where(told: dict[str, Any]) -> None:
    """What the page for connections is given: every type by its title, every field with a label in Chinese and English
    (proper names aside), the fields of its own among them."""
    forms = {one["connection_type"]: one for one in told["forms"]}
    assert set(forms) == {one.connection_type for one in TRANSPORTS}
    for one in TRANSPORTS:
        form = forms[one.connection_type]
        assert form["hook_name"] == one.title and form["hook_class_name"].startswith("board.hooks.")
        for name in ("host", "port", "url_schema", "login", "password"):
            label = form["standard_fields"][name]["title"]
            assert re.search("[一-龥].* / [A-Za-z]", label) or label in ("appKey", "appSecret"), label
        assert set(form["extra_fields"]) == set(one.extra)
        for shown in form["extra_fields"].values():
            assert re.search("[一-龥].* / ", shown["schema"]["title"]) and re.search("[一-龥].* / ", shown["description"])


def test_every_hook_is_imported(told: dict[str, Any]) -> None:
    """Airflow finds the class of each type, and nothing warns on the way."""
    assert told["hooks"] == {
        one.connection_type: ["huying_conn_id", "huying", one.title, one.connection_type] for one in TRANSPORTS
    }  # fmt: skip


def test_the_command_line_lists_them(environment: dict[str, str]) -> None:
    """`airflow providers hooks`, as an operator looks it up."""
    done = subprocess.run([sys.executable, "-m", "airflow", "providers", "hooks", "-o", "json"], env=environment, text=True,
                          capture_output=True, timeout=200)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    listed = {one["connection_type"] for one in json.loads(done.stdout[done.stdout.index("[{"):])}
    assert {one.connection_type for one in TRANSPORTS} <= listed


@pytest.mark.parametrize("transport", TRANSPORTS, ids=[one.kind for one in TRANSPORTS])
def test_a_filled_in_form_is_understood(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the form stores it, empty fields as null: the address, login and password that an adapter gets; by the hook
    too. A form without a host is told, without the password."""
    filled = {"conn_type": transport.connection_type, "login": "a", "password": SECRET, **transport.examples,
              "extra": json.dumps(dict.fromkeys(transport.extra))}  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_HUYING_OWN", json.dumps(filled))
    found = connection("huying_own", os.environ)
    expected = "mysql+pymysql://10.0.0.6:3306/jhk" if transport.kind == "database" else "https://10.0.0.5:443"
    assert (found.url, found.login, found.password) == (expected, "a", SECRET)
    hook = getattr(board.hooks, f"{transport.kind.title()}Hook")
    assert hook(huying_conn_id="huying_own").get_conn() == found and SECRET not in repr(hook(huying_conn_id="huying_own"))
    if "base_path" in transport.extra:
        more = filled | {"extra": {"base_path": "/gateway", "ca_file": ""}}
        assert connection("x", {"AIRFLOW_CONN_X": json.dumps(more)}).url == "https://10.0.0.5:443/gateway"
    with pytest.raises(Exception, match="huying_own") as caught:
        connection("huying_own", {"AIRFLOW_CONN_HUYING_OWN": json.dumps(filled | {"host": ""})})
    assert SECRET not in str(caught.value)
