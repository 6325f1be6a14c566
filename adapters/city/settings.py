"""What may stand under `settings:` of a city platform, with the bounds of each key.

This module must not know secrets or the platform's address: those belong to the connection.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Settings(BaseModel):
    """Settings of one city platform. Times in seconds; contract sections in brackets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(
        default="/dcms/service.do", pattern=r"^/[^\s?#]*$",
        description="接口路径，接在连接地址之后 / path of the service, appended to the connection's address (§1)",
    )  # fmt: skip
    page_size: int = Field(default=50, ge=1, le=50, description="每次读取的变更条数 1–50 / changes a page (§6)")
    overlap_seconds: float = Field(
        default=75, ge=60, le=86_400,
        description="回看：从至少这么久以前见过的变更号重新读起，至少 60 秒 / changes are read again from the number seen "
        "at least so long ago (§6)",
    )  # fmt: skip
    start_seq: int = Field(
        default=0, ge=0, lt=2**63,
        description="首次从哪个变更号之后读起，0 为最早 / the first pull reads changes after this number (§6)",
    )  # fmt: skip
    attempts: int = Field(
        default=4, ge=1, le=10,
        description="平台忙或连不上时最多尝试几次 / how often what was certainly not carried out is tried",
    )  # fmt: skip
    processing_seconds: float = Field(
        default=60, ge=60, le=3600,
        description="结果不明的写入最迟多少秒后可查到：30 秒办理加 30 秒发布 / after so long a write of unknown outcome is "
        "published or never happened: 30 s to finish, 30 s to publish (§1, §6)",
    )  # fmt: skip
    connect_seconds: float = Field(default=5, gt=0, le=60, description="连接超时（秒） / time to connect, seconds")
    read_seconds: float = Field(
        default=35, gt=0, le=300, description="等待答复超时（秒） / silence after which an answer is given up, seconds"
    )
    gbk_inside: bool = Field(
        default=False,
        description="该安装的数据库为 GBK：GBK 没有的字存成“?”，每次写入都会说明 / the database behind is GBK: what it lacks is "
        "stored as `?`; every write says so (§3)",
    )  # fmt: skip
    media_base: str | None = Field(
        default=None,
        description="附件地址的开头，如 http://10.1.2.3:8082/media；只从这里下载，不填则不能读附件 / beginning of all media "
        "addresses; files are read from there only, absent: they cannot be read (§8)",
    )  # fmt: skip

    @property
    def stored_charset(self) -> str | None:
        """The charset of the platform's database where it lacks characters: the mapping must say the same (`charset`)."""
        return "gbk" if self.gbk_inside else None

    @field_validator("media_base")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        odd = "@" in parts.netloc or parts.query or parts.fragment
        if parts.scheme not in ("http", "https") or not parts.hostname or odd:
            raise ValueError("http(s)://host[:port]/path, without user, query or fragment")
        return value.rstrip("/")
