"""`huying check`, `platforms`, `probe`, `schemas`: is everything said right, and does each platform answer?"""

from __future__ import annotations

import os
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.errors import WireError
from adapters.port import Finding, Probe
from bridge.assembly import adapter_of, configuration_of, folders_of
from bridge.commands.console import Json, as_data, emit, platform_in, said, say, shown, table, warn
from bridge.configuration import ConfiguredPlatform
from bridge.redaction import redact
from bridge.schema_files import FOLDER, write
from schemas.county import written


@said
def check(json: Json = False) -> None:
    """检查全部配置与映射，一次列出所有问题 / check all configuration and mappings, every problem at once."""
    configuration = configuration_of(os.environ)
    problems = configuration.all_problems()
    if json:
        emit({
            "ok": not problems, "problems": [as_data(problem) for problem in problems],
            "counties": sorted(county.county for county in configuration.counties.values()),
            "platforms": sorted(configuration.platforms), "mappings": sorted(configuration.mappings),
            "catalogues": sorted(configuration.catalogues.loaded),
        })  # fmt: skip
    else:
        for problem in problems:
            say(shown(problem))
        config, mappings = folders_of(os.environ)
        say(f"{'✗' if problems else '✓'} {len(problems)} 个问题 / problems；"
            f"{len(configuration.counties)} 个县区 / counties，{len(configuration.platforms)} 个平台 / platforms，"
            f"{len(configuration.routes)} 条路由 / routes，{len(configuration.mappings)} 个映射 / mappings，"
            f"{len(configuration.catalogues.loaded)} 个事项目录 / catalogues "
            f"({config}, {mappings})")  # fmt: skip
    if problems:
        raise typer.Exit(1)


@said
def platforms(json: Json = False) -> None:
    """列出配置好的平台 / the platforms that are configured."""
    configuration = configuration_of(os.environ)
    found = [configuration.platforms[slug] for slug in sorted(configuration.platforms)]
    if json:
        emit([_platform_data(one) for one in found])
    else:
        table(
            ("平台 slug", "名称 title", "县区 county", "接口 adapter", "映射 mapping", "连接 connection", "读取 poll",
             "推送 push"),
            [(p.slug, p.title, f"{p.county} {p.county_name}", p.adapter, p.mapping, p.connection, written(p.poll),
              written(p.push)) for p in found],
        )  # fmt: skip
    if configuration.problems:
        warn("有配置问题，部分平台可能停用 / there are problems, some platforms may be left out: huying check")


def _platform_data(one: ConfiguredPlatform) -> dict[str, Any]:
    return {field.name: getattr(one, field.name) for field in fields(one) if field.name != "settings"}


@said
def probe(
    platform: Annotated[str | None, typer.Argument(help="平台短名，不填则全部 / slug; all if left out")] = None,
    json: Json = False,
) -> None:
    """试连平台：可达、认证、时钟、权限 / reach, authentication, clock and permission of platforms."""
    configuration = configuration_of(os.environ)
    configured = configuration.platforms
    slugs = sorted(configured) if platform is None else [platform_in(configuration, platform)]
    probes = {slug: _probed(configured[slug]) for slug in slugs}
    if json:
        emit({slug: {"ok": one.ok, "skew_seconds": one.skew.total_seconds() if one.skew is not None else None,
                     "findings": one.findings} for slug, one in probes.items()})  # fmt: skip
    else:
        for slug, one in probes.items():
            for finding in one.findings:
                remedy = f" → {finding.remedy}" if finding.remedy and not finding.ok else ""
                say(redact(f"{'✓' if finding.ok else '✗'} {slug} {finding.name}: {finding.detail}{remedy}"))
            if one.skew is not None:
                say(f"  {slug} 平台时钟减本机 / platform clock minus ours: {one.skew.total_seconds():+.0f} s")
        if not probes:
            warn("没有可用的平台 / no platform can be used: huying check")
    left_out = platform is None and bool(configuration.all_problems())
    if left_out:  # who asks whether everything is well must not take their silence for yes
        warn("有配置问题，部分平台可能停用、没有试连 / there are problems, some platforms may be left out and were not tried: huying check")
    if left_out or not probes or not all(one.ok for one in probes.values()):
        raise typer.Exit(1)


def _probed(one: ConfiguredPlatform) -> Probe:
    try:
        return adapter_of(one, os.environ, lambda: datetime.now(UTC))().probe()
    except WireError as error:
        return Probe((Finding("连接 connection", False, error.what, error.remedy),))


@said
def schemas(
    folder: Annotated[Path, typer.Option(help="写到哪里 / where to write them")] = FOLDER, json: Json = False
) -> None:
    """重新生成 JSON Schema，供编辑器补全 YAML / generate the JSON Schemas that editors complete YAML from."""
    written_files = write(folder)
    if json:
        emit([str(path) for path in written_files])
    else:
        for path in written_files:
            say(str(path))
