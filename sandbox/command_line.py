"""The `huying` command, asked as any operator would ask it. All that the sandbox learns of the bridge comes from here.

This module must not know what the answers are used for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_SECONDS = 60.0


class CommandFailed(RuntimeError):
    """The command ended with an error or in no time: what was asked, and what it said."""

    def __init__(self, words: str, said: str) -> None:
        self.words, self.said = words, said
        super().__init__(f"{words} 失败 / failed:\n{said.strip()}")


class Huying:
    """environment: the whole environment that the command runs in."""

    def __init__(self, environment: Mapping[str, str], command: Path | None = None) -> None:
        self._environment = dict(environment)
        self._command = command or Path(sys.executable).with_name("huying")

    def run(self, *arguments: str) -> str:
        """Standard output of a command that must succeed."""
        words = f"huying {' '.join(arguments)}"
        try:
            done = subprocess.run(
                [str(self._command), *arguments], env=self._environment, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, timeout=_SECONDS, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise CommandFailed(words, f"没有 {self._command}，请先执行 make env / run `make env`") from None
        except subprocess.TimeoutExpired:
            raise CommandFailed(words, f"{_SECONDS:g} 秒未完成 / took longer than {_SECONDS:g} s") from None
        if done.returncode != 0:
            raise CommandFailed(words, done.stdout + done.stderr)
        return done.stdout

    def data(self, *arguments: str) -> Any:
        """The JSON that a command prints with --json."""
        said = self.run(*arguments, "--json")
        try:
            return json.loads(said)
        except ValueError:
            raise CommandFailed(f"huying {' '.join(arguments)} --json", said) from None

    def mend(self, slug: str, native_id: str, heal: Callable[[], None]) -> bool:
        """What an operator does about a dead letter: see it, have the platform mend the record, try again. False if
        there is no letter of that record yet, or the platform was busy: try again a little later. The bridge's own next
        reading may be faster than the operator."""
        letters = [
            letter for letter in self.data("dead", "list")
            if letter["platform"] == slug and letter["native_id"] == native_id
        ]  # fmt: skip
        if not letters:
            return False
        heal()
        for letter in letters:
            try:
                self.run("dead", "retry", str(letter["id"]))
            except CommandFailed:
                if self.data("dead", "show", str(letter["id"]))["state"] == "open":
                    return False
        return True
