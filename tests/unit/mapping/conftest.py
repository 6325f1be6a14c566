"""The two shipped mappings, compiled once, and records of their contracts' samples."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.mapping.files import LoadedMapping, load_mapping
from bridge.mapping.samples import records_in

ROOT = Path(__file__).parents[3]
Record = dict[str, Any]


@pytest.fixture(scope="session")
def grid() -> LoadedMapping:
    return load_mapping("grid", [ROOT / "mappings"])


@pytest.fixture(scope="session")
def government() -> LoadedMapping:
    return load_mapping("government", [ROOT / "mappings"])


@pytest.fixture
def event(grid: LoadedMapping) -> Callable[..., Record]:
    """The grid contract's first sample event, with other values where given; `processes` as (stage, opinion, dept)."""
    data = (ROOT / "docs/contracts/grid/samples/queryEvents.response.xml").read_bytes()
    first = records_in(data, grid.mapping)[0]

    def make(*processes: tuple[str, ...], **values: Any) -> Record:
        record: Record = copy.deepcopy(first) | values
        if processes:
            record["processes"] = [
                {"seq": str(i + 1), "stage": p[0], "operator": "王测试", "dept": p[2] if len(p) > 2 else "DG099",
                 "opinion": p[1] if len(p) > 1 else "", "time": f"2026-10-26 09:{i:02d}:00"}
                for i, p in enumerate(processes)
            ]  # fmt: skip
            record.setdefault("stage", processes[-1][0])
            record["stage"] = values.get("stage", processes[-1][0])
        return record

    return make


@pytest.fixture
def detail() -> Callable[..., Record]:
    """The government contract's detail sample (or another one), with other values where given."""

    def make(sample: str = "detail", **values: Any) -> Record:
        data = json.loads((ROOT / f"docs/contracts/government/samples/{sample}.json").read_text("utf-8"))
        record: Record = data["exchanges"][0]["response"]["body"]["data"]
        return record | values

    return make
