"""What the petition stand-in's batch refuses, with the contract's words in the contract's order (sections 4 to 6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.petition.contract import load
from tests.sandbox.petition_client import CALL, Client, client

CLEARED = ("SZXZ", "FSDZ", "SQRXM", "LXDH", "ZBDW", "XBDW", "BLSX")
WAYS: dict[int, list[dict[str, Any]]] = {
    0: [], 1: [{"GDZT": 1}], 2: [{"GDZT": 2, "ZBDW": "WL005"}], 3: [{"GDZT": 2, "ZBDW": "WL005"}, {"GDZT": 3}],
    4: [{"GDZT": 2, "ZBDW": "WL005"}, {"GDZT": 4}], 5: [{"GDZT": 2, "ZBDW": "WL005"}, {"GDZT": 4}, {"GDZT": 5}],
    6: [{"GDZT": 2, "ZBDW": "WL005"}, {"GDZT": 4}, {"GDZT": 5}, {"GDZT": 6}],
    7: [{"GDZT": 2, "ZBDW": "WL005"}, {"GDZT": 4}, {"GDZT": 5}, {"GDZT": 6}, {"GDZT": 7}],
    8: [{"GDZT": 8}], 9: [{"GDZT": 9}],
}  # fmt: skip


def brought(there: Client, state: int) -> str:
    gdbh = there.create()
    for step in WAYS[state]:
        assert there.update(gdbh, CZYJ="说明", **step) == gdbh
    return gdbh


@pytest.mark.parametrize("state", list(WAYS))
def test_every_move(state: int) -> None:
    """transitions.json decides what a GX may ask; the present one is no move, except at 9."""
    with client() as there:
        for target in range(10):
            gdbh = brought(there, state)
            before = there.order(gdbh)
            result = there.update(gdbh, GDZT=target, ZBDW="WL005", CZYJ="说明")
            if state != 9 and (target == state or target in load().exchange_moves[state]):
                assert result == gdbh and there.order(gdbh)["GDZT"] == target, target
                kind = "批注" if target == state else load().entry_names[target]
                assert there.history(gdbh)[-1]["CZLX"] == kind
                assert there.order(gdbh)["BBH"] == before["BBH"] + 1
            else:
                assert result == f"状态不允许:{state}->{target}" and there.order(gdbh) == before, target


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "NR不是有效的JSON"), ("[]", "NR不是有效的JSON"), ('{"BT": NaN}', "NR不是有效的JSON"),
        ({}, "NR缺少字段:BT"), ({"BT": "a", "NR": ""}, "NR缺少字段:NR"), ({**CALL, "JD": 119.2}, "NR缺少字段:WD"),
        ({**CALL, "BT": 1}, "NR字段不正确:BT"), ({**CALL, "JJCD": 3}, "NR字段不正确:JJCD"),
        ({**CALL, "JJCD": "1"}, "NR字段不正确:JJCD"), ('{"BT":"a","NR":"b","JJCD":1.0}', "NR字段不正确:JJCD"),
        ({**CALL, "JJCD": True}, "NR字段不正确:JJCD"), ({**CALL, "LYQD": 0}, "NR字段不正确:LYQD"),
        ({**CALL, "SZXZ": "371121"}, "NR字段不正确:SZXZ"), ({**CALL, "JD": 137, "WD": 35}, "NR字段不正确:JD"),
        ({**CALL, "ZBDW": "WL017"}, "NR字段不正确:ZBDW"), ({**CALL, "XBDW": "WL001, WL002"}, "NR字段不正确:XBDW"),
        ({**CALL, "XBDW": ",".join(["WL001"] * 11)}, "NR字段不正确:XBDW"),
        ({**CALL, "BLSX": "2026-02-30 00:00:00"}, "NR字段不正确:BLSX"),
        ({**CALL, "CZSJ": "2026-10-26T09:00:00"}, "NR字段不正确:CZSJ"),
        ({**CALL, "SZXZ": "x", "BLSX": "x"}, "NR字段不正确:SZXZ"), ('{"BT":"a","NR":"b","BT":null}', "NR缺少字段:BT"),
    ],
)  # fmt: skip
def test_a_new_one_that_is_wrong(body: Any, words: str) -> None:
    """The first missing, then the first wrong key; nothing is stored and the reference is not used up."""
    with client() as there:
        assert there.write("XZ", body, wbbh="r-1") == words
        assert there.rows("SELECT * FROM V_GD") == []
        assert there.write("XZ", CALL, wbbh="r-1").startswith("WL")


def test_an_update_that_is_wrong() -> None:
    """Required words, departments and something to do."""
    with client() as there:
        gdbh = there.create()
        for body, words in (
            ({}, "NR缺少字段:GDZT"), ({"GDZT": 0}, "NR缺少字段:GDZT"), ({"GDZT": 8}, "NR缺少字段:CZYJ"),
            ({"GDZT": 2}, "NR缺少字段:ZBDW"), ({"GDZT": 2, "ZBDW": ""}, "NR缺少字段:ZBDW"), ({"GDZT": 10}, "NR字段不正确:GDZT"),
            ({"BT": ""}, "NR字段不正确:BT"), ({"SQLB": ""}, "NR字段不正确:SQLB"), ({"CZYJ": "a", "BBH": 2}, "版本冲突:1"),
            ({"CZYJ": "a", "BBH": "1"}, "NR字段不正确:BBH"), ({"GDZT": 5, "CZYJ": "a", "BBH": 9}, "版本冲突:1"),
        ):  # fmt: skip
            assert there.update(gdbh, **body) == words, body
        assert there.write("GX", {"CZYJ": "a"}, gdbh) == "NR缺少字段:CZR"
        assert there.write("GX", {"CZR": "a", "CZYJ": "a"}) == "GDBH不能为空"
        assert there.write("GX", {"CZR": "a"}, "WL1") == "GDBH不存在:WL1"
        assert there.write("ZZ", "x") == "CZ不正确:ZZ" and there.write("xz", CALL) == "CZ不正确:xz"
        assert there.write("XZ", CALL, wbbh="") == "WBBH不能为空"
        assert there.order(gdbh)["BBH"] == 1


def test_files_that_are_wrong() -> None:
    """Empty, over 10 MiB, of another type, at 9, with a path for a name."""
    body = {"WJM": "a.png", "WJLX": "image/png", "CZR": "朱响应"}
    with client() as there:
        gdbh = there.create()
        assert there.write("FJ", body, gdbh) == "附件为空" and there.write("FJ", body, gdbh, b"") == "附件为空"
        assert there.write("FJ", body, gdbh, bytes(10_485_761)) == "附件过大"
        assert there.write("FJ", body | {"WJLX": "image/webp"}, gdbh, b"x") == "附件类型不允许:image/webp"
        assert there.write("FJ", body | {"WJM": "a/b.png"}, gdbh, b"x") == "NR字段不正确:WJM"
        assert there.write("FJ", {"WJM": "a.png", "CZR": "a"}, gdbh, b"x") == "NR缺少字段:WJLX"
        assert there.write("FJ", body, gdbh, bytes(10_485_760)) == gdbh
        assert there.update(gdbh, GDZT=9, CZYJ="重复") == gdbh
        assert there.write("FJ", body, gdbh, b"") == "状态不允许:9->9" and there.update(gdbh, CZYJ="a") == "状态不允许:9->9"


def test_a_reference_is_used_once() -> None:
    """Also within one run, without regard to case, and when its work order is cancelled; a GX's may repeat."""
    with client() as there:
        first, second = there.insert("XZ", CALL, wbbh="A1"), there.insert("XZ", CALL, wbbh="a1")
        there.platform.run_batch()
        gdbh = there.outcome(first)[1]
        assert there.outcome(second) == (2, f"WBBH重复:{gdbh}") and gdbh
        assert there.update(gdbh, GDZT=9, CZYJ="重复") == gdbh
        assert there.write("XZ", CALL, wbbh="A1") == f"WBBH重复:{gdbh}"
        other = there.create()
        for _ in range(2):
            assert there.write("GX", {"CZR": "a", "CZYJ": "同一批注"}, other, wbbh="w") == other
        assert [one["CZLX"] for one in there.history(other)] == ["登记", "批注", "批注"]


def test_what_an_update_clears_and_keeps() -> None:
    """An empty text clears seven columns, null is absent, an unknown class becomes 9900, decimals are rounded half up."""
    with client() as there:
        gdbh = there.create(SZXZ="371121106", FSDZ="某路", SQRXM="韩示例", LXDH="1", ZBDW="WL005", XBDW="WL006",
                            BLSX="2026-10-28 18:00:00", SQLB="0301")  # fmt: skip
        before = there.order(gdbh)
        assert there.update(gdbh, FSDZ=None, CZYJ="") == "NR缺少字段:GDZT"
        assert there.update(gdbh, **dict.fromkeys(CLEARED, "")) == gdbh
        assert [there.order(gdbh)[key] for key in CLEARED] == [None] * 7 and before["FSDZ"] == "某路"
        assert there.update(gdbh, SQLB="9999", JD=119.3574585, WD=35.8520414) == gdbh
        after = there.order(gdbh)
        assert (after["SQLB"], after["JD"], after["WD"]) == ("9900", 119.357459, 35.852041)


def test_a_body_that_is_too_long() -> None:
    """65,535 bytes in gbk, what it lacks as 4."""
    with client() as there:
        frame = json.dumps({"BT": "a", "NR": ""}, ensure_ascii=False)
        fitting = "字" * ((65_535 - len(frame)) // 2)
        assert there.write("XZ", json.dumps({"BT": "a", "NR": fitting}, ensure_ascii=False)).startswith("WL")
        for long in (fitting + "字", "😀" * 16_384):
            assert there.write("XZ", json.dumps({"BT": "a", "NR": long}, ensure_ascii=False)) == "NR超过65535字节"
