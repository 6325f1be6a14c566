"""Connections as Airflow's users write them: variables, a file, Airflow's own look-up. Never a secret in an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.errors import ConfigError
from bridge.connections import connection
from tests.unit.config.ground import ROOT

SECRET = "s3cret-Wort"
VARIABLE = "AIRFLOW_CONN_HUYING_GRID"


@pytest.mark.parametrize(("written", "url"), [
    ("http://a:b@10.0.0.5:8080", "http://10.0.0.5:8080"),
    ("http://a:b@10.0.0.5:8080/", "http://10.0.0.5:8080"),
    ("https://a:b@h.gov.cn", "https://h.gov.cn"),
    ("http://a:b@h.gov.cn:443/https", "https://h.gov.cn:443"),
    ("http://a:b@h:80/gateway/x", "http://h:80/gateway/x"),
    ("huying-grid://a:b@h:81", "http://h:81"),
    ("huying-grid://https://a:b@h:81/", "https://h:81"),
    ("http://a:b@https%3A%2F%2Fh.gov.cn:8443/", "https://h.gov.cn:8443"),
    ("huying-soap://a:b@h:81/https", "https://h:81"),
    ("huying-database://a:b@h/jhk", "mysql+pymysql://h:3306/jhk"),
    ('{"conn_type": "huying_database", "host": "h", "port": 3307, "schema": "jhk"}', "mysql+pymysql://h:3307/jhk"),
    ("http://a:b@h:81/?base_path=%2Fv1", "http://h:81/v1"),
    ("http://a:b@h:81/?__extra__=%7B%22base_path%22%3A+%22v1%22%7D", "http://h:81/v1"),
    ("http://a:b@[::1]:81", "http://[::1]:81"),
    ('{"conn_type": "http", "host": "h", "port": "81", "login": "a", "password": "b"}', "http://h:81"),
    ('{"conn_type": "http", "host": "h", "port": 81, "schema": "https"}', "https://h:81"),
    ('{"host": "https://h:81/gate", "extra": "{\\"base_path\\": \\"/v1\\"}"}', "https://h:81/gate/v1"),
    ('{"host": "https://h", "port": 444, "extra": {"base_path": "v1/"}}', "https://h:444/v1"),
])  # fmt: skip
def test_every_form_gives_one_address(written: str, url: str) -> None:
    """URI or JSON, whole address or host and port, prefix by schema or base_path: scheme://host[:port][/prefix]."""
    assert connection("huying_grid", {VARIABLE: written}).url == url


def test_login_password_and_extra_come_unescaped() -> None:
    """What stands as %XX is the character itself; the password is in no repr."""
    uri = "http://%E8%B4%A6%E5%8F%B7:p%40%2F%23%3A%25w@h:1/?ca_file=%2Fetc%2Fca.pem"
    found = connection("huying_grid", {VARIABLE: uri})
    assert (found.login, found.password, found.extra) == ("账号", "p@/#:%w", {"ca_file": "/etc/ca.pem"})
    assert "p@/" not in repr(found)


@pytest.mark.parametrize(("name", "content"), [
    ("c.json", json.dumps({"huying_grid": f"http://a:{SECRET}@h:1"})),
    ("c.json", json.dumps({"huying_grid": [{"host": "h", "port": 1, "login": "a", "password": SECRET}]})),
    ("c.yaml", f"huying_grid:\n  conn_type: http\n  host: h\n  port: 1\n  login: a\n  password: {SECRET}\n"),
    ("c.yml", f"huying_grid: http://a:{SECRET}@h:1\n"),
    ("c.env", f"# x\nhuying_grid=http://a:{SECRET}@h:1\n"),
    ("c.yaml", f"huying_grid: {{host: h, port: 1, login: a, password: {SECRET}, extra_dejson: {{x: 1}}}}\n"),
])  # fmt: skip
def test_a_file_in_airflows_own_forms(tmp_path: Path, name: str, content: str) -> None:
    """JSON, YAML and .env; id -> URI, object, or a list of one."""
    (tmp_path / name).write_text(content, encoding="utf-8")
    found = connection("huying_grid", {"HUYING_CONNECTIONS": str(tmp_path / name)})
    assert (found.url, found.login, found.password) == ("http://h:1", "a", SECRET)


def test_the_variable_comes_before_the_file(tmp_path: Path) -> None:
    """As in Airflow: the environment has the first word."""
    (tmp_path / "c.yaml").write_text("huying_grid: http://a:b@file:1\n", encoding="utf-8")
    environ = {"HUYING_CONNECTIONS": str(tmp_path / "c.yaml"), VARIABLE: "http://a:b@variable:1"}
    assert connection("huying_grid", environ).url == "http://variable:1"


def test_the_example_file_is_read(tmp_path: Path) -> None:
    """config/connections.example.yaml holds both connections of the shipped counties, without secrets."""
    environ = {"HUYING_CONNECTIONS": str(ROOT / "config/connections.example.yaml")}
    assert connection("huying_grid", environ).url == "http://grid.example.gov.cn:8080"
    assert connection("huying_government", environ).url == "https://zhls.example.gov.cn:443"
    assert connection("huying_government", environ).password == "填写appSecret"


def test_a_missing_connection_names_id_places_and_an_example(tmp_path: Path) -> None:
    """What was looked for, where, which ids there are, and how one is written."""
    (tmp_path / "c.yaml").write_text(f"huying_gird: http://a:{SECRET}@h:1\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        connection("huying_grid", {"HUYING_CONNECTIONS": str(tmp_path / "c.yaml")})
    words = str(caught.value)
    for part in (VARIABLE, "HUYING_CONNECTIONS", "Airflow", "huying_gird", "http://账号:密码@10.0.0.5:8080"):
        assert part in words
    assert SECRET not in words


@pytest.mark.parametrize("written", [
    f"http://a:{SECRET}@h:port", f"http://a:{SECRET}/x@h:1", f"http://a:{SECRET}#@h:1", f"a:{SECRET}",
    f"{{broken {SECRET}",
    f'{{"host": "h", "pasword": "{SECRET}"}}', f'{{"login": "a", "password": "{SECRET}"}}',
    f'{{"host": "http://a:{SECRET}@h"}}', f'{{"host": "ftp://h", "password": "{SECRET}"}}',
    f'{{"host": "h", "port": "x", "password": "{SECRET}"}}', f'{{"host": "h", "extra": "{SECRET}"}}',
    f"http://a:{SECRET}@h:1/?__extra__={SECRET}",
])  # fmt: skip
def test_a_wrong_connection_is_told_without_its_secret(written: str) -> None:
    """Every mistake is a ConfigError with the id, and the password appears nowhere."""
    with pytest.raises(ConfigError) as caught:
        connection("huying_grid", {VARIABLE: written})
    assert "huying_grid" in str(caught.value) and SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(("name", "content"), [
    ("c.json", f'{{"huying_grid": "{SECRET}'), ("c.yaml", f"a: [{SECRET}\n"), ("c.json", f'["{SECRET}"]'),
    ("missing.json", None),
])  # fmt: skip
def test_a_wrong_file_is_told_without_secrets(tmp_path: Path, name: str, content: str | None) -> None:
    """Cut short, of another form, not there: the file is named, its content is not."""
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=name) as caught:
        connection("huying_grid", {"HUYING_CONNECTIONS": str(tmp_path / name)})
    assert SECRET not in str(caught.value)


def test_airflows_own_look_up_is_asked_last(tmp_path: Path) -> None:
    """With AIRFLOW_HOME set, Airflow's secrets backends are asked; what they do not know is told the same way."""
    (tmp_path / "held.json").write_text(json.dumps({"only_airflow": f"http://a:{SECRET}@af:1"}), encoding="utf-8")
    program = (
        "import os; from adapters.errors import ConfigError; from bridge.connections import connection\n"
        "print(connection('only_airflow', os.environ).url)\n"
        "try: connection('nobody', os.environ)\n"
        "except ConfigError as error: print('has none' in str(error))\n"
    )
    environ = {
        **os.environ, "AIRFLOW_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT),
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(tmp_path / "held.json")}),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path / 'airflow.db'}",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-2:] == ["http://af:1", "True"], done.stderr[-2000:]
