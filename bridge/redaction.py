"""Nobody's phone, identity number or password in a log, whoever wrote the line.

Every log record is masked when it is made, message, arguments and traceback alike, so that no handler sees the
original. This module must not know what is being logged.
"""

from __future__ import annotations

import logging
import re
import threading
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

HIDDEN = "***"
_SHORTEST_SECRET = 4  # characters: a shorter one would black out half of every line
_APART = r"[\s\-－‐-―]?"
_MOBILE = re.compile(
    rf"(?<!\d)((?:(?:\+|00)?86{_APART})?)([1１][3-9３-９]\d)({_APART})\d{{4}}({_APART})(\d{{4}})(?!\d)"
)
_IDENTITY = re.compile(
    r"(?<![0-9A-Za-z])([1-9]\d{5})(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXxＸ](?![0-9A-Za-z])"
)
_LANDLINE = re.compile(rf"(?<![\d.:\-])(0\d{{2,3}})({_APART})\d{{5,6}}(\d{{2}})(?!\d)")
_LOCAL = re.compile(
    r"((?:电话|座机|联系方式|手机|来电|tel|phone)[^\W\d]{0,4}[\s:：='\"]{0,4})\d{5,6}(\d{2})(?!\d)", re.IGNORECASE
)

_secrets: set[str] = set()
_pattern: re.Pattern[str] | None = None
_lock = threading.Lock()


def register(secret: str) -> None:
    """From now on this value is masked, as it is and as it stands in an address."""
    global _pattern
    if len(secret) < _SHORTEST_SECRET:
        return
    with _lock:
        _secrets.update({secret, quote(secret, safe="")})
        _pattern = re.compile("|".join(re.escape(one) for one in sorted(_secrets, key=len, reverse=True)))


def redact(text: str) -> str:
    """The text with secrets hidden and phones (138****0001, 0633****21) and identity numbers (371102****) masked."""
    if _pattern is not None:
        text = _pattern.sub(HIDDEN, text)
    text = _IDENTITY.sub(r"\1****", text)
    text = _MOBILE.sub(r"\1\2\3****\4\5", text)
    text = _LANDLINE.sub(r"\1\2****\3", text)
    return _LOCAL.sub(r"\1****\2", text)


def install() -> None:
    """Mask every log record of this process from now on; installing twice is the same as once."""
    with _lock:
        make = logging.getLogRecordFactory()
        if not getattr(make, "masks", False):
            logging.setLogRecordFactory(_masking(make))


def _masking(make: Callable[..., logging.LogRecord]) -> Callable[..., logging.LogRecord]:
    def record_of(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        masked(record)
        return record

    record_of.masks = True  # type: ignore[attr-defined]  # functions may carry marks
    return record_of


def masked(record: logging.LogRecord) -> logging.LogRecord:
    """The record with everything in it masked. The traceback becomes part of the message: a handler that was given
    the exception itself would write it out anew, unmasked."""
    try:
        message = record.getMessage()
    except (TypeError, ValueError, KeyError):
        message = f"{record.msg} {record.args!r}"  # a wrong format must not make logging print the arguments itself
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = record.exc_text or "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    parts = [message, record.exc_text or "", record.stack_info or ""]
    record.msg, record.args = redact("\n".join(part for part in parts if part)), None
    record.exc_info = record.exc_text = record.stack_info = None
    return record


class Redaction(logging.Filter):
    """The same for a handler of another's making, whose records were made before `install`."""

    def filter(self, record: logging.LogRecord) -> bool:
        masked(record)
        return True
