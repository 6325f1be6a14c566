"""The hook classes that Airflow wants behind connection types: each gives the connection as the bridge understands it.

Only for Airflow's own commands and pages; the bridge looks connections up by itself. There is no test button: what a
platform answers is asked with `huying probe`, which knows its adapter. This module must not know a platform.
"""

from __future__ import annotations

import os
from typing import Any

from board.connection_types import TRANSPORTS, Transport
from bridge.connections import connection


def _hook(transport: Transport) -> type[Any]:
    """Airflow imports a class a type and reads these three attributes of it."""

    def __init__(self: Any, huying_conn_id: str) -> None:
        self.huying_conn_id = huying_conn_id

    def get_conn(self: Any) -> Any:
        """The address and secrets as adapters get them. ConfigError that names what is wrong, never a secret."""
        return connection(self.huying_conn_id, os.environ)

    return type(f"{transport.kind.title()}Hook", (), {
        "conn_name_attr": "huying_conn_id", "conn_type": transport.connection_type, "hook_name": transport.title,
        "__doc__": transport.title, "__module__": __name__, "__init__": __init__, "get_conn": get_conn,
    })  # fmt: skip


SoapHook, SignedHook, XmlHook, DatabaseHook, RestHook = map(_hook, TRANSPORTS)
