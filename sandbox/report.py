"""`.demo/report.json`: what a rehearsal came to, for people and for programs. Figures come from the platforms'
databases, run counts from Airflow's own API, call ids and open dead letters from the `huying` command.

This module must not know how any of it is obtained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.forms import FORMS
from sandbox.forms.form import BEIJING, Record
from sandbox.launch import DagRuns
from sandbox.scenario.verdict import CallVerdict, Verdict


def compose(
    verdict: Verdict, runs: DagRuns, dead_letters: Sequence[Any], call_ids: Mapping[str, str],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """The report as data. call_ids: a platform's number to the call's identity. seconds: how long each part took."""
    return {
        "calls": [_call(one, call_ids) for one in verdict.calls],
        "lost": len(verdict.lost),
        "duplicates": len(verdict.duplicates),
        "strays": len(verdict.strays),
        "echoes_pushed": len(verdict.echoes),
        "dead_letters": len(dead_letters),
        "stage_differences": len(verdict.differences),
        "file_differences": len(verdict.file_differences),
        "secrets_leaked": len(verdict.leaks),
        "latency_s": verdict.latency(),
        "dag_runs": {
            "total": runs.total, "failed": runs.failed,
            "per_dag": {dag: dict(states) for dag, states in runs.per_dag.items()},
        },
        "details": {
            "lost": list(verdict.lost), "duplicates": list(verdict.duplicates), "strays": list(verdict.strays),
            "echoes_pushed": list(verdict.echoes), "dead_letters": list(dead_letters),
            "stage_differences": verdict.differences, "file_differences": verdict.file_differences, "secrets_leaked": verdict.leaks,
        },
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }  # fmt: skip


def write(path: Path, report: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", "utf-8")
    part.replace(path)


def _call(one: CallVerdict, call_ids: Mapping[str, str]) -> dict[str, Any]:
    records = [record for record in (one.own, *one.copies) if record is not None]
    named = [call_ids[record.native_id] for record in records if record.native_id in call_ids]
    return {
        "call_id": named[0] if named else None,
        "key": one.call.key,
        "title": one.call.title,
        "origin": one.call.on,
        "goes_to": list(one.call.goes_to),
        "platforms": {
            record.slug: {
                "native_id": record.native_id, "status": record.status, "stage": _stage(record, record.status),
                "files": len(record.files),
            }
            for record in reversed(records)
        },
        "open": list(one.open),
        "timeline": sorted((line for record in records for line in _timeline(record)), key=lambda line: line["at"]),
    }


def _timeline(record: Record) -> list[dict[str, Any]]:
    return [
        {
            "at": datetime.fromtimestamp(entry.second, BEIJING).isoformat(), "platform": record.slug, "seq": entry.seq,
            "step": entry.step, "stage": _stage(record, entry.status), "operator": entry.operator,
            "department": entry.dept, "opinion": entry.opinion,
        }
        for entry in record.entries
    ]  # fmt: skip


def _stage(record: Record, status: str) -> str:
    return FORMS[record.slug].stage(status)
