"""What may stand under `settings:` for a REST platform by configuration. Secrets are no settings: they are the
connection's login and password. docs/rest.md explains every key with an example. Must not know a platform.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from adapters.generic.parts import (
    Auth,
    Dotted,
    Envelope,
    Group,
    HeaderName,
    Idempotency,
    NoAuth,
    Part,
    Places,
    Request,
    Time,
    UrlPath,
)
from adapters.generic.placeholders import names, strangers
from schemas.moment import Moment


class NoPages(Part):
    """One answer holds everything. cut: so many rows mean that the server left some out."""

    kind: Literal["none"] = "none"
    cut: int | None = Field(default=None, ge=2)


class Pages(Part):
    """Page numbers, `{page}` from `first` on. end: `short`: a page with fewer rows than asked for is the last one;
    `empty`: only an empty page (or one shown before) is."""

    kind: Literal["page"]
    first: int = Field(default=1, ge=0, le=1)
    total: Dotted = ""
    end: Literal["short", "empty"] = "short"


class Offsets(Part):
    """`{offset}`: how many rows to pass over."""

    kind: Literal["offset"]
    total: Dotted = ""
    end: Literal["short", "empty"] = "short"


class Cursors(Part):
    """`{cursor}`: what the answer before gave at `next`. keep: it stays good for later polls."""

    kind: Literal["cursor"]
    next: Dotted = Field(min_length=1)
    keep: bool = False
    end: Literal["short", "empty"] = "empty"
    restart_overlap_seconds: float = Field(default=300.0, ge=0, le=86_400)


class Links(Part):
    """A `Link` header with rel="next"."""

    kind: Literal["link"]


class Recheck(Part):
    """Records that are asked for again by id, since the list shows new ones only. size: how many ids in one request,
    `{ids}`, joined by `join`. Those whose `status` is one of `final` for `keep_days` are let go."""

    request: Request
    size: int = Field(default=20, ge=1, le=200)
    join: str = ","
    status: Dotted = Field(min_length=1)
    final: tuple[str, ...] = ()
    keep_days: float = Field(default=30.0, gt=0, le=3650)


class Listing(Part):
    """The list of changed records. since: the member that `{since}` is about. window_seconds: the list is read in
    windows of `{since}` to `{until}`, halved where an answer is as long as the server's cut. unnumbered_days: a row without
    an id is a record that still waits for one; it is left alone, and read again, for so many days."""

    request: Request
    items: Places = ("",)
    paging: Annotated[NoPages | Pages | Offsets | Cursors | Links, Field(discriminator="kind")] = NoPages()
    since: Dotted = ""
    order: Literal["ascending", "descending", "unknown"] = "ascending"
    partial: bool = False
    time: Time = Time()
    window_seconds: float | None = Field(default=None, ge=60, le=31_536_000)
    unnumbered_days: float | None = Field(default=None, gt=0, le=90)
    recheck: Recheck | None = None

    @model_validator(mode="after")
    def _placeholders(self) -> Listing:
        used = names(self.request.parameters)
        wrong = []
        if unknown := used - {"page", "offset", "size", "cursor", "since", "until", "login", "password"}:
            wrong.append(f"没有这个占位 / no such placeholder: {', '.join(sorted(unknown))}")
        needed = {"page": "page", "offset": "offset", "cursor": "cursor"}.get(self.paging.kind)
        if needed and needed not in used:
            wrong.append(f"paging.kind={self.paging.kind} 时 parameters 须用到 / parameters must use {{{needed}}}")
        if self.window_seconds is not None and not {"since", "until"} <= used:
            wrong.append("window_seconds 需要 {since} 与 {until} / window_seconds needs {since} and {until}")
        if self.unnumbered_days is not None and self.window_seconds is None:
            wrong.append("unnumbered_days 需要 window_seconds / needs window_seconds")
        if "since" in used and self.paging.kind != "cursor" and not self.since:
            wrong.append("用到 {since} 时须写 since：哪个字段 / say under `since` which member {since} is about")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class Embedded(Part):
    """Our reference inside a text, for platforms without a member for it. member: the text. template: what is added,
    with `{reference}`; when read it is taken out again."""

    member: Dotted = Field(min_length=1)
    template: str = "\n〔来源编号 {reference}〕"

    @model_validator(mode="after")
    def _one(self) -> Embedded:
        if self.template.count("{reference}") != 1:
            raise ValueError("template 须含一个 {reference} / template holds {reference} once")
        return self


class Record(Part):
    """Where a record keeps what the wire needs of it. volatile: members that are no change. tidy: `[x]` is x and `{}`
    is nothing, as converters from XML write them."""

    id: Dotted = Field(min_length=1)
    reference: Dotted = ""
    embedded: Embedded | None = None
    changed: Dotted = ""
    time: Time = Time()
    version: Dotted = ""
    volatile: tuple[Dotted, ...] = ()
    tidy: bool = False


class More(Part):
    """A list of a record's that has a request of its own, by its `{id}`: put into the record as its member `into`."""

    request: Request
    items: Places = ("",)
    into: Dotted = Field(min_length=1)


class Detail(Part):
    """One whole record by its `{id}`. optional: an answer of success without it means that there is none. more: what else
    belongs to it and is asked for apart."""

    request: Request
    item: Places = ("",)
    optional: bool = False
    more: tuple[More, ...] = ()


class Late(Part):
    """An id that comes later: the `token` of the answer, asked for by `{token}` until the record's `id` stands there."""

    token: Places
    request: Request
    id: Places


class Create(Part):
    """A new record: the whole body as mapped, with the request's parameters beside it. rename: members that this
    request calls otherwise than answers do. Without `id` and `id_header` the record is searched for by our reference."""

    request: Request
    wrap: str = ""
    rename: dict[Dotted, Dotted] = Field(default_factory=dict)
    idempotency: Idempotency | None = None
    idempotent: bool = False
    id: Places = ("",)
    id_header: HeaderName | None = None
    id_pattern: Group = r"^(.+)$"
    status: Dotted = ""
    late: Late | None = None

    @property
    def silent(self) -> bool:
        """Does the answer tell no id?"""
        return self.id == ("",) and not self.id_header


class Operation(Part):
    """The request of one operation, where each has its own. rename: members that it calls otherwise; to an empty name: it
    takes none of them."""

    request: Request
    rename: dict[Dotted, Dotted] = Field(default_factory=dict)


class Update(Part):
    """One operation on a record (`update`), or a change of its fields (`edit`), `{id}`: the whole body as mapped.
    if_match: with the ETag of `detail`, read again when the platform says that it changed meanwhile. operation: the member
    of the body that names the operation; it leaves the body and is `{operation}`. operations: those with requests of their
    own. rename: as of an operation. whole: the record as `detail` shows it goes out, with the body's members in it and
    without what stands there at `leave`."""

    request: Request | None = None
    operation: Dotted = ""
    operations: dict[str, Operation] = Field(default_factory=dict)
    rename: dict[Dotted, Dotted] = Field(default_factory=dict)
    whole: bool = False
    leave: tuple[Dotted, ...] = ()
    wrap: str = ""
    idempotency: Idempotency | None = None
    idempotent: bool = False
    if_match: bool = False
    entry: Dotted = ""
    status: Dotted = ""

    @model_validator(mode="after")
    def _some(self) -> Update:
        if self.request is None and not self.operations:
            raise ValueError("须写 request 或 operations / say either request or operations")
        if self.operations and not self.operation:
            raise ValueError("operations 需要 operation：哪个字段是操作代码 / needs `operation`: the member with the operation's code")
        return self


class FindQuery(Part):
    """Searching by our `{reference}`."""

    by: Literal["query"]
    request: Request
    items: Places = ("",)


class FindWalk(Part):
    """Walking the list from a little before, comparing `record.reference`. days: how far back where no time is known."""

    by: Literal["walk"]
    days: float = Field(default=7.0, gt=0, le=3650)


class Acknowledge(Part):
    """Pending lists: rows come until they are acknowledged, by `{ids}` or one by one by `{id}`."""

    request: Request
    join: str | None = None


class Upload(Part):
    """A file to a record: raw bytes, or a multipart form with the file in `field`. `{id}` and `{name}` in the path.
    digest_header: takes the sha256 as RFC 9530 writes it. file_id: where the answer names the file. into: the member of the
    record that its id is added to by `update`, behind those that are there. charset: of a file's name in a form."""

    method: Literal["PUT", "POST"] = "PUT"
    path: UrlPath
    send: Literal["raw", "multipart"] = "raw"
    field: str = "file"
    charset: Literal["utf-8", "gbk"] = "utf-8"
    into: Dotted = ""
    join: str = ","
    parameters: dict[str, str] = Field(default_factory=dict)
    digest_header: HeaderName | None = None
    file_id: Dotted = ""
    repeatable: bool = False
    max_bytes: int = Field(default=20_971_520, ge=1, le=52_428_800)
    longest_name: int = Field(default=200, ge=8, le=255)


class Download(Part):
    """A file by its record's `{id}` and its own `{file}` id in the path and the parameters; or, where the id is an address, from `hosts`
    only. own: where it is a path or an address of the platform itself, asked for with its credentials."""

    path: UrlPath | None = None
    parameters: dict[str, str] = Field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    own: bool = False
    digest_header: HeaderName | None = None

    @model_validator(mode="after")
    def _one(self) -> Download:
        if (self.path is None) == (not self.hosts and not self.own):
            raise ValueError("写 path，或者写 own、hosts / either path, or own and hosts")
        return self


class Files(Part):
    """Both ways, or only downloads."""

    download: Download
    upload: Upload | None = None


class Settings(Part):
    """Keys of one REST platform; unknown keys are refused."""

    list: Listing
    record: Record
    envelope: Envelope = Envelope()
    auth: Auth = NoAuth()
    format: Literal["json", "xml"] = "json"
    headers: dict[HeaderName, str] = Field(default_factory=dict)
    detail: Detail | None = None
    create: Create | None = None
    update: Update | None = None
    edit: Update | None = None
    find: Annotated[FindQuery | FindWalk, Field(discriminator="by")] | None = None
    acknowledge: Acknowledge | None = None
    files: Files | None = None
    limits: dict[Dotted, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)
    page_size: int = Field(default=100, ge=1, le=5000, strict=True)
    overlap_seconds: float = Field(default=60.0, ge=0, le=86_400)
    start: Moment | None = None
    requests_per_second: float = Field(default=5.0, ge=0.01, le=1000)
    burst: int = Field(default=10, ge=1, le=10_000, strict=True)
    connect_seconds: float = Field(default=5.0, ge=0.1, le=60)
    read_seconds: float = Field(default=35.0, ge=0.1, le=300)
    processing_seconds: float = Field(default=60.0, ge=1, le=3600)
    clock_tolerance_seconds: float = Field(default=30.0, ge=1, le=3600)

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        wrong = [f"{key}: 没有这个占位 / no such placeholder: {', '.join(more)}；可用 / known: {', '.join(sorted(known))}"
                 for key, request, known in _asked(self) if (more := strangers(request, known))]  # fmt: skip
        if self.find is not None and self.find.by == "walk" and not self.record.reference:
            wrong.append("find.by=walk 需要 record.reference / needs record.reference")
        if self.find is not None and self.find.by == "walk" and self.acknowledge is not None:
            wrong.append("find.by=walk 与 acknowledge 不能同用：确认过的不再列出 / what was acknowledged is not listed any more")
        if self.record.embedded is not None and not self.record.reference:
            wrong.append("record.embedded 需要 record.reference / needs record.reference")
        if self.list.partial and self.detail is None:
            wrong.append("list.partial 需要 detail / needs detail")
        if self.create is not None and self.create.silent and not (self.find and self.find.by == "query"):
            wrong.append("create 须写明新编号在哪里：id 或 id_header；答复里没有的，写 find（by: query），建后按我方编号查回 "
                         "/ create must say where the new id stands: id or id_header; without one, find by query")  # fmt: skip
        if self.create is not None and self.create.silent and not self.record.reference:
            wrong.append("create 没有 id 时需要 record.reference：查回的要核对 / create without an id needs record.reference: what is "
                         "found is checked by it")  # fmt: skip
        if self.detail is not None and self.detail.more and not self.list.partial:
            wrong.append("detail.more 需要 list.partial: true / needs list.partial: true")
        upload = self.files.upload if self.files else None
        if upload and upload.into and (self.update is None or self.update.request is None or not upload.file_id):
            wrong.append("files.upload.into 需要 file_id 和 update.request / needs file_id and update.request")
        elif upload and upload.into and self.update and self.update.request and "{operation}" in self.update.request.path:
            wrong.append("files.upload.into 用 update.request 发送，其 path 不能用 {operation} / goes by update.request, whose path "
                         "must not need {operation}")  # fmt: skip
        if self.update is not None and self.detail is None:
            wrong.append("update 需要 detail：结果不明时要读回 / needs detail: an unknown outcome is read back")
        if self.edit is not None and self.update is None:
            wrong.append("edit 需要 update：不能更改的要用话告知 / needs update: what cannot be changed is told in words")
        if self.edit is not None and (self.edit.operation or self.edit.operations or self.edit.request is None):
            wrong.append("edit 只有 request，没有操作代码 / edit has a request alone, its body names no operation")
        if self.list.window_seconds is not None and self.start is None:
            wrong.append("list.window_seconds 需要 start / needs start")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def _asked(settings: Settings) -> Iterator[tuple[str, Any, frozenset[str]]]:
    """Each request: its key, its templates, its placeholders. One that is misspelt would go out as it is, or take its
    parameter with it."""
    plain: dict[str, tuple[Any, str]] = {
        "list": (settings.list.request, "page offset cursor size since until"),
        "list.recheck": (settings.list.recheck and settings.list.recheck.request, "ids id"),
        "detail": (settings.detail and settings.detail.request, "id"),
        **{f"detail.more.{one.into}": (one.request, "id") for one in (settings.detail.more if settings.detail else ())},
        "create": (settings.create and settings.create.request, "reference"),
        "create.late": (settings.create and settings.create.late and settings.create.late.request, "token"),
        "find": (settings.find.request if settings.find and settings.find.by == "query" else None, "reference"),
        "acknowledge": (settings.acknowledge and settings.acknowledge.request, "ids id"),
        "auth": (settings.auth.request if settings.auth.kind == "bearer" else None, ""),
    }
    for key, part in (("update", settings.update), ("edit", settings.edit)):
        plain[key] = part and part.request, "id reference operation"
        plain |= {f"{key}.operations.{code}": (one.request, "id reference operation")
                  for code, one in (part.operations if part else {}).items()}  # fmt: skip
    for key, request, names_ in ((key, *told) for key, told in plain.items()):
        if request is not None:
            yield f"{key}.request", [request.path, request.parameters, request.headers], frozenset(f"{names_} login password".split())
    if (files := settings.files) is not None:
        yield "files.download", [files.download.path or "", files.download.parameters], frozenset({"id", "file"})
        if files.upload is not None:
            yield "files.upload.path", files.upload.path, frozenset({"id", "name"})
            yield "files.upload.parameters", files.upload.parameters, frozenset({"id", "name", "note"})
