"""Guesses -> YAML to be confirmed: a mapping's skeleton and a platform's entry in its county's file.

Every line that somebody must look at ends in `待确认 / confirm`. Field names, types and codes are written, never another
value of a record. Must not know a platform.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from bridge.scaffolding.guessing import ACTIONS, TIMES, Guess, History, stage_of
from schemas.lifecycle import Stage

CONFIRM = "待确认 / confirm"
URGENCIES = "ordinary urgent critical"


@dataclass(frozen=True, slots=True)
class Named:
    """What a person said of the platform. connection: its id."""

    county: str
    county_name: str
    slug: str
    title: str
    connection: str


def mapping_text(slug: str, title: str, id: str, changed: str, guess: Guess, samples: int, schema: str) -> str:
    """The skeleton: it reads, and tells the platform nothing until a person has filled in the last part."""
    return "\n".join([*_mapping(slug, title, id, changed, guess, samples, schema), ""])


def _mapping(slug: str, title: str, id: str, changed: str, guess: Guess, samples: int, schema: str) -> Iterator[str]:
    roles = guess.roles
    yield f"# yaml-language-server: $schema={schema}"
    yield f"# {title}：由 {samples} 条记录推测，逐行核对，改好一行就删去那行的“待确认”；每个键见 docs/mapping.md。"
    yield f"# Guessed from {samples} records: look at every line, then delete its mark. Keys: docs/mapping.md."
    yield f"mapping: {slug}"
    yield f"title: {_text(title)}"
    yield "zone: Asia/Shanghai"
    if guess.point:
        yield f"crs: WGS 84  # {CONFIRM}: 坐标系看不出来，问平台方 / ask the owner: WGS 84, GCJ-02, BD-09, CGCS2000, EPSG:n"
    pattern = _pattern(guess)
    if pattern:
        yield f"time: {pattern}"
    yield ""
    yield "record:"
    yield f"  id: {_text(id)}"
    if "reference" in roles:
        yield f"  reference: {_text(roles['reference'].path)}  # {CONFIRM}: 我方编号放在这里吗 / does our number go here?"
    status = roles["status"]
    yield f"  status: {_text(status.path)}  # {CONFIRM}: {status}"
    if changed:
        yield f"  changed: {_text(changed)}"
    yield f"  numbers: {{human: {_text(id)}}}  # {CONFIRM}: 电话里报的编号 / the number people say on the telephone"
    yield ""
    yield "# 平台状态 → 呼应阶段；只列见到的，其余照接口文档补上。null 是尚无阶段 / statuses seen; add the others. null: no stage yet"
    yield "# CALLED ACCEPTED DISPATCHED RESPONDED IN_PROGRESS REPORTED CLOSED RATED RETURNED CANCELLED"
    yield "stages:" if _statuses(guess) else "stages: {}"
    for code in _statuses(guess):
        stage = stage_of(code)
        yield f"  {_quoted(code)}: {stage or 'null'}  # {CONFIRM}"
    yield from _tables(guess)
    yield from _items(slug, guess)
    yield ""
    fields = list(_fields(guess, pattern))
    yield "fields:" if any(line.startswith("  ") and line[2] != "#" for line in fields) else "fields: {}"
    yield from fields
    if guess.unused:
        yield ""
        yield "# 还没有用的字段：有用的写到上面，确实不用的写进 ignored；都不写也会原样保存"
        yield "# Not used yet: put them above, or under `ignored`; they are kept as they are anyway."
        for one in guess.unused:
            yield f"#   {one.path}  # {one}"
    yield ""
    if guess.history:
        yield from _history(guess.history, guess, pattern)
    else:
        yield f"# {CONFIRM}: 没有看到办理过程，状态变了就是一个动作 / no history was seen: a changed status is the action"
        words = "reply_public" if "reply_public" in roles else ""
        yield f"latest: {{words: {words}}}" if words else "latest: {}"
    yield ""
    yield from _writing(guess)


def _statuses(guess: Guess) -> list[str]:
    """Every status that was seen, of records and of their histories."""
    codes = list(guess.roles["status"].codes)
    if guess.history and (told := guess.history.parts.get("status")):
        codes += told.codes
    return list(dict.fromkeys(codes))


def _tables(guess: Guess) -> Iterator[str]:
    if (urgency := guess.roles.get("urgency")) and urgency.codes:
        yield ""
        yield f"tables:  # {URGENCIES}"
        yield "  urgency:"
        yield "    codes:"
        for code in sorted(urgency.codes):
            yield f"      {_quoted(code)}: ordinary  # {CONFIRM}"


def _items(slug: str, guess: Guess) -> Iterator[str]:
    if not (item := guess.roles.get("item")) or not item.codes:
        return
    yield ""
    yield "# 只列见到的代码；名称照接口文档写 / codes seen; names as the platform's list has them"
    yield "# 最好写成目录 / best written as a catalogue: docs/catalogues.md"
    yield "items:"
    yield f"  catalogue: {slug}"
    yield f"  other: {_quoted(sorted(item.codes)[-1])}  # {CONFIRM}: 对不上时写哪个代码 / the code of last resort"
    yield "  codes:"
    for code in sorted(item.codes):
        yield f"    {_quoted(code)}: {_quoted(code)}  # {CONFIRM}: 名称 / its name"


def _fields(guess: Guess, pattern: str) -> Iterator[str]:
    for role, one in guess.roles.items():
        if role in ("status", "reference", "changed"):
            continue
        more = ""
        if role == "item":
            if not one.codes:
                continue
            more = ", convert: item"
        elif role == "urgency":
            if not one.codes:
                continue
            more = ", table: urgency, way: read"
        elif role.startswith("area.") or role == "division":
            more = ", convert: code"
        elif one.kind in TIMES:
            more = f", convert: {one.kind}" + (f', time: "{one.time}"' if one.time not in ("", pattern) else "")
            more += ", way: read" if role == "reported_at" else ""
        yield f"  {role}: {{wire: {_text(one.path)}{more}}}  # {CONFIRM}: {one}"
    if guess.point:
        lon, lat = guess.point
        yield f"  place.point: {{wire: [{_text(lon.path)}, {_text(lat.path)}], convert: point}}  # {CONFIRM}"
    yield from _person(guess)
    if guess.files:
        keys = {member.path.lower(): member.path for member in guess.files.members}
        named = {"id": ("id", "fileid", "file_id", "attachid"), "name": ("name", "filename", "file_name"),
                 "size": ("size", "filesize"), "media_type": ("contenttype", "mime", "mediatype", "type")}  # fmt: skip
        found = {part: keys[word] for part, words in named.items() for word in words if word in keys}
        found.setdefault("id", found["name"])
        yield (f"  files: {{wire: {_text(guess.files.path)}, convert: files, files: {{"
               + ", ".join(f"{part}: {_text(key)}" for part, key in found.items()) + f"}}, way: read}}  # {CONFIRM}")  # fmt: skip


def _person(guess: Guess) -> Iterator[str]:
    """Who called. Where a flag that keeps people secret is not plainly true or false, nobody is read until it is known."""
    found = [(part, one) for part, one in zip(("name", "phone"), guess.person, strict=True) if one]
    unclear = guess.secret is not None and guess.secret.kind != "flag"
    if guess.secret:
        found.append(("secret", guess.secret))
    if not any(guess.person):
        return
    if unclear:
        yield f"  # {CONFIRM}: 先弄清保密标志哪个是“是”，写进 tables，再启用 / first find out which code means secret; then use it:"
    parts = ", ".join(f"{part}: {_text(one.path)}" for part, one in found) + (", table: secret" if unclear else "")
    yield (f"  {'# ' if unclear else ''}caller: {{convert: person, person: {{{parts}}}}}"
           f"  # {CONFIRM}: caller 来电人，或 reporter 上报人")  # fmt: skip


def _history(history: History, guess: Guess, pattern: str) -> Iterator[str]:
    yield f"entries:  # {CONFIRM}: 办理过程 / the history"
    yield f"  rows: {_text(history.rows.path)}"
    yield f"  key: {_text(history.key.path)}"
    yield f"  at: {_text(history.at.path)}  # {history.at}"
    if history.at.kind != "time":
        yield f"  as_time: {history.at.kind}"
    elif history.at.time != pattern:
        yield f"  # 写法 {history.at.time} 与上面的 time 不同，须先一致 / not written as `time` above says"
    for part, one in history.parts.items():
        yield f"  {part}: {_text(one.path)}  # {CONFIRM}: {one}"
    yield f"  order: sequence  # {CONFIRM}: 允许事后补录的写 time / `time` where entries may be typed in afterwards"
    yield "  read:  # 从上往下第一条符合的起作用；每条核对 / the first that fits decides; look at each"
    status, code = history.parts.get("status"), history.parts.get("code")
    by_status = bool(status and status.codes)
    for word in status.codes if status and by_status else code.codes if code else ():
        when = f"status: {_quoted(word)}, moved: true" if by_status else f"code: {_quoted(word)}"
        stage = stage_of(word)
        yield f"    - {{when: {{{when}}}, action: {ACTIONS[stage] if stage else 'COMMENT'}}}  # {CONFIRM}"
    yield "    - {action: COMMENT}"


def _pattern(guess: Guess) -> str:
    """The pattern of most times; a history's own comes first, since it has no pattern of its own in the language."""
    if guess.history and guess.history.at.time:
        return guess.history.at.time
    found = [one.time for one in (*guess.roles.values(), *guess.unused) if one.time]
    return max(dict.fromkeys(found), key=found.count, default="")


def entry_text(named: Named, settings: Mapping[str, Any], sure: frozenset[str]) -> str:
    """The platform's lines under `platforms:` of its county's file."""
    lines = [
        f"  - slug: {named.slug}",
        f"    title: {_text(named.title)}",
        "    adapter: rest",
        f"    mapping: {named.slug}",
        f"    connection: {named.connection}",
        "    poll: 60s",
        "    settings:                          # 每个键见 docs/rest.md / keys: docs/rest.md",
    ]
    for key, value in settings.items():
        if key == "list":
            lines.append("      list:")
            lines += [f"        {part}: {_flow(one)}{_mark(f'list.{part}', sure)}" for part, one in value.items()]
        else:
            lines.append(f"      {key}: {_flow(value)}{_mark(key, sure)}")
    lines.append("      # 写入：照接口文档核对，去掉“# ”启用 / writing: check against the interface document, then remove the signs")
    lines += [f"      # {line}" for line in _entry_writing(settings)]
    return "\n".join(lines) + "\n"


def county_text(named: Named, entry: str, schema: str) -> str:
    """A county's whole file with its first platform."""
    return (
        f"# yaml-language-server: $schema={schema}\n"
        "# 改完运行 huying check / after a change run huying check\n"
        f'county: "{named.county}"\nname: {_text(named.county_name)}\n\nplatforms:\n{entry}'
    )  # fmt: skip


def _mark(key: str, sure: frozenset[str]) -> str:
    if key in ("auth", "detail", "list.request") and key not in sure:
        return ""  # said by a person
    return "  # 答复已证实 / proved by answers" if key in sure else f"  # {CONFIRM}"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000)
    return str(text).removesuffix("...\n").strip()


def _text(value: str) -> str:
    """A value as it may stand in YAML, quoted only where it must be."""
    return value if re.fullmatch(r"[A-Za-z_\u4e00-\u9fff][\w.\u4e00-\u9fff-]*", value) else _quoted(value)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _writing(guess: Guess) -> Iterator[str]:
    """The part that tells the platform, commented out: every action is there, as a remark where nothing fits better."""
    statuses = _statuses(guess)
    born = next((code for code in statuses if stage_of(code) is Stage.CALLED), "新建后的状态")
    yield "# ---- 告知该平台 / telling this platform"
    yield "# 到这里只读不写。要写时：去掉下面各行开头的“# ”，照接口文档把〈〉换掉；县区文件里同样。见 docs/onboarding.md 第 6 步。"
    yield "# So far it is only read. To write: remove the signs below, replace each 〈〉; in the county's file too."
    yield f"# create: {{status: {_quoted(born)}}}"
    yield "# operation:"
    yield "#   code: 〈操作代码的字段 / field of the operation's code〉"
    yield "#   opinion: {to: 〈意见字段 / field of the words〉, limit: {max: 500}}"
    yield "#   operator: {to: 〈办理人字段 / field of who〉, default: 呼应}"
    yield "#   at: 〈办理时间字段 / field of when〉"
    if guess.history and guess.history.at.kind != "time":
        yield f"#   as_time: {guess.history.at.kind}"
    yield "#   remark: 〈不改变状态的操作 / the operation that keeps the status〉"
    yield "# workflow:                          # 状态 → {操作: 操作后的状态} / status -> {operation: status afterwards}"
    for code in statuses:
        yield f"#   {_quoted(code)}: {{〈操作〉: 〈状态〉, 〈备注操作〉: {_quoted(code)}}}"
    yield "# moves:                             # 没有对应操作的，保留 remark，写成备注 / what has no operation stays a remark"
    for action, mark in _MOVES.items():
        told = f"operation: 〈{mark}的操作〉" if action in _BY_OPERATION else f"remark: 【{mark}】" if mark else 'remark: ""'
        yield f"#   {action}: {{{told}}}"
    missing = [stage for stage in Stage if stage not in {stage_of(code) for code in statuses}]
    if missing:
        yield "# shows:                             # 没有自己状态的阶段，由哪个状态代替 / stages without a status, and what stands there"
        for stage in missing:
            yield f"#   {stage}: [〈状态〉]"
    yield "# edits: remark                     # 有修改接口的见 docs/mapping.md / where fields can be changed: docs/mapping.md"


_MOVES = {
    "CALL": "再次呼叫", "ACCEPT": "受理", "DISPATCH": "派发", "TRANSFER": "转派", "RESPOND": "响应", "PROGRESS": "办理",
    "REPORT": "反馈", "CLOSE": "办结", "RATE": "评价", "CANCEL": "作废", "REOPEN": "重办", "RETURN.caller": "退回",
    "RETURN.centre": "退单", "RETURN.department": "返工", "EXTEND": "延期", "SUSPEND": "挂账", "RESUME": "恢复",
    "ASSIST": "协办", "INFORM": "知会", "URGE": "督办", "CALL_BACK": "回访", "REVIEW": "复核", "ATTACH": "附件", "COMMENT": "",
}  # fmt: skip
"""Every action and its mark as a remark."""
_BY_OPERATION = ("CALL", "ACCEPT", "DISPATCH", "PROGRESS", "REPORT", "CLOSE", "CANCEL", "RETURN.caller")
"""Those that most platforms have an operation for."""


def _entry_writing(settings: Mapping[str, Any]) -> Iterator[str]:
    """What writing needs in the county's file, commented out."""
    data = settings.get("envelope", {}).get("data", "")
    path = settings["list"]["request"]["path"]
    if "detail" not in settings:
        yield 'detail: {request: {path: "' + path + '/{id}"}}'
    yield f"create: {{request: {{method: POST, path: {path}, send: json}}, id: {data + '.' if data else ''}{settings['record']['id']}}}"
    yield "# 平台要数字的代码，在 request 中写 numbers: [字段] / codes that must be JSON numbers: name them under `numbers`"
    yield 'update: {request: {method: POST, path: "' + path + '/{id}/〈操作〉", send: json}}'
    yield "find: {by: walk, days: 7}            # 能按我方编号查的用 by: query / by: query where our number can be searched"
