"""What may stand under `settings:` of a grid platform, with the bounds of each key.

This module must not know secrets or addresses: those belong to the connection.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.moment import SHANGHAI, FirstMoment


class Settings(BaseModel):
    """Settings of one grid platform. Times in seconds; contract sections in the comments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(
        default="/services/GridEventService", pattern=r"^/[^\s?#]*$",
        description="接口路径，接在连接地址之后 / path of the service, appended to the connection's address (§1)",
    )  # fmt: skip
    page_size: int = Field(
        default=200, ge=1, le=200, description="每页条数 1–200 / rows a page (§6)",
    )  # fmt: skip
    overlap_seconds: int = Field(
        default=30, ge=5, le=86_400,
        description="每次轮询回看的秒数，平台迟到提交最长 5 秒 / seconds read again before the cursor; rows may appear "
        "up to 5 s late (§6)",
    )  # fmt: skip
    start: FirstMoment = Field(
        default=datetime(2020, 1, 1, tzinfo=SHANGHAI),
        description="首次轮询从何时起：日期或带时区的时间 / where the first pull begins: a date (Beijing) or a time "
        "with offset",
    )  # fmt: skip
    attempts: int = Field(
        default=4, ge=1, le=10,
        description="平台忙或连不上时最多尝试几次 / how often what was certainly not carried out is tried (§4)",
    )  # fmt: skip
    processing_seconds: float = Field(
        default=30, ge=1, le=600,
        description="请求最迟多少秒内生效或作废 / after this long a request has taken effect or never will (§1)",
    )  # fmt: skip
    connect_seconds: float = Field(default=5, gt=0, le=60, description="连接超时（秒） / time to connect, seconds")
    read_seconds: float = Field(
        default=35, gt=0, le=300, description="等待答复超时（秒） / silence after which an answer is given up, seconds"
    )
    control_characters: Literal["report", "strip"] = Field(
        default="report",
        description="答复中的非法控制字符：report 去掉并标记该事件，strip 只去掉 / characters that XML forbids in an "
        "answer: report = removed and said on the record, strip = removed only",
    )  # fmt: skip
    file_handler: str = Field(
        default="呼应平台", min_length=1, max_length=30,
        description="单独上传附件时登记的经办人 / the handler named when a file alone is written (§8)",
    )  # fmt: skip
    event_id_pattern: str = Field(
        default=r"DG\d{13}",
        description="事件编号的格式（正则），上报答复不符则视为结果未知 / form of an eventId; an answer to reportEvent "
        "with another one counts as outcome unknown (§5)",
    )  # fmt: skip

    @field_validator("event_id_pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return value

    @field_validator("file_handler")
    @classmethod
    def _said(cls, value: str) -> str:
        if not value.strip(" \t\r\n\u3000"):
            raise ValueError("must not be blank: the platform requires a handler")
        return value
