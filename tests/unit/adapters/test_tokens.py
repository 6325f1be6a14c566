"""The shared session token: private, sealed, fetched by one worker at a time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.errors import ConfigError, Unavailable
from adapters.tokens import SessionTokens, Token

NOW = datetime(2026, 10, 26, 4, 0, tzinfo=UTC)


def tokens(folder: Path, secret: str = "example-secret-0000", account: str = "a", now: datetime = NOW) -> SessionTokens:
    return SessionTokens(folder, account, secret, lambda: now)


def token(value: str, seconds: int = 7200) -> Token:
    return Token(value, NOW + timedelta(seconds=seconds))


def never() -> Token:
    raise AssertionError("must not be fetched")


def test_shared(tmp_path: Path) -> None:
    """What one worker fetched, the others use; a newer one than `seen` is not fetched again."""
    one, other = tokens(tmp_path), tokens(tmp_path)
    assert one.current() is None
    assert one.renew(None, lambda: token("T1")) == "T1"
    assert other.current() == "T1" and other.renew(None, never) == "T1"
    assert one.renew("T1", lambda: token("T2")) == "T2"
    assert other.renew("T1", never) == "T2"


def test_private_and_sealed(tmp_path: Path) -> None:
    """Folder 0700, files 0600, nothing readable in them, nothing in a repr."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    tokens(folder).renew(None, lambda: token("T-visible"))
    assert folder.stat().st_mode & 0o777 == 0o700
    files = list(folder.iterdir())
    assert files and all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    assert not any(b"T-visible" in file.read_bytes() for file in files)
    assert "T-visible" not in repr(token("T-visible"))


def test_another_secret_cannot_open_it(tmp_path: Path) -> None:
    """A copied file is worthless without the secret; with a new secret a new token replaces it."""
    tokens(tmp_path).renew(None, lambda: token("T1"))
    changed = tokens(tmp_path, "another-secret-0000")
    assert changed.current() is None
    assert changed.renew(None, lambda: token("T2")) == "T2" == changed.current()


def test_accounts_are_apart(tmp_path: Path) -> None:
    """Two accounts in one folder have a token each."""
    tokens(tmp_path).renew(None, lambda: token("T1"))
    assert tokens(tmp_path, account="b").current() is None


@pytest.mark.parametrize(("left", "held"), [(61, True), (60, False), (0, False), (-5, False)])
def test_margin(tmp_path: Path, left: int, held: bool) -> None:
    """A token within 60 s of its end counts as ended."""
    tokens(tmp_path).renew(None, lambda: token("T1", left))
    assert (tokens(tmp_path).current() == "T1") is held


@pytest.mark.parametrize("damage", [b"", b"x", b"\x00" * 200])
def test_damage(tmp_path: Path, damage: bytes) -> None:
    """A damaged file is no token, and is replaced."""
    tokens(tmp_path).renew(None, lambda: token("T1"))
    (file,) = tmp_path.glob("*.sealed")
    file.write_bytes(damage)
    assert tokens(tmp_path).current() is None
    assert tokens(tmp_path).renew("T1", lambda: token("T2")) == "T2" == tokens(tmp_path).current()


def test_a_failed_fetch_changes_nothing(tmp_path: Path) -> None:
    """What `fetch` raises is raised; the stored token stays and the lock is free."""
    shared = tokens(tmp_path)
    shared.renew(None, lambda: token("T1"))

    def fails() -> Token:
        raise Unavailable("down")

    with pytest.raises(Unavailable):
        shared.renew("T1", fails)
    assert shared.current() == "T1" and shared.renew("T1", lambda: token("T2")) == "T2"


def test_one_worker_fetches(tmp_path: Path) -> None:
    """Twenty workers who lost the same token at once: one fetches, all use what it brought."""
    tokens(tmp_path).renew(None, lambda: token("T0"))
    fetched: list[int] = []
    got: list[str] = []
    start = threading.Barrier(20)

    def fetch() -> Token:
        fetched.append(1)
        return token(f"T{len(fetched)}")

    def work() -> None:
        start.wait(10)
        got.append(tokens(tmp_path).renew("T0", fetch))

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert got == ["T1"] * 20 and len(fetched) == 1


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """A file where the folder should be: a configuration error that names it."""
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigError, match="state"):
        tokens(tmp_path / "state").renew(None, never)
    with pytest.raises(ConfigError, match="state"):
        tokens(tmp_path / "state").current()
