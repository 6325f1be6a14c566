"""Places: right values from two sides, true inverses, and nothing repaired in silence."""

import csv
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping import coordinates as c
from schemas.call import Point

CASES = Path(__file__).parents[2] / "cases"
VECTORS = json.loads((Path(__file__).parents[3] / "docs/contracts/vectors.json").read_text("utf-8"))["coordinates"]
TOLERANCE = VECTORS["tolerance"]
BOX: c.Box = (118.4, 34.9, 119.9, 36.0)
RIZHAO = st.tuples(st.floats(118.4, 119.9), st.floats(34.9, 36.0))
CHINA = st.tuples(st.floats(75, 134), st.floats(5, 53))


def silent(words: str) -> None:
    pytest.fail(f"nothing odd here, yet: {words}")


def table(name: str) -> list[dict[str, str]]:
    with (CASES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def metres(a: c.Degrees, b: c.Degrees) -> float:
    return math.hypot((a[0] - b[0]) * 111_320 * math.cos(math.radians(a[1])), (a[1] - b[1]) * 111_320)


@pytest.mark.parametrize("row", VECTORS["rizhao"], ids=lambda row: row["place"])
def test_vectors(row: dict[str, list[float]]) -> None:
    """Every conversion agrees with the implementations written apart, within the agreed tolerance."""
    wgs, gcj, bd = (tuple(row[system]) for system in ("wgs84", "gcj02", "bd09"))
    for found, expected, tolerance in [
        (c.wgs84_to_gcj02(*wgs), gcj, "wgs84_to_gcj02_degrees"),
        (c.wgs84_to_bd09(*wgs), bd, "wgs84_to_bd09_degrees"),
        (c.gcj02_to_wgs84(*gcj), wgs, "gcj02_to_wgs84_degrees"),
        (c.bd09_to_gcj02(*bd), gcj, "bd09_to_gcj02_degrees"),
        (c.bd09_to_wgs84(*bd), wgs, "bd09_to_wgs84_degrees"),
    ]:
        assert found == pytest.approx(expected, abs=TOLERANCE[tolerance], rel=0)
        assert found == pytest.approx(expected, abs=2e-9, rel=0)  # our own mark: the vectors' last digit
    grid = row["epsg4528"]
    assert isinstance(grid, dict)
    system = c.reference_system("EPSG:4528")
    x_y = (grid["x_easting"], grid["y_northing"])
    assert system.from_wgs84(*wgs) == pytest.approx(x_y, abs=TOLERANCE["epsg4528_metres"], rel=0)
    assert system.to_wgs84(*x_y) == pytest.approx(wgs, abs=TOLERANCE["epsg4528_to_wgs84_degrees"], rel=0)


@pytest.mark.parametrize("row", VECTORS["outside_china"], ids=lambda row: row["place"])
def test_outside_china_nothing_shifts(row: dict[str, list[float]]) -> None:
    """Beyond the border GCJ-02 is WGS 84."""
    assert c.wgs84_to_gcj02(*row["wgs84"]) == tuple(row["gcj02"])
    assert c.gcj02_to_wgs84(*row["gcj02"]) == tuple(row["wgs84"])


@given(CHINA)
def test_inverses_are_true(place: c.Degrees) -> None:
    """There and back is the same place to a billionth of a degree, all over China."""
    assert c.gcj02_to_wgs84(*c.wgs84_to_gcj02(*place)) == pytest.approx(place, abs=1e-9, rel=0)
    assert c.bd09_to_gcj02(*c.gcj02_to_bd09(*place)) == pytest.approx(place, abs=1e-9, rel=0)
    assert c.bd09_to_wgs84(*c.wgs84_to_bd09(*place)) == pytest.approx(place, abs=1e-9, rel=0)


@given(RIZHAO)
def test_fifty_round_trips_move_nothing(place: c.Degrees) -> None:
    """C32: through every system and back, fifty times, without a micrometre of drift to speak of."""
    x, y = place
    system = c.reference_system("EPSG:4528")
    for _ in range(50):
        x, y = system.to_wgs84(*system.from_wgs84(*c.bd09_to_wgs84(*c.wgs84_to_bd09(x, y))))
        x, y = c.gcj02_to_wgs84(*c.wgs84_to_gcj02(x, y))
    assert metres((x, y), place) < 1e-3


def test_reference_of_the_field() -> None:
    """C32: the same place in three systems; the one-step inverse's first trip is far outside what is allowed here."""
    rows = {row["system"]: (row["lon"], row["lat"]) for row in table("C32-reference.csv")}
    start = Point(lon=119.3345, lat=35.1187, x="119.334500", y="35.118700", crs="WGS 84")
    for system, numbers in rows.items():
        assert c.write_point(start, system, 6) == numbers
        read = c.read_point(*numbers, system, BOX, silent)
        assert read is not None and metres((read.lon, read.lat), (start.lon, start.lat)) < 0.1
    wrong = table("C32-roundtrip.csv")[0]
    assert metres((float(wrong["lon"]), float(wrong["lat"])), (start.lon, start.lat)) > 1.5


@given(RIZHAO)
def test_writes_stop_after_the_first_round(place: c.Degrees) -> None:
    """C32: a call from the grid, written to petition and city and shown by them again, is written the same for ever."""
    numbers = (f"{place[0]:.6f}", f"{place[1]:.6f}")
    origin = c.read_point(*numbers, "GCJ-02", None, silent)
    assert origin is not None
    for _ in range(10):
        for system, decimals in (("BD-09", 6), ("EPSG:4528", 3)):
            held = c.write_point(origin, system, decimals)
            shown = c.read_point(*held, system, None, silent)
            assert shown is not None and metres((shown.lon, shown.lat), (origin.lon, origin.lat)) < 0.1
            assert c.write_point(shown, system, decimals) == held
        again = c.read_point(*c.write_point(origin, "GCJ-02", 6), "GCJ-02", None, silent)
        assert again == origin and (again.x, again.y) == numbers


def test_places_of_the_field() -> None:
    """C30: plain numbers are places; swapped axes, wrong or missing zones and units are said, 0/0 and empty are not."""
    says = {
        "surveyors": "axes look swapped",
        "no prefix": "zone prefix 40 is missing",
        "zone 39": "prefix is 39",
        "not a number": "carries a unit",
    }
    for row in table("C30-xy.csv"):
        for box in (BOX, None):
            notes: list[str] = []
            point = c.read_point(row["x"], row["y"], row["declared"], box, notes.append)
            if row["expect"] == "plain":
                assert point is not None and not notes
                expected = (float(row["lon"]), float(row["lat"]))
                assert (point.lon, point.lat) == pytest.approx(expected, abs=1e-6)
                assert (point.x, point.y, point.crs) == (row["x"], row["y"], row["declared"])
            elif row["expect"] == "not located":
                assert point is None and not notes
            else:
                word = next(word for start, word in says.items() if row["expect"].startswith(start))
                assert point is None and len(notes) == 1 and word in notes[0], (row, notes)
                assert row["x"] in notes[0] and row["y"] in notes[0]


@pytest.mark.parametrize(
    ("x", "y"),
    [(None, None), ("", ""), ("", None), (0, 0), (0.0, "0"), ("0.000000", "0.000000"), (0, None), ("　", " ")],
)
def test_not_located_is_no_anomaly(x: object, y: object) -> None:
    """Empty numbers and 0/0 mean that nobody located the call."""
    assert c.read_point(x, y, "BD-09", BOX, silent) is None


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (119.346775, None, "missing"),
        ("119.346775", "0", "missing"),
        (float("nan"), 35.1, "no number"),
        (float("inf"), 35.1, "no number"),
        ("无", "35.1", "no number"),
        ("119°20′", "35.1", "unit"),
        ("119.3E", "35.1N", "unit"),
        ("1_1", "35.1", "no number"),
        ("²", "35.1", "no number"),
        (True, 35.1, "no number"),
        ([119], {}, "no number"),
        (b"119", 35.1, "no number"),
        pytest.param(10**6000, 35.1, "no number", id="a number too long to write"),
        ("1" * 5000, 35.1, "no number"),
        ("1e99", 35.1, "impossible"),
        (35.12394, 119.346775, "axes look swapped"),
        (121.47, 31.23, "outside the county's box"),
        ("119,346775", "35.1", "no number"),
    ],
)
def test_odd_numbers_are_named(x: object, y: object, says: str) -> None:
    """One note, with the numbers, and no place."""
    notes: list[str] = []
    assert c.read_point(x, y, "BD-09", BOX, notes.append) is None
    assert len(notes) == 1 and says in notes[0] and " / " in notes[0] and len(notes[0]) < 400


def test_original_numbers_are_kept() -> None:
    """Numbers keep their digits, folded; floats and decimals keep their value without an exponent."""
    point = c.read_point("１１９.３３４５００ ", 35.1187, "wgs84", BOX, silent)
    assert point == Point(lon=119.3345, lat=35.1187, x="119.334500", y="35.1187", crs="WGS 84")
    assert c.write_point(point, "WGS-84", 3) == ("119.334500", "35.1187")
    tiny = c.read_point(1e-7, "1.5e1", "WGS 84", None, silent)
    assert tiny is not None and (tiny.x, tiny.y) == ("0.0000001", "15")


def test_rounding_is_half_up() -> None:
    """A half goes up, as the platforms round, and no zero is negative."""
    point = Point(lon=119.0000005, lat=-0.0000001, x="1", y="1", crs="EPSG:4528")
    assert c.write_point(point, "CGCS2000", 6) == ("119.000001", "0.000000")
    assert c.write_point(point, "WGS 84", 0) == ("119", "0")


@pytest.mark.parametrize("name", ["GCJ-02", "gcj02", "GCJ 02", "ＧＣＪ－０２", "gcj_02"])
def test_names_are_forgiving(name: str) -> None:
    """Blanks, hyphens, case and width do not change a system."""
    assert c.reference_system(name).name == "GCJ-02"


@pytest.mark.parametrize("name", ["", "GCJ", "EPSG:99999", "EPSG:2437", "EPSG:4610", "EPSG:4479", "火星"])
def test_unknown_systems_are_refused(name: str) -> None:
    """What is unknown or stands on another datum is a configuration error that says what is allowed."""
    with pytest.raises(ValueError, match=r"allowed|lists no|not built on"):
        c.reference_system(name)


@pytest.mark.parametrize(
    "name", ["EPSG:4490", "EPSG:4326", "CGCS2000", "EPSG:3857", "EPSG:4549", "EPSG:32650", "EPSG:4528"]
)
def test_systems_on_equal_datums(name: str) -> None:
    """Degrees and projections of WGS 84 and CGCS2000 are read with x = east, and come back."""
    origin = Point(lon=119.3345, lat=35.1187, x="1", y="1", crs="WGS 84")
    x, y = c.write_point(origin, name, 9)
    read = c.read_point(x, y, name, BOX, silent)
    assert read is not None and metres((read.lon, read.lat), (origin.lon, origin.lat)) < 1e-3
    assert read.crs == name


def test_a_place_beyond_a_zone_is_not_written() -> None:
    """A projection that cannot hold a place refuses it instead of writing infinity."""
    for lon, lat in ((-30.0, 10.0), (80.0, 35.0)):
        point = Point(lon=lon, lat=lat, x="1", y="1", crs="WGS 84")
        for name in ("EPSG:4528", "EPSG:4549"):
            with pytest.raises(ValueError, match="beyond what EPSG:45"):
                c.write_point(point, name, 3)


def test_a_prefix_where_none_belongs_is_said() -> None:
    """Zone 40 numbers declared without zone are named, not converted."""
    notes: list[str] = []
    assert c.read_point("40393949.567", "3939571.585", "EPSG:4549", None, notes.append) is None
    assert "zone prefix is 40, none is expected" in notes[0]


@given(
    *[st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary()] * 2,
    st.sampled_from(["WGS 84", "GCJ-02", "BD-09", "EPSG:4528", "EPSG:3857"]),
)
def test_no_value_makes_a_reader_raise(x: object, y: object, crs: str) -> None:
    """Whatever a platform sends, the answer is a finite place or none."""
    notes: list[str] = []
    point = c.read_point(x, y, crs, None, notes.append)
    assert point is None or (math.isfinite(point.lon) and math.isfinite(point.lat) and not notes)
