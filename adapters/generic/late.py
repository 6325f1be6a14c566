"""Where the tokens of records whose id comes later are kept until it does: one small file each, in the folder that all
workers of the platform share. A token lost costs a search, never a second record. Must not know a platform."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from adapters.errors import ConfigError


def keep(folder: Path, reference: str, token: str) -> None:
    """Remember the token of a write. ConfigError if the folder cannot be used."""
    path = _path(folder, reference)
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_text(token, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise _unusable(folder, error) from error


def kept(folder: Path, reference: str) -> str | None:
    """The token, None if there is none. ConfigError if the folder cannot be used."""
    try:
        return _path(folder, reference).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(folder, error) from error


def _path(folder: Path, reference: str) -> Path:
    return folder / f"late-{hashlib.sha256(reference.encode()).hexdigest()[:32]}.token"


def _unusable(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(f"凭证文件夹不可用 / token folder cannot be used: {folder} ({type(error).__name__})", where="tokens",
                       remedy="授予运行账号对该文件夹的读写权 / let the service's account read and write it")  # fmt: skip
