"""A connection id -> address and secrets, from where Airflow's users keep them.

Looked for in this order: AIRFLOW_CONN_<ID>, the file that HUYING_CONNECTIONS names, Airflow itself (inside a task, or
wherever AIRFLOW_HOME is set; so every secrets backend works). This is the one module of the bridge that may import
airflow, and only inside functions. It must not know a platform, nor put a secret into an error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from adapters.errors import ConfigError
from adapters.port import Connection
from bridge.documents import Problems, load, nearest

FIELDS = ("conn_type", "host", "port", "schema", "login", "password", "extra")
_IGNORED = frozenset({"conn_id", "description", "is_encrypted", "is_extra_encrypted", "extra_dejson"})
_SCHEMES = ("http", "https")
_DATABASES = {kind: "mysql+pymysql" for kind in ("mysql", "mariadb", "huying_database")}
_ESCAPE = "密码中的 @ / # ? 等写作 %40 %2F %23 %3F / write these so in a password"


def connection(id: str, environ: Mapping[str, str]) -> Connection:
    """The connection of that id. ConfigError that names the id, the places looked at and an example."""
    variable = "AIRFLOW_CONN_" + id.upper()
    if environ.get(variable):
        return _built(id, _parts(id, environ[variable], variable), variable)
    file = environ.get("HUYING_CONNECTIONS", "")
    held: dict[str, Any] = _file(id, Path(file)) if file else {}
    if id in held:
        return _built(id, _parts(id, held[id], file), file)
    asked = "airflow" in sys.modules or "AIRFLOW_HOME" in environ
    found = _from_airflow(id) if asked else None
    if found is not None:
        return _built(id, found, "Airflow")
    near = f"；文件中有 / the file has: {nearest(id, held)}" if held else ""
    said = f"{file}{near}" if file else "（未设置 / not set）"
    airflow = "没有 / has none" if asked else "未询问，无 AIRFLOW_HOME / not asked, AIRFLOW_HOME is not set"
    raise ConfigError(
        f"没有连接 {id} / no connection {id!r}; 已找 / looked at: "
        f"(1) {variable} (2) HUYING_CONNECTIONS = {said} (3) Airflow: {airflow}",
        where=f"connection {id}",
        remedy=f"例如 / for example {variable}='http://账号:密码@10.0.0.5:8080'; {_ESCAPE}",
    )


def tell_airflow(secret: str) -> None:
    """Have Airflow mask a secret in its own logs, where Airflow is running at all."""
    if "airflow" not in sys.modules:
        return
    from airflow.sdk.log import mask_secret

    mask_secret(secret)


def _from_airflow(id: str) -> dict[str, Any] | None:
    """Airflow's own look-up, None if it has no such connection."""
    from airflow.sdk import Connection as AirflowConnection
    from airflow.sdk.exceptions import AirflowNotFoundException, AirflowRuntimeError, ErrorType

    try:
        found = AirflowConnection.get(id)
    except AirflowNotFoundException:
        return None
    except AirflowRuntimeError as error:
        if error.error.error is ErrorType.CONNECTION_NOT_FOUND:
            return None
        raise _unanswered(id, error) from None
    except Exception as error:  # a secrets backend may raise anything, and its words may hold a secret
        raise _unanswered(id, error) from None
    return {name: getattr(found, name) for name in FIELDS if name != "extra"} | {"extra": found.extra_dejson}


def _unanswered(id: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"Airflow 未能给出连接 {id} / Airflow could not give it ({type(error).__name__})", where=f"connection {id}",
        remedy="检查 Airflow 的密钥后端 / check Airflow's secrets backend",
    )  # fmt: skip


def _file(id: str, path: Path) -> dict[str, Any]:
    """The file in Airflow's own form (JSON, YAML or .env): id -> URI or object."""
    suffix = path.suffix.lower()
    try:
        if suffix in (".yaml", ".yml"):
            return load(path).data
        text = path.read_text(encoding="utf-8-sig")
        if suffix == ".env":
            lines = (line.strip().partition("=") for line in text.splitlines())
            return {name: value for name, sign, value in lines if sign and not name.startswith("#")}
        data = json.loads(text)
    except Problems as error:
        raise _bad_file(id, str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _bad_file(id, f"{path}: 无法读取 / cannot be read ({type(error).__name__})") from None
    except json.JSONDecodeError as error:
        raise _bad_file(id, f"{path}:{error.lineno}: 不是 JSON / not JSON: {error.msg}") from None
    if not isinstance(data, dict):
        raise _bad_file(id, f"{path}:1: 最外层应为对象 / the top must be an object")
    return data


def _bad_file(id: str, what: str) -> ConfigError:
    return ConfigError(
        f"连接文件有误 / connections file: {what}", where=f"connection {id}",
        remedy="检查 HUYING_CONNECTIONS、文件权限与内容 / check HUYING_CONNECTIONS, the file's permission and content",
    )  # fmt: skip


def _parts(id: str, value: Any, where: str) -> dict[str, Any]:
    """A connection's parts from its URI, its JSON text or its object."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise _wrong(id, where, f"不是 JSON / not JSON (line {error.lineno}: {error.msg})") from None
    if isinstance(value, str):
        return _from_uri(id, value.strip(), where)
    if not isinstance(value, dict):
        raise _wrong(id, where, "应为 URI 或对象 / must be a URI or an object")
    for key in value:
        if key not in FIELDS and key not in _IGNORED:
            raise _wrong(id, where, f"不认识的键 / unknown key {key!r}；可用 / allowed: {nearest(str(key), FIELDS)}")
    extra = value.get("extra") or value.get("extra_dejson") or {}
    if isinstance(extra, str):
        try:
            extra = json.loads(extra)
        except json.JSONDecodeError:
            raise _wrong(id, where, "extra 不是 JSON / extra is not JSON") from None
    if not isinstance(extra, dict):
        raise _wrong(id, where, "extra 应为对象 / extra must be an object")
    return {**{name: value.get(name) for name in FIELDS}, "extra": extra}


def _from_uri(id: str, uri: str, where: str) -> dict[str, Any]:
    """Airflow's URI: type://login:password@host:port/schema?extra, or type://https://login:password@host:port/…"""
    kind, sign, rest = uri.partition("://")
    if not sign or not kind:
        raise _wrong(id, where, "不是 URI / not a URI")
    protocol, twice, inner = rest.partition("://")
    twice = twice if protocol in _SCHEMES else ""
    try:
        split = urlsplit("//" + (inner if twice else rest))
        port = split.port
        host = unquote(split.hostname or "")
    except ValueError:
        raise _wrong(id, where, f"URI 的主机或端口有误 / host or port of the URI is wrong; {_ESCAPE}") from None
    if split.fragment or "@" in split.path:
        raise _wrong(id, where, f"URI 中有未转义的字符 / the URI has characters that are not escaped; {_ESCAPE}")
    extra: dict[str, Any] = dict(parse_qsl(split.query, keep_blank_values=True))
    if "__extra__" in extra:
        try:
            extra = json.loads(extra["__extra__"])
        except json.JSONDecodeError:
            raise _wrong(id, where, "__extra__ 不是 JSON / is not JSON") from None
    return {
        "conn_type": kind, "host": f"{protocol}://{host}" if twice else host, "port": port,
        "schema": unquote(split.path.removeprefix("/")), "login": unquote(split.username or ""),
        "password": unquote(split.password or ""), "extra": extra,
    }  # fmt: skip


def _built(id: str, parts: Mapping[str, Any], where: str) -> Connection:
    extra = dict(parts.get("extra") or {})
    return Connection(
        id, _url(id, parts, extra, where), str(parts.get("login") or ""), str(parts.get("password") or ""), extra
    )


def _url(id: str, parts: Mapping[str, Any], extra: Mapping[str, Any], where: str) -> str:
    """scheme://host[:port][/prefix]. The scheme: of the host if it is a whole address, else `schema` or `conn_type`
    where one of them says https, else http. A `schema` that is no scheme is a prefix, as is extra.base_path. A database
    (conn_type mysql, mariadb, huying_database, sqlite) is driver://host:port/name, or sqlite:/// and the file's path in `host`."""
    host, port = str(parts.get("host") or "").strip(), parts.get("port")
    schema, kind = str(parts.get("schema") or "").strip("/"), str(parts.get("conn_type") or "").lower().replace("-", "_")
    if kind == "sqlite" and (host or schema):
        return f"sqlite:///{host or '/' + schema}"
    if not host:
        raise _wrong(id, where, "没有主机 / without a host")
    if kind in _DATABASES:
        return _database(id, _DATABASES[kind], host, port, schema, where)
    if "://" not in host:
        scheme = schema if schema in _SCHEMES else "https" if kind == "https" else "http"
        bare = f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
        host = f"{scheme}://{bare}"
    try:
        split = urlsplit(host)
        given = split.port
        number = int(port) if port not in (None, "") else given
    except (ValueError, TypeError):
        raise _wrong(id, where, "主机或端口有误 / host or port is wrong") from None
    if split.scheme not in _SCHEMES or not split.hostname:
        raise _wrong(id, where, "地址应以 http:// 或 https:// 开头 / the address must be http or https")
    if "@" in split.netloc or split.query or split.fragment:
        raise _wrong(id, where, "账号密码应各填一栏 / login and password have fields of their own, not in the host")
    name = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
    pieces = (split.path, "" if schema in _SCHEMES else schema, str(extra.get("base_path") or ""))
    prefix = "".join(f"/{piece.strip('/')}" for piece in pieces if piece.strip("/"))
    return f"{split.scheme}://{name}{f':{number}' if number else ''}{prefix}"


def _database(id: str, driver: str, host: str, port: Any, name: str, where: str) -> str:
    bare = f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host
    if any(mark in host for mark in "/@?#") or "/" in name or not name:
        raise _wrong(id, where, "数据库须写主机与库名（schema） / a database needs host and schema, nothing else in them")
    try:
        number = int(port) if port not in (None, "") else 3306
    except (TypeError, ValueError):
        raise _wrong(id, where, "主机或端口有误 / host or port is wrong") from None
    return f"{driver}://{bare}:{number}/{name}"


def _wrong(id: str, where: str, what: str) -> ConfigError:
    return ConfigError(f"连接 {id} 有误 / connection {id!r}: {what}", where=where,
                       remedy="写法见 config/connections.example.yaml / see that example")  # fmt: skip
