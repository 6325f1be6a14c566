"""The contract's sample rows and NR bodies, as the petition stand-in keeps them and carries them out."""

from __future__ import annotations

import hashlib
import re

from tests.sandbox.petition_client import CALL, SAMPLES, client, sample

PNG = bytes.fromhex(re.search(r"X'([0-9A-F]+)'", (SAMPLES / "rows-exchange.sql").read_text(encoding="utf-8"))[1])  # type: ignore[index]


def test_rows_of_the_contract() -> None:
    """rows.sql stands in the views as it is, zero dates too."""
    with client(rows=True) as there:
        assert there.rows("SELECT COUNT(*) AS n FROM V_GD")[0]["n"] == 6
        assert there.order("WL20251103000377")["BLSX"] == "0000-00-00 00:00:00"
        assert (there.order("WL20261026000004")["JD"], there.order("WL20261026000004")["WD"]) == (119.357458, 35.852041)
        assert there.outcome(2) == (2, "WBBH重复:WL20261026000005") and there.outcome(5) == (3, None)


def test_rows_that_an_integrator_inserts() -> None:
    """rows-exchange.sql: two new work orders, two updates, one taken up again, a file; and a claimed row stays."""
    with client(rows=True) as there:
        there.platform.load_rows((SAMPLES / "rows-exchange.sql").read_text(encoding="utf-8"))
        run = there.platform.run_batch()
        assert (run.done, run.refused) == (6, 0)
        assert [one["CLJG"] for one in there.rows("SELECT CLJG FROM T_JH_IN WHERE ID > 5 ORDER BY ID")] == [
            "WL20261026000006", "WL20261026000007", "WL20261026000002", "WL20261026000002", "WL20261026000003",
            "WL20261026000004",
        ]  # fmt: skip
        sent = there.order("WL20261026000002")
        assert (sent["GDZT"], sent["ZBDW"], sent["XBDW"], sent["BBH"]) == (2, "WL005", "WL006,WL007", 3)
        assert sent["SLSJ"] == "2026-10-26 12:00:00" and there.order("WL20261026000003")["SLSJ"] is None
        file = there.rows("SELECT * FROM V_GD_FJ WHERE GDBH = 'WL20261026000004' ORDER BY FJID")[1]
        assert (file["WJM"], file["WJLX"], file["WJNR"]) == ("清理后照片.png", "image/png", PNG)


def test_a_call_from_its_creation_to_its_answer() -> None:
    """The bodies of samples/, one after the other: fields, history and versions."""
    with client() as there:
        gdbh = there.write("XZ", sample("XZ"), wbbh="8d1c7e90-02bb-5f3e-8f60-6a5e4f1f7a02")
        made = there.order(gdbh)
        told = sample("XZ")
        assert {key: made[key] for key in told if key in made} == {key: told[key] for key in told if key in made}
        assert (made["WBBH"], made["GDZT"], made["SLSJ"], made["BBH"]) == ("8d1c7e90-02bb-5f3e-8f60-6a5e4f1f7a02", 0, None, 1)
        for name in ("GX-accept", "GX-dispatch", "GX-return", "GX-again"):
            assert there.write("GX", sample(name), gdbh) == gdbh, name
        assert there.order(gdbh)["SLSJ"] is None and there.order(gdbh)["ZBDW"] == "WL005"
        for body in (sample("GX-edit"), sample("GX-accept"), sample("GX-dispatch"), sample("GX-urge")):
            assert there.write("GX", body, gdbh) == gdbh
        assert there.update(gdbh, GDZT=3) == gdbh
        answer = sample("GX-answer")
        assert there.write("GX", answer, gdbh) == "版本冲突:10"
        assert there.write("GX", answer | {"BBH": 10}, gdbh) == gdbh
        assert there.write("FJ", sample("FJ"), gdbh, PNG) == gdbh
        entries = [(one["CZLX"], one["CZR"], one["CZSJ"]) for one in there.history(gdbh)]
        assert [kind for kind, _, _ in entries] == ["登记", "受理", "转办", "退单", "重新提交", "改单", "受理", "转办", "批注",
                                                    "签收", "答复", "附件"]  # fmt: skip
        assert entries[0][1:] == ("韩示例", "2026-10-26 09:20:11") and entries[1][1:] == ("秦受理", "2026-10-26 09:31:02")
        shown = there.at(f"record/{gdbh}", method="GET")
        assert shown["SFBM"] == 1 and shown["BBH"] == 12
        assert shown["FJ"][0]["sha256"] == hashlib.sha256(PNG).hexdigest()


def test_the_smallest_call() -> None:
    """Defaults: class 9900, exchange channel, no urgency, 外部交换, now."""
    with client() as there:
        gdbh = there.write("XZ", sample("XZ-minimal"))
        made = there.order(gdbh)
        assert gdbh == "WL20261026000001"
        assert (made["SQLB"], made["LYQD"], made["JJCD"], made["SFBM"]) == ("9900", 5, 0, 0)
        entry = there.history(gdbh)[0]
        assert (entry["CZLX"], entry["CZR"], entry["CZDW"], entry["CZSJ"], entry["CZYJ"]) == (
            "登记", "外部交换", None, "2026-10-26 12:00:00", None)  # fmt: skip


def test_what_gbk_lacks_becomes_question_marks() -> None:
    """One for each code point, a pair of surrogates is one; a cut counts code points before that."""
    with client() as there:
        made = there.order(there.write("XZ", sample("XZ-escapes")))
        assert made["BT"] == "村民?某反映道路塌陷" and made["NR"] == "塌陷约?5大小?，已设警示。"
        long = there.order(there.create(BT="😀" * 99 + "路桥"))
        assert long["BT"] == "?" * 99 + "路"


def test_a_confidential_caller() -> None:
    """Stored and shown as it is; SFBM is set and never back."""
    with client() as there:
        gdbh = there.write("XZ", sample("XZ-confidential"))
        assert (there.order(gdbh)["SQRXM"], there.order(gdbh)["SFBM"]) == ("不愿透露", 1)
        assert there.update(gdbh, SFBM=0) == "NR字段不正确:SFBM" and there.update(gdbh, SFBM=1) == gdbh
        assert CALL["BT"] not in there.order(gdbh)["BT"]
