"""Places between WGS 84, the shifted systems GCJ-02 and BD-09, and the projections that EPSG lists.

Nothing is repaired in silence: numbers that cannot be a place of the declared system, or lie outside the county's box,
are no place, and the note names them and what they look like (C30). Inverses are true ones, so that a point never moves
by travelling (C32). WGS 84 and CGCS2000 degrees count as equal. This module must not know a county or a platform.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from bridge.mapping.texts import Note, fold, show
from schemas.call import Point

if TYPE_CHECKING:
    from pyproj import CRS

Degrees = tuple[float, float]
"""Longitude and latitude, in this order everywhere."""

Box = tuple[float, float, float, float]
"""Least longitude, least latitude, greatest longitude, greatest latitude: WGS 84 degrees, the margin included."""

_AXIS = 6378245.0  # metres: the Krassovsky ellipsoid, which GCJ-02 takes
_ECCENTRICITY = 0.00669342162296594323  # squared
_CHINA: Box = (72.004, 0.8293, 137.8347, 55.8271)  # where GCJ-02 shifts; outside it equals WGS 84
_CLOSE = 1e-10  # degrees; the step that ends it leaves a fiftieth of that at most
_ROUNDS = 30  # each round gains two digits at least
_BD_TURN = math.pi * 3000.0 / 180.0
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_UNIT = re.compile(r"(?:米|公里|千米|m|km|度|°|[EeNn东北])")
_EPSG = re.compile(r"EPSG:([0-9]{4,6})")
_NAMES = {"WGS84": "WGS 84", "GCJ02": "GCJ-02", "BD09": "BD-09", "CGCS2000": "CGCS2000"}
_EQUAL_DATUMS = (4326, 4490)
_ZONE = 1_000_000  # metres: a zone prefix is what stands before six digits of easting


@dataclass(frozen=True, slots=True)
class System:
    """A reference system by its one name here: to WGS 84 degrees and back.

    `zone` is the prefix that its eastings carry (0: none is carried), None where the system has no zones.
    """

    name: str
    to_wgs84: Callable[[float, float], Degrees]
    from_wgs84: Callable[[float, float], Degrees]
    zone: int | None = None


def _inside(lon: float, lat: float, box: Box) -> bool:
    return box[0] <= lon <= box[2] and box[1] <= lat <= box[3]


def _shift(lon: float, lat: float) -> Degrees:
    """By how many degrees GCJ-02 moves a WGS 84 point of China."""
    x, y = lon - 105.0, lat - 35.0
    root = math.sqrt(abs(x))
    waves = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east += (20.0 * math.sin(x * math.pi) + 40.0 * math.sin(x / 3.0 * math.pi)) * 2.0 / 3.0
    east += (150.0 * math.sin(x / 12.0 * math.pi) + 300.0 * math.sin(x / 30.0 * math.pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += (20.0 * math.sin(y * math.pi) + 40.0 * math.sin(y / 3.0 * math.pi)) * 2.0 / 3.0
    north += (160.0 * math.sin(y / 12.0 * math.pi) + 320.0 * math.sin(y * math.pi / 30.0)) * 2.0 / 3.0
    radians = math.radians(lat)
    bend = 1.0 - _ECCENTRICITY * math.sin(radians) ** 2
    per_north = _AXIS * (1.0 - _ECCENTRICITY) / (bend * math.sqrt(bend))
    per_east = _AXIS / math.sqrt(bend) * math.cos(radians)
    return math.degrees(east / per_east), math.degrees(north / per_north)


def wgs84_to_gcj02(lon: float, lat: float) -> Degrees:
    """Degrees to degrees; equal outside China."""
    if not _inside(lon, lat, _CHINA):
        return lon, lat
    east, north = _shift(lon, lat)
    return lon + east, lat + north


def gcj02_to_wgs84(lon: float, lat: float) -> Degrees:
    """The true inverse, by iteration to far below 1e-9 degrees: a single step is wrong by 2.6 m, each time."""
    if not _inside(lon, lat, _CHINA):
        return lon, lat
    x, y = lon, lat
    for _ in range(_ROUNDS):
        east, north = _shift(x, y)
        nx, ny = lon - east, lat - north
        if abs(nx - x) < _CLOSE and abs(ny - y) < _CLOSE:
            return nx, ny
        x, y = nx, ny
    return x, y


def gcj02_to_bd09(lon: float, lat: float) -> Degrees:
    """Degrees to degrees; BD-09 is defined for China only, outside the numbers stay."""
    return _to_bd09(lon, lat) if _inside(lon, lat, _CHINA) else (lon, lat)


def _to_bd09(lon: float, lat: float) -> Degrees:
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _BD_TURN)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _BD_TURN)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006


def bd09_to_gcj02(lon: float, lat: float) -> Degrees:
    """The true inverse, by iteration to far below 1e-9 degrees."""
    if not _inside(lon, lat, _CHINA):
        return lon, lat
    x, y = lon - 0.0065, lat - 0.006
    for _ in range(_ROUNDS):
        bx, by = _to_bd09(x, y)
        x, y = x + lon - bx, y + lat - by
        if abs(lon - bx) < _CLOSE and abs(lat - by) < _CLOSE:
            break
    return x, y


def wgs84_to_bd09(lon: float, lat: float) -> Degrees:
    """By way of GCJ-02."""
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: float, lat: float) -> Degrees:
    """By way of GCJ-02."""
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def _same(lon: float, lat: float) -> Degrees:
    return lon, lat


@lru_cache(maxsize=64)
def reference_system(name: str) -> System:
    """The system of that name: WGS 84, GCJ-02, BD-09, CGCS2000 (blanks, hyphens and case are free) or EPSG:n.

    EPSG:n must be built on WGS 84 or CGCS2000: shifts to the older datums (Beijing 54, Xian 80) are local and not
    published. ValueError says what is allowed.
    """
    plain = re.sub(r"[\s_-]", "", fold(name)).upper()
    match _NAMES.get(plain):
        case "GCJ-02":
            return System("GCJ-02", gcj02_to_wgs84, wgs84_to_gcj02)
        case "BD-09":
            return System("BD-09", bd09_to_wgs84, wgs84_to_bd09)
        case str(known):
            return System(known, _same, _same)
    if found := _EPSG.fullmatch(plain):
        return _epsg(int(found[1]))
    raise ValueError(
        f"不认识的坐标系“{name}” / unknown reference system {name!r}。"
        "可用 / allowed: WGS 84, GCJ-02, BD-09, CGCS2000, EPSG:n (如 / like EPSG:4528)"
    )


def _epsg(number: int) -> System:
    # Imported here: half of all platforms give plain degrees, and PROJ takes its time to load.
    import pyproj
    from pyproj.exceptions import CRSError

    name = f"EPSG:{number}"
    try:
        crs = pyproj.CRS.from_epsg(number)
    except CRSError as unknown:
        raise ValueError(f"没有坐标系{name} / EPSG lists no {number}") from unknown
    base = crs.geodetic_crs.to_epsg() if crs.geodetic_crs else None
    if base not in _EQUAL_DATUMS or not (crs.is_projected or crs.is_geographic) or len(crs.axis_info) != 2:
        raise ValueError(
            f"坐标系{name}（{crs.name}）不是以WGS 84或CGCS2000为基准的平面或经纬度坐标，无法可靠换算 / "
            f"{name} ({crs.name}) is not built on WGS 84 or CGCS2000 in two dimensions: no reliable conversion"
        )
    if crs.is_geographic:
        return System(name, _same, _same)
    forth = pyproj.Transformer.from_crs(base, crs, always_xy=True)
    back = pyproj.Transformer.from_crs(crs, base, always_xy=True)

    def to_wgs84(x: float, y: float) -> Degrees:
        lon, lat = back.transform(x, y)
        return float(lon), float(lat)

    def from_wgs84(lon: float, lat: float) -> Degrees:
        x, y = forth.transform(lon, lat)
        return float(x), float(y)

    return System(name, to_wgs84, from_wgs84, _zone(crs))


def _zone(crs: CRS) -> int | None:
    """The zone prefix of a Gauss-Krüger or UTM grid, whose eastings begin at 500 km."""
    projection = crs.coordinate_operation
    if projection is None or projection.method_name != "Transverse Mercator":
        return None
    zone, rest = divmod(next(float(p.value) for p in projection.params if p.name == "False easting"), _ZONE)
    return int(zone) if rest == _ZONE // 2 else None


def read_point(x: object, y: object, crs: str, box: Box | None, note: Note) -> Point | None:
    """The place that a platform's two numbers mean in `crs` (x is longitude or easting), with these numbers beside it.

    None without a note for what means "not located": empty values, 0/0. None with a note for one number of two, for
    what is no number, infinite, or impossible in `crs`, and for a place outside `box` (None: anywhere on earth). Axes
    that look swapped are named, never put right. ValueError only for an unknown `crs`.
    """
    system = reference_system(crs)
    given_x, given_y = _number(x), _number(y)
    if given_x is None or given_y is None:
        odd = x if given_x is None else y
        note(_no_number(odd, f"({show(x)}, {show(y)})"))
        return None
    east, north = float(given_x or 0), float(given_y or 0)
    if east == 0 and north == 0:
        return None
    shown = f"({show(x)}, {show(y)})"
    if not given_x or not given_y or east == 0 or north == 0:
        note(f"坐标{shown}只有一个有效数 / one of the two numbers is missing")
        return None
    place = _degrees(system, east, north)
    if place is None or not _possible(*place):
        chinese, english = _hint(system, east, north, box)
        note(f"坐标{shown}不是{system.name}坐标{chinese} / {shown} is impossible in {system.name}{english}")
        return None
    if box is not None and not _inside(*place, box):
        chinese, english = _hint(system, east, north, box)
        where = f"{shown} = {place[0]:.6f}, {place[1]:.6f}"
        note(f"坐标{where}在本县范围外{chinese} / {where} is outside the county's box{english}")
        return None
    return Point(lon=place[0], lat=place[1], x=given_x, y=given_y, crs=system.name)


def write_point(point: Point, crs: str, decimals: int) -> tuple[str, str]:
    """The two numbers for a platform of `crs`, longitude or easting first.

    A point given in that very system goes back in its own numbers, digit by digit, so that it never moves; any other
    is converted and rounded half up to `decimals`. ValueError for a place that `crs` cannot hold or an unknown `crs`.
    """
    system = reference_system(crs)
    if point.crs == system.name:
        return point.x, point.y
    x, y = system.from_wgs84(point.lon, point.lat)
    if not (math.isfinite(x) and math.isfinite(y)) or (system.zone is not None and x // _ZONE != system.zone):
        raise ValueError(
            f"{point.lon:.6f}, {point.lat:.6f}超出{system.name}范围 / is beyond what {system.name} can hold"
        )
    return _rounded(x, decimals), _rounded(y, decimals)


def _rounded(value: float, decimals: int) -> str:
    # Decimal of the shortest text, not of the binary value: 0.0000005 is a half and goes up.
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return format(rounded if rounded else abs(rounded), "f")


def _number(value: object) -> str | None:
    """A finite number's text without exponent; "" for an empty value, None for what is no such number."""
    match value:
        case None:
            return ""
        case bool():
            return None
        case int() if value.bit_length() < 64:
            return str(value)
        case float():
            text = repr(value)
        case Decimal():
            text = str(value)
        case str():
            text = fold(value).strip()
        case _:
            return None
    if not text:
        return ""
    if _NUMBER.fullmatch(text) is None:
        return None
    return format(Decimal(text), "f") if "e" in text.lower() else text


def _no_number(value: object, shown: str) -> str:
    if isinstance(value, str) and _UNIT.search(value):
        return f"坐标{shown}中{show(value)}带有单位或方向 / in {shown}, {show(value)} carries a unit or a direction"
    return f"坐标{shown}中{show(value)}不是数 / in {shown}, {show(value)} is no number"


def _degrees(system: System, x: float, y: float) -> Degrees | None:
    if system.zone is not None and int(x // _ZONE) != system.zone:
        return None  # PROJ would answer with a plausible place hundreds of kilometres away
    lon, lat = system.to_wgs84(x, y)
    return (lon, lat) if math.isfinite(lon) and math.isfinite(lat) else None


def _possible(lon: float, lat: float) -> bool:
    return -180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0


def _hint(system: System, x: float, y: float, box: Box | None) -> tuple[str, str]:
    """What the numbers look like, in Chinese and English, for the people who can ask; empty where nobody can tell."""
    swapped = _degrees(system, y, x)
    if swapped and _inside(*swapped, box or _CHINA):
        return "，像是横纵坐标颠倒（测绘X为北）", ": the axes look swapped (surveyors' X is north)"
    zone = int(x // _ZONE)
    if system.zone is None or zone == system.zone:
        return "", ""
    if zone == 0:
        return f"，缺少带号{system.zone}", f": the zone prefix {system.zone} is missing"
    wanted, expected = (f"应为{system.zone}", f"{system.zone} is") if system.zone else ("不应有带号", "none is")
    return f"，带号为{zone}，{wanted}", f": the zone prefix is {zone}, {expected} expected"
