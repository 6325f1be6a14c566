"""The canonical call (呼叫): what every platform's record means, wide enough for what real systems hold.

Longitude and latitude are always WGS 84 degrees; times are aware; area codes are GB/T 2260 (county, 6 digits) and the
statistical division codes (town 9, village 12 digits), grids 15 digits (GB/T 30428.1). Nothing here does I/O or knows
a platform's words.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from schemas.moment import Moment

CALLS = UUID("8f0f4d0e-5b7e-5c53-9d3c-6b1f0c7a3711")
"""Namespace of call ids: part of the product's contract, never to change (a rebuilt ledger gives the same ids)."""

Channel = Literal["hotline", "web", "app", "wechat", "grid_inspection", "caller", "window", "exchange", "other"]
Kind = Literal["consult", "help", "complaint", "report", "suggestion", "thanks", "other"]
Urgency = Literal["ordinary", "urgent", "critical"]
Sureness = Literal["given", "derived", "approximated"]
Milestone = Literal["accept", "respond", "report", "close"]
Unit = Literal["minute", "working_hour", "working_day", "calendar_day"]
Role = Literal["lead", "assist", "inform"]


def call_id(platform: str, native_id: str) -> UUID:
    """The deterministic identity of a call: uuid5 of its origin platform and its native id there."""
    return uuid5(CALLS, f"{platform}\n{native_id}")


class Value(BaseModel):
    """Ground of all canonical values: frozen, nothing unknown, nothing coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Origin(Value):
    """Where a call was recorded first."""

    platform: str = Field(min_length=1)
    native_id: str = Field(min_length=1)


class Number(Value):
    """One of a call's numbers: `internal` for the wire, `human` for the telephone, `superior`, `query` code."""

    platform: str
    kind: Literal["internal", "human", "superior", "query"]
    value: str


class Relation(Value):
    """How a call stands to another one; `reference` is that one's number or call id."""

    kind: Literal["repeat_of", "duplicate_of", "merged_into", "joint_with", "parent"]
    reference: str


class CodeName(Value):
    """A code with its name, as a platform's list gives them."""

    code: str | None = None
    name: str | None = None


class Item(Value):
    """The matter (事项) by a catalogue's code; the catalogue's *other* item where nothing fits."""

    catalogue: str
    code: str | None = None
    name: str | None = None


class AreaCode(Value):
    """One level of the area and how sure it is: given, derived from a finer code, or approximated by a coarser one."""

    code: str = Field(pattern=r"^[0-9]{6,15}$")
    name: str | None = None
    sure: Sureness = "given"


class Area(Value):
    """County (6), town (9), village (12) and grid (15 digits)."""

    county: AreaCode | None = None
    town: AreaCode | None = None
    village: AreaCode | None = None
    grid: AreaCode | None = None


class Point(Value):
    """A place in WGS 84 degrees beside the numbers and reference system in which it was given."""

    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    x: str
    y: str
    crs: str


class Place(Value):
    address: str | None = None
    point: Point | None = None


class Person(Value):
    """A person. `phones` are folded for search and dialling, `phone_text` is what the platform showed.

    A confidential or anonymous person's name and numbers never leave the ledger (promise G9).
    """

    name: str | None = None
    phones: tuple[str, ...] = ()
    phone_text: str | None = None
    confidential: bool = False
    anonymous: bool = False


class Target(Value):
    """Who is to act: a department by default, or a post, a person, another platform."""

    kind: Literal["department", "post", "person", "platform"] = "department"
    code: str | None = None
    name: str | None = None


class Assignment(Value):
    """Lead (主办), assisting (协办) or informed (知会) party, with its own limit and answer."""

    role: Role
    target: Target
    due: Moment | None = None
    answer: str | None = None


class Deadline(Value):
    """A limit for a milestone: as an amount of working or calendar time, and as the moments it led to."""

    milestone: Milestone
    amount: int | None = Field(default=None, gt=0)
    unit: Unit | None = None
    original: Moment | None = None
    current: Moment | None = None


class Verdict(Value):
    """What the call-back (回访) or rating found. Satisfaction: 1 not, 2 basically, 3 satisfied, 4 very."""

    solved: Literal["yes", "basically", "partly", "no"] | None = None
    result: Literal[1, 2, 3, 4] | None = None
    process: Literal[1, 2, 3, 4] | None = None
    reason: str | None = None
    counted: bool = True


class Attachment(Value):
    """A file by its facts; the bytes stay on their platform or in the attachment store."""

    platform: str
    native_id: str
    name: str
    media_type: str | None = None
    size: int | None = Field(default=None, ge=0)
    sha256: str | None = None
    phase: Literal["before", "during", "after"] | None = None
    purpose: Literal["evidence", "document", "contact_proof", "recording"] | None = None


class Call(Value):
    """One call, whole. Its stage and history are not fields: they are folded from its actions (`lifecycle.fold`)."""

    origin: Origin
    numbers: tuple[Number, ...] = ()
    channel: Channel = "other"
    hotline: str | None = None
    relations: tuple[Relation, ...] = ()
    tags: tuple[str, ...] = ()
    kind: Kind = "other"
    title: str = ""
    description: str = ""
    item: Item | None = None
    class_path: tuple[CodeName, ...] = Field(default=(), max_length=5)
    urgency: Urgency = "ordinary"
    area: Area = Area()
    place: Place = Place()
    calling_unit: str | None = None
    reporter: Person | None = None
    caller: Person | None = None
    approved_by: str | None = None
    approved_at: Moment | None = None
    assignments: tuple[Assignment, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    happened_at: Moment | None = None
    reported_at: Moment | None = None
    reply_internal: str | None = None
    reply_public: str | None = None
    verdict: Verdict | None = None
    files: tuple[Attachment, ...] = ()
    extras: dict[str, JsonValue] = {}

    @property
    def call_id(self) -> UUID:
        return call_id(self.origin.platform, self.origin.native_id)

    @field_validator("assignments")
    @classmethod
    def _one_lead(cls, value: tuple[Assignment, ...]) -> tuple[Assignment, ...]:
        if sum(a.role == "lead" for a in value) > 1:
            raise ValueError("a call has one lead department at most")
        return value

    def to_json(self) -> dict[str, Any]:
        """JSON values without what is not set."""
        return self.model_dump(mode="json", exclude_defaults=True) | {"origin": self.origin.model_dump()}
