"""The past of people an import was undone for: until the undo as the import left them, and their timelines say when it ended."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import worlds
from tests.worlds import AT, take
from user360 import imports, profiles, properties, segments
from user360.imports import reading, undoing
from user360.people import People
from user360.store import open_store

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from user360.store import Store

Told: TypeAlias = "tuple[int, str, str | None, str | None]"
WRITTEN = ("city", "score", "tags")
FOLLOWING = ("lastSession",)  # moved by events, too, of which no timeline tells
CITIES, SCORES, TAGS = ("Goa", "Ulm", "Pune"), (1.0, 2.5), ("x", "y", "z")


def _load(store: Store, folder: Path, rows: list[dict[str, Any]], *, at: datetime, **plan: Any) -> int:
    path = folder / "users.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    columns = {column: column for row in rows for column in row}
    number = imports.start(store, path, imports.Plan.from_json({"mapping": columns, **plan}), by="Mira", at=at)
    imports.run(store, number, now=lambda: at)
    return number


CONDITIONS: tuple[dict[str, Any], ...] = (
    *({"property": "city", "operator": "is", "values": [each]} for each in CITIES),
    *({"property": "score", "operator": "is", "values": [each]} for each in SCORES),
    *({"property": "tags", "operator": "contains_any", "values": [each]} for each in TAGS),
    {"property": "city", "operator": "is_not_known"},
    {"property": "lastSession", "operator": "is_known"},
    {"property": "lastSession", "operator": "in_the_last", "values": [2, "hour"]},
    {"property": "updatedAt", "operator": "after", "values": [AT.isoformat()]},
    {"property": "city", "held": {"ever": True}, "operator": "is", "values": [CITIES[0]]},
)


def _answers(store: Store, at: datetime, *, past: bool = False) -> dict[str, list[int]]:
    """Who lives, and for whom each of the conditions holds."""
    rules = [
        segments.parse({"version": 1, "match": "all", "conditions": some}) for some in ([], *([each] for each in CONDITIONS))
    ]
    return {json.dumps(segments.dump(each)): segments.people(store, each, at=at, past=past).keys().tolist() for each in rules}


WHO = st.sampled_from(["a", "b", "c", "d"])
ROW = st.fixed_dictionaries(
    {"userId": WHO},
    optional={
        "city": st.sampled_from(CITIES),
        "score": st.sampled_from(SCORES),
        "tags": st.lists(st.sampled_from(TAGS), min_size=1, max_size=2, unique=True),
    },
)
STEP = st.one_of(
    st.tuples(st.just("import"), st.lists(ROW, min_size=1, max_size=4), st.booleans(), st.sampled_from(["update", "replace"])),
    st.tuples(st.just("edit"), ROW),
    st.tuples(st.just("event"), WHO),
    st.tuples(st.just("delete"), WHO),
    st.tuples(st.just("undo"), st.integers(0, 3)),
)


def _session(store: Store, at: datetime, *, past: bool) -> list[int]:
    """Who had a last session within an hour."""
    rule = segments.parse(
        {"match": "all", "conditions": [{"property": "lastSession", "operator": "in_the_last", "values": [1, "hour"]}]}
    )
    keys: list[int] = segments.people(store, rule, at=at, past=past).keys().tolist()
    return keys


def test_a_session_that_followed_an_event_goes_on_when_the_import_is_undone_and_nothing_is_told_of_it(
    store: Store, tmp_path: Path
) -> None:
    number = _load(store, tmp_path, [{"userId": "a", "city": "Ulm"}], at=AT)
    seen = AT + timedelta(hours=1)
    take(store, worlds.events([("a", "View", seen)], message_ids=["m1"]), at=seen)
    imports.undo(store, number, by="Ann", now=lambda: AT + timedelta(hours=2))

    assert profiles.get(store, 0).values["lastSession"] == seen
    assert [(each.property, each.old, each.new) for each in profiles.history(store, 0)] == [("city", "Ulm", None)]
    assert [_session(store, each, past=True) for each in (AT, seen)] == [[], [0]]


def test_a_session_that_was_taken_away_since_is_not_told_of_a_time_before_it(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users([{"userId": "a"}, {"userId": "b"}]), at=AT)
    seen = AT + timedelta(hours=1)
    take(store, worlds.events([("a", "View", seen)], message_ids=["m1"]), at=seen)
    rows = [{"userId": "a"}, {"userId": "b", "lastSession": "2026-11-21T08:00:00Z"}]
    _load(store, tmp_path, rows, at=AT + timedelta(hours=2), mode="replace")

    assert "lastSession" not in profiles.get(store, 0).values
    assert [_session(store, each, past=True) for each in (AT, seen)] == [[], [0]]


@pytest.mark.slow
@settings(
    suppress_health_check=[HealthCheck.too_slow], phases=[Phase.explicit, Phase.generate]
)  # to make a case smaller takes minutes
@given(steps=st.lists(STEP, min_size=3, max_size=7))
def test_the_past_is_as_it_was_whatever_was_undone_since_and_timelines_tell_what_went_back(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("law")
    store, numbers = open_store(), list[int]()
    properties.define(store, "score", "number", by="t", at=AT - timedelta(days=1))
    then: dict[datetime, dict[str, list[int]]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BATCH", 2)
        patch.setattr(undoing, "LOT", 2)
        for place, step in enumerate([*steps, ("undo", 0), ("undo", 0)]):
            at, before = AT + timedelta(hours=place), _values(store)
            _apply(store, numbers, folder, at, step)
            then[at] = _answers(store, at)
            if step[0] == "undo":
                told, differing = _told(store, at), _differing(before, _values(store))
                assert told <= differing
                assert {each for each in differing - told if each[1] not in FOLLOWING} == set()
    for at, answers in then.items():
        assert _answers(store, at, past=True) == answers, at
    store.close()


def _values(store: Store) -> dict[int, dict[str, str]]:
    """What is known of everyone, as their timelines spell it."""
    types = {each.name: each.datatype for each in properties.find(store)}
    people = {key: profiles.get(store, key) for key in profiles.everyone(store).keys().tolist()}
    return {
        key: {each: types[each].format(value) for each, value in one.values.items() if each in (*WRITTEN, *FOLLOWING)}
        for key, one in people.items()
    }


def _differing(before: dict[int, dict[str, str]], after: dict[int, dict[str, str]]) -> set[Told]:
    """What is another value than before, of those who are still there."""
    both = (
        (key, each, before[key].get(each), after[key].get(each))
        for key in before.keys() & after.keys()
        for each in (*WRITTEN, *FOLLOWING)
    )
    return {each for each in both if each[2] != each[3]}


def _told(store: Store, at: datetime) -> set[Told]:
    """What their timelines say of that instant."""
    living = profiles.everyone(store).keys().tolist()
    return {(key, one.property, one.old, one.new) for key in living for one in profiles.history(store, key) if one.at == at}


def _apply(store: Store, numbers: list[int], folder: Path, at: datetime, step: tuple[Any, ...]) -> None:
    match step:
        case ("import", rows, unite, mode):
            numbers.append(_load(store, folder, rows, at=at, merge_tags=unite, mode=mode))
        case ("edit", row):
            take(store, worlds.users([{**row, "tags": ";".join(row["tags"])} if "tags" in row else row]), at=at)
        case ("event", who):
            take(store, worlds.events([(who, "View", at)], message_ids=[f"m{at}"]), at=at)
        case ("delete", who):
            key = profiles.key_of(store, who)
            if key is not None:
                profiles.delete(store, People.of([key]), by="Ann", source="form", at=at)
        case ("undo", nth) if nth < len(numbers):
            imports.undo(store, numbers.pop(nth), by="Ann", now=lambda: at)
