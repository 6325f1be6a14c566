"""Observed fields -> what each may mean: canonical fields, history, stages. By names, as they are commonly met.

Everything here is a guess that a person confirms; `told` has the last word. Must not know a platform.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.scaffolding.observing import Observed
from schemas.lifecycle import ActionKind, Stage

TIMES, SCALARS = ("time", "epoch_ms", "epoch_s"), ("text", "number")
ROLES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("status", r"status|state|stage|step|phase|zt$|状态|阶段|环节", SCALARS),
    ("reference", r"(source|outer|external|third|origin|partner).*(no|id|ref|number|code)$|^ref|reference|来源编号|外部编号",
     (*SCALARS, "nothing")),
    ("title", r"title|subject|topic|summary|headline|^bt$|标题|主题", ("text",)),
    ("description", r"content|description|narrative|detail|^desc|^nr$|text|内容|描述|详情", ("text",)),
    ("urgency", r"urgen|priorit|level|heat|紧急|等级", SCALARS),
    ("item", r"(type|kind|category|class|item|matter|sort|lb|事项|类别|类型)(\.?(code|id|no))?$", SCALARS),
    ("area.town", r"(town|street|xz|乡镇|镇街|街道)(code|id|no|bm)?$", SCALARS),
    ("division", r"(area|region|division|district|xzqh|区划)(code|id|no|bm)?$", SCALARS),
    ("calling_unit", r"(town|street|unit|镇街|单位)(name|mc|名称)$", ("text",)),
    ("place.address", r"address|place|location|where|addr|dz$|地址|地点|位置", ("text",)),
    ("due", r"due|deadline|limit|expire|限|截止", TIMES),
    ("happened_at", r"happen|occur|event_?time|发生", TIMES),
    ("reported_at", r"creat|report|regist|submit|登记|上报|创建", TIMES),
    ("reply_public", r"reply|answer|feedback|答复|回复|反馈", ("text",)),
)
"""Role, the names that suggest it, the kinds of value that it can have; the first field that fits is taken."""
NAMES = re.compile(r"(contact|caller|person|reporter|linkman|citizen).*(name)?$|姓名|联系人|来电人|上报人", re.IGNORECASE)
SECRET = re.compile(r"secret|confiden|anonym|private|保密|匿名", re.IGNORECASE)
PHONES = re.compile(r"tel$|phone|mobile|电话|手机", re.IGNORECASE)
STAGES: tuple[tuple[Stage, str], ...] = (
    (Stage.RETURNED, r"return|reject|refus|declin|退|驳回|不予"),
    (Stage.CANCELLED, r"cancel|void|withdraw|revok|作废|撤|取消"),
    (Stage.CALLED, r"^(open|new|called|pending|waiting|submitted|registered|created|call)$|待受理|待接|未受理|新建|登记|上报|呼叫"),
    (Stage.RATED, r"rate|evaluat|评"),
    (Stage.CLOSED, r"clos|finish|complet|^ended|办结|结案|完成|归档"),
    (Stage.REPORTED, r"report|resolv|repl|answer|done|反馈|答复|回复"),
    (Stage.IN_PROGRESS, r"progress|process|handl|work|start|doing|办理|处理|处置"),
    (Stage.RESPONDED, r"respon|arriv|响应|到场"),
    (Stage.DISPATCHED, r"dispatch|assign|forward|派|交办|转办"),
    (Stage.ACCEPTED, r"accept|taken|receiv|受理|接"),
)
ACTIONS: Mapping[Stage, ActionKind] = {
    Stage.CALLED: ActionKind.CALL, Stage.ACCEPTED: ActionKind.ACCEPT, Stage.DISPATCHED: ActionKind.DISPATCH,
    Stage.RESPONDED: ActionKind.RESPOND, Stage.IN_PROGRESS: ActionKind.PROGRESS, Stage.REPORTED: ActionKind.REPORT,
    Stage.CLOSED: ActionKind.CLOSE, Stage.RATED: ActionKind.RATE, Stage.RETURNED: ActionKind.RETURN,
    Stage.CANCELLED: ActionKind.CANCEL,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class History:
    """A list of what was done. The members that seem to be each part; None where there is none."""

    rows: Observed
    key: Observed
    at: Observed
    parts: Mapping[str, Observed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guess:
    """roles: role or canonical field -> the observed field. point: longitude, latitude. person: name, phone; secret: the flag
    that keeps them secret. unused: what nothing was found
    for, in order."""

    roles: Mapping[str, Observed]
    point: tuple[Observed, Observed] | None
    person: tuple[Observed | None, Observed | None]
    secret: Observed | None
    history: History | None
    files: Observed | None
    unused: tuple[Observed, ...]


def guess(seen: Sequence[Observed], told: Mapping[str, str]) -> Guess:
    """told: role -> wire path, by the person who asks; such a field is used for nothing else."""
    known = {one.path: one for one in seen}
    left = [one for one in seen if one.path not in told.values()]
    roles = {role: known.get(path) or Observed(path, "nothing", 0, 0) for role, path in told.items()}
    point = _point(left)
    left = [one for one in left if one not in (point or ())]
    for role, names, kinds in ROLES:
        if role not in roles:
            found = next((one for one in left if one.kind in kinds and re.search(names, _last(one), re.IGNORECASE)
                          and (not one.personal or role in ("title", "description", "place.address"))
                          and (role != "status" or one.codes)), None)  # fmt: skip
            if found:
                roles[role] = found
                left.remove(found)
    lists = [one for one in left if one.kind == "objects"]
    history = next((past for one in lists if (past := _history(one))), None)
    files = next((one for one in lists if (history is None or one is not history.rows) and _files(one)), None)
    texts = [one for one in left if one.kind in ("text", "nothing")]
    name = next((one for one in texts if NAMES.search(_last(one)) and not PHONES.search(_last(one))), None)
    phone = next((one for one in left if one.kind in (*SCALARS, "nothing") and PHONES.search(_last(one))), None)
    secret = next((one for one in left if one.kind in ("flag", *SCALARS) and SECRET.search(one.path)), None)
    used = {id(one) for one in (*roles.values(), *(point or ()), name, phone, secret, files) if one}
    used |= {id(history.rows)} if history else set()
    return Guess(roles, point, (name, phone), secret, history, files, tuple(one for one in seen if id(one) not in used))


def stage_of(code: str) -> Stage | None:
    """The stage that a status is called like; None where it says nothing (numbers)."""
    return next((stage for stage, names in STAGES if re.search(names, code, re.IGNORECASE)), None)


def _last(one: Observed) -> str:
    """The member's name, with the one above it where it says little (`category.code`)."""
    above, _, last = one.path.rpartition(".")
    return f"{above.rpartition('.')[2]}.{last}" if last.lower() in ("code", "id", "name", "no") and above else last


def _point(seen: Sequence[Observed]) -> tuple[Observed, Observed] | None:
    def found(names: str, most: float) -> Observed | None:
        return next((one for one in seen if re.search(names, one.path.rpartition(".")[2], re.IGNORECASE)
                     and one.low is not None and one.high is not None and one.low > 0 and one.high <= most), None)  # fmt: skip

    lon, lat = found(r"^(lng|lon|long|longitude|x|jd|经度)$", 180), found(r"^(lat|latitude|y|wd|纬度)$", 90)
    return (lon, lat) if lon and lat else None


def _history(one: Observed) -> History | None:
    members = {member.path: member for member in one.members}
    at = next((m for m in members.values() if m.kind in TIMES), None)
    keys = [m for m in members.values() if m.unique and m.kind in SCALARS and m is not at]
    key = next((m for m in keys if re.search(r"id$|no$|seq|key|bh$|编号|序号", m.path, re.IGNORECASE)), None)
    if at is None or key is None or _files(one):
        return None
    parts: dict[str, Observed] = {}
    for part, names in (("before", r"before|prev|之前"), ("status", r"status|state|stage|after|状态"),
                        ("code", r"^act|operation|type|code|action|动作|操作"),
                        ("opinion", r"opinion|word|text|content|remark|comment|memo|意见|内容|备注"),
                        ("operator", r"operator|handler|user|who|staff|person|by$|name|办理人|经办|人"),
                        ("department", r"dept|depart|unit|agency|org|部门|单位")):  # fmt: skip
        found = next((m for m in members.values() if m not in (at, key, *parts.values()) and m.kind in (*SCALARS, "nothing")
                      and re.search(names, m.path, re.IGNORECASE)), None)  # fmt: skip
        if found:
            parts[part] = found
    return History(one, key, at, parts)


def _files(one: Observed) -> bool:
    names = {member.path.lower() for member in one.members}
    return bool(names & {"name", "filename", "file_name"}) and bool(names & {"size", "url", "filesize", "contenttype", "mime"})
