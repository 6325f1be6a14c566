"""The next platform without Python: a REST system that nobody here knows is brought in by `huying new platform` and the
steps of docs/onboarding.md, and then travels: liaison <-> grid, both ways."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.assembly import assemble
from bridge.mapping.files import load_mapping
from sandbox.grid.platform import GridPlatform
from sandbox.httpd import Server
from tests.sync.liaison import KINDS, LOGIN, PASSWORD, LiaisonPlatform
from tests.sync.pairs import GRID, MAPPINGS, Pair, Time
from tests.unit.cli.ground import ROOT, House, house

GUIDE = (ROOT / "docs" / "onboarding.md").read_text(encoding="utf-8")
PERSONAL = ("王守密", "13912345678", "张联络", "村民反映", "村口")


def piece(begins: str) -> str:
    """The guide's YAML that begins so."""
    (found,) = [block for block in re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL) if block.startswith(begins)]
    return found


def command(begins: str) -> list[str]:
    """The guide's command line that begins so, without `huying`."""
    (found,) = [line for line in GUIDE.splitlines() if line.startswith(f"huying {begins} --")]
    return shlex.split(found)[1:]


def changed(text: str, changes: dict[str, str]) -> str:
    """A file as a person edits it; what is to be replaced must stand there."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def confirmed(text: str) -> str:
    """Steps 4 and 6 of docs/onboarding.md, as the guide's table has them."""
    marker = "# ---- 告知该平台"
    reading, telling = text.split(marker)
    reading = changed(reading, {
        '"sent": null': '"sent": DISPATCHED', '"over": null': '"over": CLOSED\n  "back": RETURNED\n  "gone": CANCELLED',
        '"1": ordinary': '"1": critical', '"2": ordinary': '"2": urgent', ", way: read}  # 待确认 / confirm: number": "}  # ",
        '"R1": "R1"': '"R1": 道路破损', '"R2": "R2"': '"R2": 路灯损坏', '"W1": "W1"': '"W1": 污水直排', '"Z9": "Z9"': '"Z9": 其他',
        'status: "sent", moved: true}, action: COMMENT}': 'status: "sent", moved: true}, action: DISPATCH}',
        'status: "over", moved: true}, action: COMMENT}':
            'status: "over", moved: true}, action: CLOSE}\n'
            '    - {when: {status: "back", moved: true}, action: RETURN}\n'
            '    - {when: {status: "gone", moved: true}, action: CANCEL}',
        "  read:": '  read:\n    - {when: {status: "doing", moved: true, before: "over"}, action: REOPEN}',
        "due: {wire: deadline, convert: time}": "due: {wire: deadline, convert: time, way: read}",
    })  # fmt: skip
    assert all(line.startswith("#") for line in telling.splitlines()[1:])
    return reading + piece("create:")


def enabled(text: str) -> str:
    """The county's file with its writing part and routes, as the guide has them."""
    text = changed(text, {"page_size: 100": "page_size: 50"})
    lines = [line for line in text.splitlines() if not line.startswith(("      envelope:", "      #"))]
    return "\n".join(lines) + "\n" + piece("      envelope:") + "\n" + piece("routes:")


@dataclass
class There:
    """Both platforms, the command and its folders."""

    liaison: Server
    grid: Server
    time: Time
    house: House
    config: Path
    mappings: Path

    def officer(self, name: str, **body: Any) -> Any:
        status, answer = self.liaison.entrance("POST", name, body)
        assert status == 200, (name, body, answer)
        return answer

    def matter(self, number: int, town: str = "371103103", **more: Any) -> str:
        given = {"topic": f"第{number}件", "narrative": f"村民反映第{number}件，电话13912345678。", "kindCode": KINDS[number % 4],
                 "heat": number % 3 + 1, "townCode": town, "place": "村口", "lon": 119.25, "lat": 35.2,
                 "contactName": "王守密", "contactTel": "13912345678", "deadline": "2026-12-01 10:00:00"}  # fmt: skip
        return str(self.officer("create", **given, **more)["bh"])

    def act(self, matter: str, act: str, words: str = "办理意见") -> None:
        self.time.sleep(60)
        self.officer("act", bh=matter, act=act, who="张联络", words=words)

    def matters(self) -> list[dict[str, Any]]:
        return list(self.liaison.entrance("GET", "records", None)[1])


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    """The grid is configured; the liaison officers have six matters at all steps of a good end."""
    time = Time()
    time.ahead = -timedelta(minutes=15)  # what the officers do below takes as long: the command has the clock of the day
    config, mappings = tmp_path / "config", tmp_path / "mappings"
    (config / "counties").mkdir(parents=True)
    text = (ROOT / "config" / "counties" / "donggang.yaml").read_text(encoding="utf-8")
    (config / "counties" / "donggang.yaml").write_text(text.partition("\nroutes:")[0] + "\n", encoding="utf-8")
    with Server(LiaisonPlatform(time.seconds)) as liaison, Server(GridPlatform(clock=time.seconds)) as grid:
        command = house(
            tmp_path, HUYING_CONFIG=str(config), HUYING_MAPPINGS=str(mappings),
            AIRFLOW_CONN_HUYING_LIAISON=liaison.url.replace("//", f"//{LOGIN}:{PASSWORD}@"),
            AIRFLOW_CONN_HUYING_GRID=grid.url.replace("//", f"//{GRID[0]}:{GRID[1]}@"),
        )  # fmt: skip
        one = There(liaison, grid, time, command, config, mappings)
        for number in range(6):
            matter = one.matter(number)
            for act in ("take", "send", "do", "answer", "finish")[:number]:
                one.act(matter, act)
        yield one


def brought_in(there: There) -> Pair:
    """Both files written by the command, confirmed and completed as the guide says; the bridge over them."""
    made = there.house.huying(*command("new platform"))
    assert made.exit_code == 0, made.output
    county, mapping = there.config / "counties" / "371103.yaml", there.mappings / "liaison.yaml"
    mapping.write_text(confirmed(mapping.read_text(encoding="utf-8")), encoding="utf-8")
    county.write_text(enabled(county.read_text(encoding="utf-8")), encoding="utf-8")
    checked = [there.house.huying(*words) for words in (("check",), ("map", "check", "liaison"), ("probe", "liaison"))]
    assert [one.exit_code for one in checked] == [0, 0, 0], [one.output for one in checked]
    bridge = assemble(there.house.environ, now=there.time.now)
    loaded = {"liaison": load_mapping("liaison", (there.mappings, MAPPINGS)), "grid": load_mapping("grid", (MAPPINGS,))}
    return Pair(there.grid, "liaison", bridge, there.time, {slug: one.translator for slug, one in loaded.items()})


def test_two_files_that_read(there: There) -> None:
    """What the command writes passes the check and reads, as it is; it holds no value about people or places. Its writing
    part has every key that the guide fills in. A second county's overlay fits."""
    made = there.house.huying(*command("new platform"))
    assert made.exit_code == 0, made.output
    mapping = (there.mappings / "liaison.yaml").read_text(encoding="utf-8")
    texts = mapping + (there.config / "counties" / "371103.yaml").read_text(encoding="utf-8")
    assert not [word for word in (*PERSONAL, PASSWORD) if word in texts]
    assert there.house.data("check")["ok"]
    assert there.house.huying("map", "check", "liaison").exit_code == 0
    assert there.house.data("poll", "liaison")["dead"] == 0
    telling = mapping.split("# ---- 告知该平台")[1].splitlines()[3:]
    template = yaml.safe_load(re.sub("〈[^〉]*〉", "x", "\n".join(line.removeprefix("# ") for line in telling)))
    guide = yaml.safe_load(piece("create:"))
    assert set(template) == set(guide) and set(template["moves"]) == set(guide["moves"])
    overlay = piece("# yaml-language-server")
    (there.mappings / "liaison-donggang.yaml").write_text(overlay, encoding="utf-8")
    assert there.house.huying("map", "check", "liaison-donggang").exit_code == 0


def test_brought_in_without_python(there: There) -> None:
    """Calls travel both ways: words, codes, people, every step, a remark and a return; both platforms agree at the end."""
    pair = brought_in(there)
    event = pair.event(title="高兴镇巡查发现倾倒污水")
    own = there.matter(9, "371102110")
    pair.quiet()
    (copy,) = [one for one in there.matters() if one["sourceNo"]]
    assert (copy["topic"], copy["kindCode"], copy["townCode"], copy["heat"]) == ("高兴镇巡查发现倾倒污水", "W1", "371103103", "1")
    assert (copy["contactName"], copy["contactTel"]) == ("李样例", "13900000002")
    for act in ("take", "send", "do"):
        there.act(copy["bh"], act, f"{act}的意见")
    there.act(copy["bh"], "note", "再去一次。")
    there.act(copy["bh"], "answer", "已清理。")
    there.act(copy["bh"], "finish", "已解决。")
    (told,) = [one for one in pair.events() if one["eventId"] != event]
    assert told["title"] == "第9件" and told["caller"] == "王守密"
    pair.move(told["eventId"], "06", "受理")
    pair.quiet()
    pair.move(told["eventId"], "90", "不属于本镇。")
    pair.quiet()
    shown = {one["eventId"]: one for one in pair.events()}
    assert shown[event]["stage"] == "11"
    assert any("再去一次。" in p["opinion"] for p in shown[event]["processes"])
    steps = {one["bh"]: one for one in there.matters()}
    assert steps[own]["step"] == "back"
    assert [one["act"] for one in steps[own]["trail"] if one["act"] != "note"] == ["register", "take", "giveback"]
    pair.assert_agreement({bh: one["step"] for bh, one in steps.items()})
    assert pair.dead() == []
    pair.bridge.ledger.close()


@pytest.mark.parametrize("operation", ["create", "act"])
def test_a_lost_answer_makes_nothing_twice(there: There, operation: str) -> None:
    """A new matter is found by our number, an act is sent again and stored once."""
    pair = brought_in(there)
    there.officer("faults", operation=operation, kind="lost")
    event = pair.event()
    pair.quiet()
    pair.move(event, "06", "受理")
    pair.quiet()
    pair.quiet()
    (copy,) = [one for one in there.matters() if one["sourceNo"]]
    assert copy["step"] == "taken"
    assert [one["act"] for one in copy["trail"]].count("take") == 1
    assert pair.dead() == []
    pair.bridge.ledger.close()
