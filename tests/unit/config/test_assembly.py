"""A bridge from configuration and connections: what is built when, and what is said when it cannot be."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.errors import ConfigError
from bridge import redaction
from bridge.assembly import assemble, ledger_file, state_folder
from bridge.ledger.ledger import LedgerError
from tests.unit.config.ground import DONGGANG, LANSHAN, folder

GRID = "http://account:Wort-0815@127.0.0.1:1"


def environ(tmp: Path, **more: str) -> dict[str, str]:
    return {"HUYING_LEDGER": f"sqlite:///{tmp / 'l' / 'ledger.sqlite'}", **more}


def test_adapters_are_built_when_first_asked_for_and_once(tmp_path: Path) -> None:
    """Without connections a bridge is assembled all the same; a mended connection counts at the next asking."""
    where = environ(tmp_path)
    bridge = assemble(where)
    assert {"government", "grid"} < set(bridge.platforms) and bridge.trouble == {}
    with pytest.raises(ConfigError, match="huying_grid"):
        bridge.platforms["grid"].adapter()
    where["AIRFLOW_CONN_HUYING_GRID"] = GRID
    adapter = bridge.platforms["grid"].adapter()
    assert adapter is bridge.platforms["grid"].adapter() and adapter.platform == "grid"
    assert stat.S_IMODE((tmp_path / "l" / "state" / "grid").stat().st_mode) == 0o700


def test_a_connections_secret_is_masked_once_it_is_known(tmp_path: Path) -> None:
    """From the moment it is looked up, the password appears in no log line."""
    assemble(environ(tmp_path, AIRFLOW_CONN_HUYING_GRID=GRID)).platforms["grid"].adapter()
    assert redaction.redact("x Wort-0815 y") == "x *** y"


def test_the_clock_is_handed_in(tmp_path: Path) -> None:
    """Tests and rebuilds set the time."""
    moment = datetime(2026, 10, 26, tzinfo=UTC)
    assert assemble(environ(tmp_path), now=lambda: moment).now() == moment


def test_only_keeps_what_calls_can_reach(tmp_path: Path) -> None:
    """A run about one platform has those that routes join to it, and none of a county that nothing joins."""
    far = LANSHAN.split("routes:")[0].replace("371103", "371121").replace("slug: government", "slug: wulian")
    config = folder(tmp_path, donggang=DONGGANG, lanshan=LANSHAN, wulian=far)
    where = environ(tmp_path, HUYING_CONFIG=str(config))
    assert sorted(assemble(where).platforms) == ["government", "grid", "wulian"]
    assert sorted(assemble(where, only={"grid"}).platforms) == ["government", "grid"]
    assert sorted(assemble(where, only={"wulian"}).platforms) == ["wulian"]


def test_a_platform_whose_file_is_broken_cannot_be_run_and_says_where(tmp_path: Path) -> None:
    """ConfigError with file, line and key; the other platform runs, and the bridge carries the trouble in words."""
    config = folder(tmp_path, donggang=DONGGANG, lanshan=LANSHAN.replace("adapter:", "adaptor:"))
    where = environ(tmp_path, HUYING_CONFIG=str(config))
    with pytest.raises(ConfigError, match=r"lanshan\.yaml:6: platforms\[0\]\.adaptor: 不认识的键"):
        assemble(where, only={"government"})
    bridge = assemble(where, only={"grid"})
    assert list(bridge.platforms) == ["grid"]
    assert [route.to for route in bridge.routes] == ["government"], "what goes there waits for the mended file"
    assert set(bridge.trouble) == {str(config / "counties" / name) for name in ("donggang.yaml", "lanshan.yaml")}


def test_where_things_are(tmp_path: Path) -> None:
    """State lies beside a SQLite ledger; another database has no file; a wrong address is a LedgerError in words."""
    assert ledger_file(environ(tmp_path)) == tmp_path / "l" / "ledger.sqlite"
    assert state_folder(environ(tmp_path)) == tmp_path / "l" / "state"
    assert ledger_file({"HUYING_LEDGER": "postgresql://h/huying"}) is None
    with pytest.raises(LedgerError, match="HUYING_LEDGER"):
        assemble({"HUYING_LEDGER": "ledger.sqlite"})
