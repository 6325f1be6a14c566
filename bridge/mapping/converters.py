"""The converters that a mapping may name: times, phones, texts and what keeps a person out of sight.

Pure functions. Those that read a platform's value take any value at all and never raise for it: they answer the
meaning or None, and tell the anomaly to `note`. Places are in `bridge.mapping.coordinates`. Nothing here may know a
platform, a field's name or the mapping language.
"""

from __future__ import annotations

from bridge.mapping.concealment import CONCEALED, conceal
from bridge.mapping.phones import read_phones
from bridge.mapping.privacy import is_secret_word, mask_name, mask_phone
from bridge.mapping.texts import (
    Count,
    Note,
    clean,
    cut,
    fold,
    length,
    name_dots,
    replace_unrepresentable,
    show,
    unrepresentable,
)
from bridge.mapping.times import (
    TimePattern,
    read_epoch_ms,
    read_epoch_s,
    read_time,
    time_pattern,
    write_epoch_ms,
    write_epoch_s,
    write_time,
)

__all__ = [
    "CONCEALED",
    "Count",
    "Note",
    "TimePattern",
    "clean",
    "conceal",
    "cut",
    "fold",
    "is_secret_word",
    "length",
    "mask_name",
    "mask_phone",
    "name_dots",
    "read_epoch_ms",
    "read_epoch_s",
    "read_phones",
    "read_time",
    "replace_unrepresentable",
    "show",
    "time_pattern",
    "unrepresentable",
    "write_epoch_ms",
    "write_epoch_s",
    "write_time",
]
