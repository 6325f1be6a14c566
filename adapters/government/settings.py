"""What may stand under `settings:` for a government platform. Secrets are no settings: appKey and appSecret are the
connection's login and password."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from schemas.moment import Moment


class Settings(BaseModel):
    """Keys of one government platform; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page_size: int = Field(
        default=100, ge=1, le=100, strict=True,
        description="列表每页条数，平台上限100 / rows a page, at most 100",
    )  # fmt: skip
    overlap_seconds: float = Field(
        default=15.0, ge=5.0, le=3600.0,
        description="每次读取向前重叠的秒数；数据最迟5秒后可见，故不小于5 / seconds read again before the cursor; "
        "a row becomes visible up to 5 s late",
    )  # fmt: skip
    start: Moment | None = Field(
        default=None,
        description="首次读取的起点（含时区）；不填则从最早的一件读起 / the first pull reads what changed from this "
        "moment on; absent: from the beginning",
    )  # fmt: skip
    requests_per_second: float = Field(
        default=10.0, ge=0.1, le=20.0,
        description="本进程每秒最多请求数；平台对同一appKey限20，各进程之和不得超过 / requests a second of this "
        "process; the platform allows 20 for all users of one appKey",
    )  # fmt: skip
    burst: int = Field(
        default=20, ge=1, le=40, strict=True,
        description="可连续发出的请求数；平台上限40 / requests at once; the platform's own limit is 40",
    )  # fmt: skip
    connect_seconds: float = Field(
        default=5.0, ge=0.1, le=60.0, description="建立连接的时限（秒） / seconds to connect"
    )
    read_seconds: float = Field(
        default=35.0, ge=0.1, le=300.0, description="等待答复的时限（秒） / seconds of silence before giving up"
    )
    processing_seconds: float = Field(
        default=30.0, ge=5.0, le=3600.0,
        description="结果不明的写入最迟多少秒后可查到 / after so many seconds a write of unknown outcome can be found "
        "or never happened",
    )  # fmt: skip
    file_note_operator: str = Field(
        default="呼应平台", min_length=1, max_length=50,
        description="附件备注（PROGRESS）的经办人 / operator of the note that carries a file",
    )  # fmt: skip
    file_note_dept: str | None = Field(
        default=None, min_length=1, max_length=32, pattern=r"^[0-9A-Za-z_-]+$",
        description="附件备注的单位编码：9位镇街编码或中心编码，勿填会作主办的部门（可能推进状态）；不填则不能写附件 / "
        "department of that note: a 9-digit town code or the centre's; a lead department's note may move the status. "
        "Absent: files cannot be written",
    )  # fmt: skip
