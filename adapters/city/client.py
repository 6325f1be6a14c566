"""The wire of a city platform: its five methods and its media address, as vetted replies (contract §1, §5, §8).

This module must not know the port's records or receipts, nor the meaning of a field.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise

from adapters import retry
from adapters.city.message import CONTENT_TYPE, Reply, Unreadable, clean, element, request
from adapters.city.settings import Settings
from adapters.city.verdict import CLOCK, Asked, judge, unclear
from adapters.errors import BrokenReply, ConfigError, Missing, Unavailable, WireError
from adapters.port import Connection, Surroundings
from adapters.transport import Answer, Transport
from schemas.moment import SHANGHAI

TIME = "%Y%m%d%H%M%S"
LARGEST_READ = 20 * 1024 * 1024
"""Bytes of the largest file that officials may have attached (§8)."""
_TOLERATED = timedelta(seconds=30)
"""A head may be 600 s off (§2), `Date` says whole seconds. Below this our own clock serves."""
_SEQ = re.compile(r"\d{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Changes:
    """One answer of `changes`: (seq, taskNum), seq ascending."""

    rows: tuple[tuple[int, str], ...]
    last: int
    more: bool
    answer: Answer


@dataclass(slots=True)
class Client:
    """One platform's methods. `skew`: the platform's clock minus ours as last measured, None before that."""

    platform: str
    settings: Settings
    connection: Connection
    surroundings: Surroundings
    transport: Transport
    media: Transport
    skew: timedelta | None = field(default=None)

    def where(self, method: str, record: str = "") -> str:
        return " ".join(part for part in (self.platform, method, record[:60]) if part)

    def changes(self, since: int, limit: int, *, attempts: int = 0) -> Changes:
        """Published changes with seq > since, at most `limit` (1–50). BrokenReply if they do not ascend."""
        asked = self._asked("changes", f">{since}")
        reply, answer = self._call(asked, [element("since", str(since)), element("limit", str(limit))], attempts)
        try:
            rows = tuple((_seq(one.get("seq")), one.get("taskNum") or "") for one in reply.body.findall("change"))
            last, more = _seq(reply.text("last")), reply.text("more")
            if more not in ("true", "false"):
                raise Unreadable("more is neither true nor false")
            numbers = [since, *(seq for seq, _ in rows)]
            if any(one >= other for one, other in pairwise(numbers)) or last != numbers[-1]:
                raise Unreadable("seq does not ascend from since to last")
            if more == "true" and not rows:
                raise Unreadable("more, but no change")
        except Unreadable as error:
            raise unclear(f"变更列表无法理解 / the feed cannot be understood ({error})", asked, answer.body) from error
        return Changes(rows, last, more == "true", answer)

    def task(self, task_num: str) -> tuple[Reply, Answer]:
        """The whole task. Missing (202) if there is none of that number."""
        asked = self._asked("task", task_num)
        return self._call(asked, [element("taskNum", clean(task_num)[0])])

    def send(self, method: str, record: str, body: Iterable[str]) -> tuple[Reply, Asked, Answer]:
        """report, step or media. Not idempotent."""
        asked = self._asked(method, record, write=True)
        reply, answer = self._call(asked, list(body))
        return reply, asked, answer

    def download(self, url: str, where: str) -> bytes:
        """The bytes of a media file. Missing, ConfigError (redirect), Unavailable (also when it is too large), BrokenReply
        for what is no file."""

        def once() -> Answer:
            try:
                answer = self.media.read("GET", url, {})
            except WireError as error:
                error.where = where
                raise
            if answer.status >= 500:
                raise Unavailable(f"附件服务出错（HTTP {answer.status}）/ the media server failed", where=where)
            return answer

        answer = retry.again(once, sleep=self.surroundings.sleep, attempts=self.settings.attempts)
        if answer.status == 404:
            raise Missing("平台上没有此附件 / no such file", where=where, code="404", remedy="核对附件编号 / check its id")
        if answer.status != 200:
            raise BrokenReply(f"意外的 HTTP 状态 {answer.status} / unexpected HTTP status", where=where, raw=answer.body,
                              remedy="检查 settings.media_base / check settings.media_base")  # fmt: skip
        if answer.content_type.startswith("text/"):  # no type of §8: a log-in page, say, which is not the file
            raise BrokenReply(f"答复不是附件而是 {answer.content_type} / not a file", where=where, raw=answer.body,
                              remedy="检查 settings.media_base / check settings.media_base")  # fmt: skip
        return answer.body

    def _asked(self, method: str, record: str, *, write: bool = False) -> Asked:
        return Asked(method, self.where(method, record), write, self.connection.login)

    def _call(self, asked: Asked, body: list[str], attempts: int = 0) -> tuple[Reply, Answer]:
        """What was certainly not carried out is sent again, each time with a head of its own."""
        return retry.again(
            partial(self._once, asked, body), sleep=self.surroundings.sleep, attempts=attempts or self.settings.attempts
        )

    def _once(self, asked: Asked, body: list[str]) -> tuple[Reply, Answer]:
        shift = self._shift()
        try:
            return self._exchange(asked, body, shift)
        except ConfigError as error:
            # 102 stored nothing; if its answer shows that the clocks differ, the platform's own time is tried once.
            if error.code != CLOCK or abs(self._shift() - shift) <= _TOLERATED:
                raise
        return self._exchange(asked, body, self._shift())

    def their_time(self) -> str | None:
        """The platform's clock now, as it writes times; None while it is not known to differ from ours."""
        shift = self._shift()
        return (self.surroundings.now() + shift).astimezone(SHANGHAI).strftime(TIME) if shift else None

    def _exchange(self, asked: Asked, body: list[str], shift: timedelta) -> tuple[Reply, Answer]:
        time = (self.surroundings.now() + shift).astimezone(SHANGHAI).strftime(TIME)
        content = request(self.connection.login, time, self.connection.password, body)
        url = f"{self.connection.url.rstrip('/')}{self.settings.path}?method={asked.method}"
        send = self.transport.write if asked.write else self.transport.read
        try:
            answer = send("POST", url, {"Content-Type": CONTENT_TYPE}, content)
        except WireError as error:
            error.where = asked.where
            raise
        if answer.skew is not None:
            self.skew = answer.skew
        return judge(answer, asked, self.skew), answer

    def _shift(self) -> timedelta:
        return self.skew if self.skew is not None and abs(self.skew) > _TOLERATED else timedelta()


def packed(content: bytes) -> str:
    """File bytes as the text of `content`."""
    return base64.b64encode(content).decode("ascii")


def _seq(text: str | None) -> int:
    if text is None or not _SEQ.fullmatch(text.strip()):
        raise Unreadable("seq is not a number")
    return int(text)
