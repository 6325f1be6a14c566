"""Airflow connection types, one a transport, whose form says in Chinese and English what goes where.

What the fields lead to is `bridge.connections`' business: each type is understood there. Airflow asks for this at every
start of every process, so nothing is imported. This module must not know a platform, nor hold a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PREFIX = "huying_"
BASE_PATH = {
    "label": "网关前缀 / prefix behind a gateway", "schema": {"type": ["string", "null"]},
    "description": "平台在网关的子路径之下时填写，如 /gateway / where a gateway puts the platform under a prefix",
}  # fmt: skip
CA_FILE = {
    "label": "CA 证书文件 / CA file", "schema": {"type": ["string", "null"]},
    "description": "内部机构签发的证书：PEM 文件路径，各工作机都要有；证书总是验证，没有关闭的开关 / "
                   "PEM file of an internal authority, on every worker; certificates are always verified",
}  # fmt: skip
ADDRESS = {
    "host": "主机名或 IP，或完整地址 / host, IP or whole address", "port": "端口 / port",
    "schema": "协议，http 或 https，不填为 http / scheme, http if left out",
}  # fmt: skip
EXAMPLES = {"host": "10.0.0.5", "port": "443", "schema": "https"}


@dataclass(frozen=True, slots=True)
class Transport:
    """One way to reach a platform. kind: the connection type behind its prefix; labels, examples: of the standard
    fields; extra: further fields, as Airflow describes them (they are kept in the connection's extra)."""

    kind: str
    title: str
    labels: dict[str, str]
    examples: dict[str, str] = field(default_factory=dict)
    extra: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def connection_type(self) -> str:
        return PREFIX + self.kind


TRANSPORTS = (
    Transport(
        "soap", "呼应：SOAP 网格平台 / Huying: SOAP grid platform",
        {**ADDRESS, "login": "交换账号（WS-Security 用户名） / exchange account", "password": "密码 / password"},
        EXAMPLES, {"base_path": BASE_PATH, "ca_file": CA_FILE},
    ),
    Transport(
        "signed", "呼应：签名的政务 REST 平台 / Huying: signed government REST platform",
        {**ADDRESS, "login": "appKey", "password": "appSecret"},
        EXAMPLES, {"base_path": BASE_PATH, "ca_file": CA_FILE},
    ),
    Transport(
        "xml", "呼应：城市管理 XML 交换 / Huying: city management XML exchange",
        {**ADDRESS, "login": "交换用户名 / user of the digest", "password": "交换口令 / its password"},
        EXAMPLES, {"ca_file": CA_FILE},
    ),
    Transport(
        "database", "呼应：交换数据库（MySQL、MariaDB） / Huying: exchange database",
        {"host": "数据库主机 / host", "port": "端口，不填为 3306 / port, 3306 if left out", "schema": "库名 / database",
         "login": "数据库账号 / account", "password": "密码 / password"},
        {"host": "10.0.0.6", "port": "3306", "schema": "jhk"}, {"ca_file": CA_FILE},
    ),
    Transport(
        "rest", "呼应：REST 平台（仅靠配置） / Huying: REST platform by configuration alone",
        {**ADDRESS, "login": "账号、client_id 或密钥名，无则不填 / account, client id or key name, if any",
         "password": "密码、client_secret、api_key 或签名密钥 / password, client secret, key or signing secret"},
        EXAMPLES, {"base_path": BASE_PATH, "ca_file": CA_FILE},
    ),
)  # fmt: skip


def get_provider_info() -> dict[str, Any]:
    """Airflow's provider information (entry point `apache_airflow_provider`), by its `provider_info.schema.json`."""
    return {
        "package-name": "huying",
        "name": "呼应 Huying",
        "description": "县区平台的连接 / connections of counties' platforms",
        "connection-types": [
            {
                "connection-type": one.connection_type,
                "hook-class-name": f"board.hooks.{one.kind.title()}Hook",
                "hook-name": one.title,
                "conn-fields": one.extra,
                "ui-field-behaviour": {"hidden-fields": ["extra"], "relabeling": one.labels, "placeholders": one.examples},
            }
            for one in TRANSPORTS
        ],
    }
