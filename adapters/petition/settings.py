"""What may stand under `settings:` of a petition platform, with the bounds of each key.

This module must not know secrets or addresses: those belong to the connection.
"""

from __future__ import annotations

import re
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator

from adapters.petition.names import known
from schemas.moment import SHANGHAI, FirstMoment


class Settings(BaseModel):
    """Settings of one petition platform. Times in seconds; contract sections in the comments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page_size: int = Field(default=200, ge=1, le=1000, description="每次读取的工单数 / work orders read at once (§2)")
    overlap_seconds: int = Field(
        default=150, ge=60, le=86_400,
        description="每次轮询回看的秒数：迟到提交 60 秒加时钟误差 90 秒 / seconds read again: late commits 60 s and clock "
        "difference 90 s (§1, §2)",
    )  # fmt: skip
    start: FirstMoment = Field(
        default=datetime(2020, 1, 1, tzinfo=SHANGHAI),
        description="首次轮询从何时起：日期或带时区的时间 / where the first pull begins: a date (Beijing) or a time "
        "with offset",
    )  # fmt: skip
    processing_seconds: float = Field(
        default=30, ge=1, le=600,
        description="中断的写入最迟多少秒内可见或已撤销 / after this long a broken INSERT is to be seen or was rolled "
        "back (§2)",
    )  # fmt: skip
    connect_seconds: int = Field(default=5, ge=1, le=60, description="连接超时（秒） / time to connect, seconds")
    read_seconds: float = Field(
        default=35, gt=0, le=300, description="等待答复超时（秒） / silence after which an answer is given up, seconds"
    )
    attempts: int = Field(
        default=3, ge=1, le=10, description="连不上时读取最多尝试几次 / how often a read is tried when nobody answers",
    )  # fmt: skip
    operator: str = Field(
        default="呼应平台", min_length=1, max_length=50,
        description="没有经办人时登记的操作人（CZR）/ CZR where nobody is named, and of files (§4)",
    )  # fmt: skip
    transfer_mark: str = Field(
        default="【改派】", min_length=1, max_length=20,
        description="已转办时的改派以此开头：平台存为批注，读回仍是转办 / head of a transfer at 转办: stored as a "
        "remark, read back as a 转办 (§2, §6)",
    )  # fmt: skip
    names: dict[str, str] = Field(
        default_factory=dict,
        description="本地的表名、列名：{V_GD: V_WORKORDER, V_GD.BT: TITLE}，未写的照接口文档 / names of this "
        "installation for tables and columns; those not listed are the contract's (§1)",
    )  # fmt: skip

    @field_validator("names")
    @classmethod
    def _are_names(cls, value: dict[str, str]) -> dict[str, str]:
        for reference, own in value.items():
            if reference not in known():
                raise ValueError(f"{reference!r} is no table or column of the contract")
            if not re.fullmatch(r"[A-Za-z_\u4e00-\u9fff][A-Za-z0-9_$\u4e00-\u9fff]{0,63}", own):
                raise ValueError(f"{reference}: {own[:70]!r} is no name of a table or column")
        return value
