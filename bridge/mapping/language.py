"""The mapping language: the model of `mappings/*.yaml`. One file a platform, both directions, no code.

docs/mapping.md explains every key with examples; `huying map show` prints what a file says. This module must not know
a platform, nor how a mapping is carried out (`compiler`, `entries`, `planning`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.lifecycle import ActionKind, Stage


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Path = Annotated[str, Field(pattern=r"^[^\s.]+(\.[^\s.]+)*$")]
Codes = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str]), Field(min_length=1)]
Count = Literal["utf16", "code_points", "gbk_bytes", "utf8_bytes", "gb18030_bytes"]


class Part(BaseModel):
    """Ground of the language: unknown keys are errors, codes typed as numbers are read as their text."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, populate_by_name=True)


class Limit(Part):
    """A length as the platform counts it, and what happens to a longer text: refused by us, or cut with an ellipsis."""

    count: Count = "code_points"
    max: int = Field(gt=0)
    then: Literal["cut", "refuse"] = "cut"


class Record(Part):
    """Where a record keeps its identity: its id, our reference, its status, the time of its last change."""

    id: Path
    reference: Path | None = None
    status: Path
    changed: Path | None = None
    numbers: dict[Literal["internal", "human", "superior", "query"], Path] = {}


class Admission(Part):
    """Which records are calls: once a history entry of one of these statuses exists. Others are ignored, with the
    reason."""

    entry: Codes
    otherwise: str


class Otherwise(Part):
    """What an unlisted code becomes when read, and what is written for a value without a code."""

    read: str | bool | None = None
    write: str | bool | None = None


class Table(Part):
    """A two-way code table: wire code -> canonical value. Reading back takes the first code of a value, or `write`."""

    codes: dict[str, str | bool]
    write: dict[str, str] = {}
    otherwise: Otherwise | None = None


class Named(Part):
    """Codes with names: departments or items. Towards other platforms the exact name decides, then `same_as` (other
    names, or `catalogue:code`, that mean one of our codes), then `other`. towns: a 9-digit town code is a department
    too."""

    catalogue: str = ""
    """items: the catalogue (config/catalogues) that everything else here is drawn from; what is said here wins"""
    codes: dict[str, str]
    other: str
    same_as: dict[str, str] = {}
    towns: bool = False
    lead: dict[str, str] = {}
    """items only: item code -> the department that leads by default"""


class PersonParts(Part):
    """A person's parts on the wire. secret: the flag that keeps the person secret, by a boolean table or as it is."""

    name: Path | None = None
    phone: Path | None = None
    secret: Path | None = None
    table: str | None = None
    secret_word: str | None = None
    """what is written as the name of a confidential person, who else is left out: 保密"""
    name_limit: Limit | None = None
    phone_limit: Limit | None = None
    phone_pattern: str | None = None
    """regular expression a phone must match to be written; others are left out"""


class Rule(Part):
    """How one canonical field stands on the wire. `wire` one path (or two for a point); one way: only read, only
    written, or both. empty: whether an empty value means *emptied* (travels as a change) or *absent*."""

    wire: Annotated[list[Path], BeforeValidator(_listed, json_schema_input_type=Path | list[Path])] = []
    way: Literal["both", "read", "write"] = "both"
    convert: Literal["text", "number", "code", "time", "epoch_ms", "epoch_s", "point", "phones", "person", "department",
                     "departments", "item", "list", "pairs", "files", "flag"] = "text"  # fmt: skip
    table: str | None = None
    time: str | None = None
    zone: str | None = None
    crs: str | None = None
    decimals: int = Field(default=6, ge=0, le=12)
    as_text: bool = False
    """write numbers as text"""
    person: PersonParts | None = None
    files: dict[Literal["id", "version", "name", "size", "media_type", "split"], str] = {}
    """version: what tells the content of a file that may be replaced under its id: another one is another file"""
    pairs: list[str] = []
    join: str | None = None
    """items whose code stands in several wire fields: what joins them into one code"""
    limit: Limit | None = None
    plain: bool = False
    """write: the platform takes no HTML: the `<` of a tag is written as ＜"""
    value: str | None = None
    """read: a constant instead of a wire field"""
    default: str | bool | None = None
    """write: what is written when the call has no value"""
    required: bool = False
    """write: a call without a value is refused, naming the field"""
    empty: Literal["emptied", "absent"] = "emptied"
    when: dict[Path, Codes] = {}
    """read: only if these wire fields have one of these values"""


class EntryWhen(Part):
    """When a rule fits a history entry; all that is given must hold."""

    status: Codes | None = None
    before: Codes | None = None
    code: Codes | None = None
    moved: bool | None = None
    called: bool | None = None
    by_lead: bool | None = None
    mark: str | None = None
    first: bool | None = None


class Doing(Part):
    """One canonical action that an entry means. lead, due: wire fields of the entry that hold departments, a limit; a due
    that is the opinion itself stands at its head, after the rule's mark."""

    kind: ActionKind
    to: Literal["caller", "centre", "department"] | None = None
    phase: Literal["requested", "granted", "refused"] = "granted"
    leader: bool = False
    card: Literal["none", "yellow", "red"] = "none"
    lead: Path | None = None
    due: Path | None = None
    verdict: bool = False
    reason: str | None = None


class EntryRule(Part):
    """First rule that fits decides: one or more actions, or `ignore` with the reason."""

    when: EntryWhen = EntryWhen()
    action: ActionKind | None = None
    actions: list[Doing] = []
    ignore: str | None = None


class Entries(Part):
    """The history that a record carries. order: `sequence` where the platform's own order is the truth (times are what
    clerks typed), `time` where entries may be typed in afterwards and turn nothing back."""

    rows: Path
    key: Path
    at: Path
    as_time: Literal["time", "epoch_ms", "epoch_s"] = "time"
    recorded: Path | None = None
    status: Path | None = None
    keeps: Codes | None = None
    """what may stand as the status of an entry and leaves the status as it was"""
    before: Path | None = None
    code: Path | None = None
    operator: Path | None = None
    department: Path | None = None
    opinion: Path | None = None
    files: Path | None = None
    order: Literal["sequence", "time"] = "sequence"
    read: list[EntryRule]


class Latest(Part):
    """For platforms that show their latest state and no history: a changed status is the action. words: the canonical
    field whose text is that action's opinion; changed without the status, it is a comment."""

    words: str | None = None


class TextSlot(Part):
    """A text of an operation: its wire field, its limit, and what is written where there is none."""

    to: Path
    limit: Limit | None = None
    default: str | None = None


class DepartmentSlot(Part):
    """Departments of an operation. join: several codes in one text; absent: only the first is written and the others
    are named in the opinion. most: how many codes the text takes, the others are named too. required: the centre is
    written where nobody is known. lead, assists: own fields for who shall act and who helps, where the platform keeps
    them apart from who acts."""

    to: Path
    lead: Path | None = None
    assists: Path | None = None
    join: str | None = None
    most: int | None = Field(default=None, gt=0)
    required: bool = False


class FileEntry(Part):
    """What a file leaves behind that we write: the history entry (its code, `same` = the present status; its words with
    {name}; none where the platform writes no entry), whether the platform gives it another name, and the charset of
    names: what it lacks becomes _. None: any character."""

    code: str = "same"
    words: str = ""
    renamed: bool = False
    charset: Literal["gbk"] | None = None


class Operation(Part):
    """The wire call that changes a record: which field takes the code, the opinion, the operator and so on. due: the
    opinion's own field puts the limit at its head, after the mark."""

    code: Path
    opinion: TextSlot
    operator: TextSlot
    department: DepartmentSlot | None = None
    entries: dict[str, str] = {}
    """operation -> the code of the history entry that it leaves, where they differ; `same`: of a remark that is `same`"""
    at: Path | None = None
    """absent: the platform takes its own time"""
    due: Path | None = None
    as_time: Literal["time", "epoch_ms", "epoch_s"] = "time"
    distinct_times: bool = False
    """two operations of one kind by one person must differ in their time, to the millisecond"""
    remark: str | None = None
    """the code of a remark that keeps the status; `same` = the present status itself; absent: the platform takes none"""
    remark_at: Codes | None = None
    """the statuses at which a remark is possible; absent = at all"""
    remark_department: Literal["acting", "outsider", "present", "none"] = "none"
    """present: who leads and helps now, where a remark is a dispatch to somebody else otherwise"""
    touches: list[str] = []
    """canonical fields that the platform changes by itself when an operation is carried out"""
    opinion_needed: list[str] = []
    """codes that must have an opinion; `same` = every operation that keeps the status"""
    file: FileEntry | None = None
    elsewhere: str = "（承办：{names}）"
    """put before the opinion when departments have no code here"""


class Sending(Part):
    """How a canonical action is told: by an operation, or as a remark that begins with a mark. department: whose code
    stands in the operation: who acts, who shall act (lead, all), who leads now, or an outsider (never the lead)."""

    operation: str | None = None
    remark: str | None = None
    same: str = ""
    """the mark at the head of the opinion where the operation keeps the status"""
    department: Literal["acting", "lead", "lead_and_assists", "present_lead", "outsider", "none"] = "acting"
    verdict: bool = False
    due: Literal["no", "optional", "needed"] = "no"
    """needed: without a later limit than the present one the action is told as a remark"""


class Verdicts(Part):
    """Words at the head of a rating's opinion. satisfied, score: fields of an entry and of an operation that hold the
    verdict itself, a boolean and 1 to 5; a rating without a verdict is then told as a remark."""

    result: dict[str, Literal[1, 2, 3, 4]] = {}
    solved: dict[str, Literal["yes", "basically", "partly", "no"]] = {}
    satisfied: Path | None = None
    score: Path | None = None


class Create(Part):
    """What a new record needs besides the fields: constants, the status it is born in, entries that the platform then
    writes by itself (their codes and opinions: they come back as echoes)."""

    set: dict[Path, str | bool | list[str]] = {}
    status: str
    entries: list[dict[Literal["code", "opinion"], str]] = []


class Edits(Part):
    """Fields that can be changed on a record after its creation (ability EDIT), each written as `fields` says.

    at: the statuses at which it is possible; absent = all. empty_as: how an emptied value is written, null or a blank
    text. never_empty: fields that the platform does not let be emptied. otherwise: what becomes of a change that cannot
    be made there, or not then.
    """

    fields: list[str] = Field(min_length=1)
    at: Codes | None = None
    empty_as: Literal["none", "blank"] = "none"
    never_empty: list[str] = []
    otherwise: Literal["remark", "cannot"] = "remark"


class Mapping(Part):
    """One platform's words and what they mean."""

    mapping: str
    title: str
    extends: str | None = None
    zone: str = "Asia/Shanghai"
    crs: str | None = None
    box: list[float] | None = Field(default=None, min_length=4, max_length=4)
    """west, south, east, north in WGS 84 degrees: a place outside is shown as an anomaly and not stored as a place"""
    time: str | None = None
    charset: Literal["gbk", "gb18030"] | None = None
    """the charset of the platform, where it is no Unicode: texts are written as they will be stored, in gbk with a `?` for
    each character that it lacks"""
    nothing: list[str] = []
    """words that stand for nothing: 无, null"""
    record: Record
    admit: Admission | None = None
    stages: dict[str, Stage | None]
    tables: dict[str, Table] = {}
    items: Named | None = None
    departments: Named | None = None
    verdicts: Verdicts = Verdicts()
    fields: dict[str, Rule]
    ignored: list[Path] = []
    """wire fields left aside on purpose; all others that no rule reads are reported and kept in extras"""
    entries: Entries = Entries(rows="-", key="-", at="-", read=[])
    latest: Latest | None = None
    """instead of `entries`, for platforms without a history"""
    create: Create | None = None
    created_only: str | None = None
    """why nothing can be told after creation; whatever such a platform shows then is no difference"""
    operation: Operation | None = None
    workflow: dict[str, dict[str, str]] = {}
    """status -> operation -> status afterwards: what an exchange account may do"""
    moves: dict[str, Sending] = {}
    """canonical action (RETURN.caller, RETURN.centre, RETURN.department) -> how it is told"""
    cannot: dict[str, str] = {}
    """canonical actions that cannot be told at all, and why"""
    shows: dict[Stage, Codes] = {}
    """canonical stages without a way to be shown, and the statuses that stand there instead: no difference"""
    edits: Literal["remark", "cannot"] | Edits = "cannot"
    """how a change of fields is told after creation: in words, not at all, or as a change of the fields there"""
    number_remark: str = "（备注）{platform}编号 {number}"


CANONICAL: dict[str, str] = {
    "title": "text", "description": "text", "kind": "text", "channel": "text", "hotline": "text", "urgency": "text",
    "calling_unit": "text", "item": "item", "division": "code", "area.county": "code", "area.town": "code", "area.village": "code",
    "area.grid": "code", "area.county_name": "text", "area.town_name": "text", "area.village_name": "text",
    "area.grid_name": "text", "place.address": "text", "place.point": "point", "reporter": "person", "caller": "person",
    "approved_by": "text", "approved_at": "time", "happened_at": "time", "reported_at": "time", "lead": "department",
    "assists": "departments", "due": "time", "reply_internal": "text", "reply_public": "text", "files": "files",
    "tags": "list", "extras": "pairs",
}  # fmt: skip
"""The canonical fields a rule may be for, and the kind of value each holds. division: an area's code of any level, told by its
length."""
