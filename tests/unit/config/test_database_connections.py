"""Connections of exchange databases: what stands in Airflow's fields becomes the adapter's address."""

from __future__ import annotations

import json

import pytest

from adapters.errors import ConfigError
from bridge.connections import connection


def url(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return connection("huying_petition", {"AIRFLOW_CONN_HUYING_PETITION": text}).url


def test_addresses_of_databases() -> None:
    """MariaDB by host, port and schema, in the URI or the object form; SQLite by its file."""
    assert url("mysql://jh:p%40w@10.0.0.8:3307/wl_qzk") == "mysql+pymysql://10.0.0.8:3307/wl_qzk"
    assert url({"conn_type": "mysql", "host": "db", "schema": "wl_qzk"}) == "mysql+pymysql://db:3306/wl_qzk"
    assert url({"conn_type": "mariadb", "host": "::1", "schema": "x", "port": 1}) == "mysql+pymysql://[::1]:1/x"
    assert url({"conn_type": "sqlite", "host": "/srv/qzk.sqlite"}) == "sqlite:////srv/qzk.sqlite"
    assert url("sqlite:////srv/qzk.sqlite").endswith("//srv/qzk.sqlite")


@pytest.mark.parametrize("bad", [
    {"conn_type": "mysql", "host": "db"}, {"conn_type": "mysql", "schema": "x"},
    {"conn_type": "mysql", "host": "a@db", "schema": "x"}, {"conn_type": "mysql", "host": "db", "schema": "x", "port": "y"},
])  # fmt: skip
def test_what_is_no_address_is_told(bad: dict[str, str]) -> None:
    """No database name, no host, an account in the host, a port that is none."""
    with pytest.raises(ConfigError):
        url(bad)
