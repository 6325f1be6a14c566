"""What is wrong with a platform's settings is told for every adapter alike: all of it at once, and never a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.errors import ConfigError
from adapters.port import Connection, Surroundings
from adapters.registry import ADAPTERS, build_of

SECRET = "put-into-the-wrong-place-4711"


@pytest.mark.parametrize("slug", ADAPTERS)
def test_every_mistake_is_told_and_no_secret(slug: str, tmp_path: Path) -> None:
    """An unknown key and a wrong value are both named with the keys that may stand there; what stood under the unknown
    key, perhaps a password, is not repeated."""
    surroundings = Surroundings(lambda: datetime.now(UTC), bytes, lambda _: None, tmp_path)
    wrong = {"password": SECRET, "read_seconds": "bald"}
    with pytest.raises(ConfigError) as caught:
        build_of(slug)("示例", wrong, Connection("c", "http://127.0.0.1:9", "login", "secret"), surroundings)
    said = str(caught.value)
    assert "password" in said and "read_seconds" in said and "'bald'" in said and "示例" in said
    assert SECRET not in said
