"""Changes of fields on a record that is there already: what is written, what it reads as, what must be told in words."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.canonical import same, secrets_of
from bridge.mapping.files import load_mapping
from bridge.mapping.notes import Fields, Notes
from bridge.mapping.translator import Translator
from tests.unit.mapping.test_language import altered

ROOT = Path(__file__).parents[3]
TRANSLATORS = {slug: load_mapping(slug, [ROOT / "mappings"]).translator for slug in ("enforcement", "petition", "grid")}
BODY = {"id": "1", "GDBH": "WL20261030000001", "state": "open", "GDZT": "0"}

text = st.text(st.characters(codec="gbk", exclude_categories=("C", "Z")), min_size=1, max_size=20).map(lambda t: f"甲{t}")
persons = st.one_of(
    st.none(),
    st.builds(lambda name, digits: {"name": name, "phones": [f"1390000{digits:04}"]}, text, st.integers(0, 9999)),
    st.builds(lambda name: {"name": name, "phones": ["13911111111"], "confidential": True}, text),
)
points = st.one_of(st.none(), st.builds(
    lambda x, y: {"lon": x / 1e6, "lat": y / 1e6, "x": str(x / 1e6), "y": str(y / 1e6), "crs": "WGS 84"},
    st.integers(118_500_000, 119_900_000), st.integers(35_000_000, 36_000_000)))  # fmt: skip
calls = st.fixed_dictionaries({
    "title": text, "description": text, "urgency": st.sampled_from(["ordinary", "urgent", "critical"]),
    "item": st.sampled_from([{"catalogue": "enforcement", "code": "ENV-01"}, {"catalogue": "wulian", "code": "0101"}]),
    "area.town": st.sampled_from(["371103103", "371121106"]), "place.address": st.one_of(st.none(), text),
    "place.point": points, "caller": persons,
})  # fmt: skip


def merged(body: Any, change: Any) -> Any:
    """A JSON merge patch; a blank text empties too."""
    if not isinstance(change, dict):
        return None if change == "" else change
    merged_body = copy.deepcopy(body) if isinstance(body, dict) else {}
    return merged_body | {name: merged(merged_body.get(name), value) for name, value in change.items()}


def fields_of(translator: Translator, body: dict[str, Any]) -> Fields:
    return translator.understand("there", {**BODY, **body}).fields


@pytest.mark.parametrize("slug", ["enforcement", "petition"])
@given(before=calls, after=calls)
def test_an_edited_record_reads_as_a_new_one(slug: str, before: Fields, after: Fields) -> None:
    """For any two states of a call: the record made from the first and changed to the second reads as promised, the same
    as one made from the second (but for what is named as left, and for a person who stays secret); what did not change is not
    written."""
    translator = TRANSLATORS[slug]
    made = translator.creation(before, "hy-1", secrets_of(before))
    changed = [name for name in after if not same(before[name], after[name])]
    edited = translator.editor.edited(after, changed, made.reads_as, secrets_of(after))
    reads = fields_of(translator, merged(made.body, edited.body))
    aim = fields_of(translator, translator.creation(after, "hy-1", secrets_of(after)).body)
    for name, value in edited.reads_as.items():
        assert same(reads.get(name), value)
    stays = "caller" if any(name == "caller" for name, _ in edited.notes) else ""
    for name in after.keys() - {*edited.left, stays}:
        is_now = aim if name in changed or name in edited.reads_as else made.reads_as
        assert same(reads.get(name), is_now.get(name)), name
    again = translator.editor.edited(after, changed, {**made.reads_as, **reads}, secrets_of(after))
    assert again.body == {}


def test_only_what_differs_is_written() -> None:
    """A field named as changed that the platform shows so already is left out; nothing at all is an empty body."""
    editor = TRANSLATORS["enforcement"].editor
    shown = {"title": "甲", "urgency": "ordinary"}
    assert editor.edited({"title": "乙", "urgency": "ordinary"}, ["title", "urgency"], shown, ()).body == {"title": "乙"}
    assert editor.edited(shown, ["title", "urgency"], shown, ()).body == {}


def test_emptied_values_as_the_platform_takes_them() -> None:
    """null there, a blank text here; a title that must be there gets the mapping's word; what may not be emptied is left."""
    gone: Fields = {"title": "", "place.address": None, "place.point": None, "caller": None}
    shown: Fields = {"title": "甲", "place.address": "路口", "place.point": {"lon": 119.0, "lat": 35.5, "x": "1", "y": "2", "crs": "c"},
                     "caller": {"name": "乙"}}  # fmt: skip
    edited = TRANSLATORS["enforcement"].editor.edited(gone, gone, shown, ())
    assert edited.left == ()
    assert edited.body == {"title": "详见描述", "location": {"address": None, "lon": None, "lat": None},
                           "contact": {"name": None, "phone": None}}  # fmt: skip
    edited = TRANSLATORS["petition"].editor.edited(gone, gone, shown, ())
    assert edited.left == ("place.point",)
    assert edited.body == {"BT": "详见内容", "FSDZ": "", "SQRXM": "", "LXDH": ""}


def test_a_secret_person_takes_texts_along() -> None:
    """C69: a text that names the person is changed as well, though it was not edited."""
    fields = {"title": "甲", "description": "王守密来电13912345678", "caller": {"confidential": True}, "secrets": ["王守密", "13912345678"]}
    shown = {"title": "甲", "description": "王守密来电13912345678", "caller": {"name": "王守密"}}
    edited = TRANSLATORS["enforcement"].editor.edited(fields, ["caller"], shown, secrets_of(fields))
    assert set(edited.body) == {"description", "contact"} and "王守密" not in str(edited.body)
    assert "title" not in edited.body


def test_a_mapping_without_edits_changes_nothing() -> None:
    """Everything is left to be told in words."""
    assert TRANSLATORS["grid"].editor.edited({"title": "乙"}, ["title"], {"title": "甲"}, ()).left == ("title",)
    assert Notes().found == []


EDITS = [
    ("fields: [title, ", "fields: [titel, ", "edits.fields[0]", "title"),
    ("fields: [title, ", "fields: [lead, ", "edits.fields[0]", ""),
    ('  at: ["0", ', '  at: ["00", ', "edits.at[0]", "0"),
    ("never_empty: [title, ", "never_empty: [channel, ", "edits.never_empty[0]", ""),
]


@pytest.mark.parametrize(("old", "new", "key", "allowed"), EDITS)
def test_mistakes_under_edits_are_named(tmp_path: Path, old: str, new: str, key: str, allowed: str) -> None:
    """A field that does not exist or is only read, a status that does not exist: file, line, key, what is near."""
    found = altered(tmp_path, "petition", old, new)[0]
    assert found.key == key and allowed in found.allowed and found.line
