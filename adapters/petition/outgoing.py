"""What is written into T_JH_IN: the JSON of NR within the platform's types and lengths, the bytes of a file (§3, §4).

The platform cuts over-long texts and stores ? for what its charset lacks, both in silence: the one is refused here
before anything is sent, the other travels as JSON escapes, is said in the receipt, and is known again when it comes
back (`originals`). This module must not know SQL or what a field means to the bridge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

from adapters.errors import ConfigError, Refused

TEXTS: Mapping[str, int] = {
    "BT": 100, "NR": 4000, "SQLB": 4, "SZXZ": 9, "FSDZ": 200, "SQRXM": 50, "LXDH": 30, "ZBDW": 20, "XBDW": 200,
    "BLSX": 19, "CZR": 50, "CZDW": 20, "CZSJ": 19, "CZYJ": 1000,
}  # fmt: skip
"""Code points that the platform keeps; §4."""
INTEGERS = frozenset({"JJCD", "LYQD", "SFBM", "GDZT", "BBH"})
DECIMALS = frozenset({"JD", "WD"})
KEYS = frozenset(TEXTS) | INTEGERS | DECIMALS
REMARK = "批注"
NR_BYTES = 65_535
FILE_BYTES = 10_485_760
FILE_TYPES = frozenset({
    "image/jpeg", "image/png", "image/gif", "image/bmp", "video/mp4", "audio/mpeg", "audio/wav", "application/pdf",
    "application/msword", "application/vnd.ms-excel", "text/plain",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
})  # fmt: skip
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_PAIR = re.compile("([\ud800-\udbff])([\udc00-\udfff])")


def storable(character: str) -> bool:
    """Does the platform's charset hold it? (Python's gbk and MariaDB's agree, §1)"""
    try:
        character.encode("gbk")
    except UnicodeEncodeError:
        return False
    return True


def as_stored(words: str) -> str:
    """What the platform keeps of a text: one ? for each character that its charset lacks."""
    return words if storable(words) else "".join(c if storable(c) else "?" for c in words)


def json_text(values: Mapping[str, Any]) -> str:
    """NR: what gbk lacks as \\uXXXX escapes, everything else as itself."""
    written = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return written if storable(written) else "".join(c if storable(c) else json.dumps(c)[1:-1] for c in written)


def write_reference(reference: str) -> str:
    """Our reference of a write as WBBH: itself, or a digest where the column could not hold it or tell it apart."""
    if re.fullmatch(r"[\x21-\x7e]{1,64}", reference):
        return reference
    return "hy-" + sha256(reference.encode("utf-8", "surrogatepass")).hexdigest()[:60]


@dataclass(slots=True)
class Outgoing:
    """Builds one NR; `notes` say what was changed on the way."""

    where: str
    operator: str
    notes: list[str] = field(default_factory=list)

    def creation(self, body: Mapping[str, Any]) -> str:
        """XZ. WBBH stands in its own column."""
        return self._json({name: value for name, value in body.items() if name != "WBBH"})

    def update(self, body: Mapping[str, Any]) -> str:
        """GX. DZ is what to do: a GDZT to move to, or 批注 for none."""
        values = dict(body)
        doing = str(values.pop("DZ", "") or "")
        if re.fullmatch(r"[0-9]", doing):
            values["GDZT"] = doing
        elif doing not in ("", REMARK):
            raise ConfigError(f"DZ 须为 0–9 或 {REMARK} / DZ must be 0-9 or {REMARK}: {doing[:20]!r}", where=self.where,
                              remedy="检查映射的 moves / check the mapping's moves")  # fmt: skip
        return self._json({"CZR": self.operator, **{k: v for k, v in values.items() if v != "" or k != "CZR"}})

    def file(self, name: str, media_type: str, size: int) -> str:
        """FJ. Name, type and size as the platform takes them, else Refused."""
        if not 1 <= len(name) <= 100 or re.search(r"[/\\\x00-\x1f\x7f]", name) or not storable(name):
            raise self._refused("WJM", "附件名不合规：1–100 字，不含 / \\、控制字符与平台字符集以外的字 / a file name that the "
                                "platform cannot hold")  # fmt: skip
        if media_type not in FILE_TYPES:
            raise self._refused("WJLX", f"附件类型不允许：{media_type[:60]} / media type not allowed")
        if not 1 <= size <= FILE_BYTES:
            raise self._refused("WJNR", f"附件大小 {size} 字节不在 1–{FILE_BYTES} 之内 / size out of bounds")
        return json_text({"WJM": name, "WJLX": media_type, "CZR": self.operator})

    def _json(self, body: Mapping[str, Any]) -> str:
        if foreign := sorted(set(body) - KEYS):
            raise ConfigError(f"映射写了接口没有的字段 / fields that the contract does not have: {', '.join(foreign)[:200]}",
                              where=self.where, remedy="检查映射 / check the mapping")  # fmt: skip
        written = json_text({name: self._value(name, value) for name, value in body.items() if value is not None})
        if (size := len(written.encode("gbk"))) > NR_BYTES:
            raise self._refused("NR", f"内容 {size} 字节，超过 {NR_BYTES} / longer than the column holds, escapes counted")
        return written

    def _value(self, name: str, value: Any) -> Any:
        try:
            if name in INTEGERS:
                return int(str(value))
            if name in DECIMALS:
                return float(round(Decimal(str(value)), 6))
        except (ValueError, ArithmeticError):
            raise self._refused(name, f"{name} 不是数 / is no number") from None
        return self._text(name, str(value))

    def _text(self, name: str, words: str) -> str:
        words = _PAIR.sub(lambda m: (m[1] + m[2]).encode("utf-16-le", "surrogatepass").decode("utf-16-le"), words)
        if taken := dict.fromkeys(f"U+{ord(c):04X}" for c in _CONTROL.findall(words)):
            self.notes.append(f"{name}：去除控制字符 / control characters taken out: {', '.join(taken)}")
        words = _CONTROL.sub("", words).replace("\r\n", "\n").replace("\r", "\n")
        if len(words) > TEXTS[name]:
            raise self._refused(name, f"{name} 共 {len(words)} 字，平台只存 {TEXTS[name]} 字 / longer than the platform keeps")
        if lacking := dict.fromkeys(c for c in words if not storable(c)):
            shown = ", ".join(f"U+{ord(c):04X}" for c in lacking)
            self.notes.append(f"{name}：平台字符集没有，显示为 ? / shown as ? there, its charset lacks them: {shown}")
        return words

    def _refused(self, name: str, what: str) -> Refused:
        return Refused(what, where=self.where, field=name, remedy="改正后再送 / correct it, then send again")
