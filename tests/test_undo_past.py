"""The past of people an import was undone for: until the undo as the import left them, and their timelines say when it ended."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import worlds
from tests.worlds import AT, take
from user360 import imports, profiles, properties, resolution, segments
from user360.errors import Conflict
from user360.imports import reading, undoing
from user360.people import People
from user360.store import open_store

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from user360.store import Store

Told: TypeAlias = "tuple[int, str, str | None, str | None]"
WRITTEN = ("city", "score", "tags")
FOLLOWING = ("lastSession", "lastChannel")  # moved by events, too, of which no timeline tells
CITIES, SCORES, TAGS, CHANNELS = ("Goa", "Ulm", "Pune"), (1.0, 2.5), ("x", "y", "z"), ("web", "app")
SESSIONS = tuple(f"{AT + timedelta(minutes=each):%Y-%m-%dT%H:%M:%SZ}" for each in (-90, 20, 150, 290))


def _load(store: Store, folder: Path, rows: list[dict[str, Any]], *, at: datetime, **plan: Any) -> int:
    path = folder / "users.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    columns = {column: column for row in rows for column in row}
    return _run(store, path, imports.Plan.from_json({"mapping": columns, **plan}), at)


def _load_events(store: Store, folder: Path, rows: list[tuple[str, datetime, str]], *, at: datetime) -> int:
    path = folder / "events.jsonl"
    lines = [{"user": who, "when": when.isoformat(), "on": channel} for who, when, channel in rows]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), "utf-8")
    plan = imports.Plan(kind="events", event="Order", user_column="user", time_column="when", channel_column="on", zone="UTC")
    return _run(store, path, plan, at)


def _run(store: Store, path: Path, plan: imports.Plan, at: datetime) -> int:
    number = imports.start(store, path, plan, by="Mira", at=at)
    imports.run(store, number, now=lambda: at)
    return number


CONDITIONS: tuple[dict[str, Any], ...] = (
    *({"property": "city", "operator": "is", "values": [each]} for each in CITIES),
    *({"property": "score", "operator": "is", "values": [each]} for each in SCORES),
    *({"property": "tags", "operator": "contains_any", "values": [each]} for each in TAGS),
    {"property": "city", "operator": "is_not_known"},
    {"property": "lastSession", "operator": "is_known"},
    {"property": "lastSession", "operator": "in_the_last", "values": [2, "hour"]},
    *({"property": "lastSession", "operator": "after", "values": [each]} for each in SESSIONS[1:]),
    *({"property": "lastChannel", "operator": "is", "values": [each]} for each in CHANNELS),
    {"rank": "top", "count": 2, "property": "lastSession"},
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
        "lastSession": st.sampled_from(SESSIONS),
        "lastChannel": st.sampled_from(CHANNELS),
    },
)
AGO = st.sampled_from([0, 0, 30, 90, 150])  # minutes: what happened before the step before it comes late
STEP = st.one_of(
    st.tuples(st.just("import"), st.lists(ROW, min_size=1, max_size=4), st.booleans(), st.sampled_from(["update", "replace"])),
    st.tuples(st.just("edit"), ROW),
    st.tuples(st.just("event"), WHO, AGO, st.sampled_from(CHANNELS)),
    st.tuples(st.just("events"), st.lists(st.tuples(WHO, AGO, st.sampled_from(CHANNELS)), min_size=1, max_size=3)),
    st.tuples(st.just("merge"), WHO, WHO),
    st.tuples(st.just("part")),
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
    store = open_store()
    numbers: list[tuple[int, datetime | None]] = []
    properties.define(store, "score", "number", by="t", at=AT - timedelta(days=1))
    then: dict[datetime, dict[str, list[int]]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BATCH", 2)
        patch.setattr(undoing, "LOT", 2)
        for place, step in enumerate([*steps, ("undo", 0), ("undo", 0)]):
            at, before = AT + timedelta(hours=place), _values(store)
            completed = _apply(store, numbers, folder, at, step)
            then = {each: _left(answers, completed is not None and each >= completed) for each, answers in then.items()}
            then[at] = _answers(store, at)
            if step[0] == "undo":
                told, differing = _told(store, at), _differing(before, _values(store))
                assert told <= differing
                assert {each for each in differing - told if each[1] not in FOLLOWING} == set()
    for at, answers in then.items():
        assert answers.items() <= _answers(store, at, past=True).items(), at
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


def _left(answers: dict[str, list[int]], completed: bool) -> dict[str, list[int]]:
    """What is answered still where the past was completed: not what follows events."""
    return {rule: keys for rule, keys in answers.items() if not (completed and any(each in rule for each in FOLLOWING))}


def _happened(store: Store, who: str, at: datetime, ago: int) -> datetime:
    """When an event happened that arrives now; what a stranger did came at once, for they are made as of then."""
    return at - timedelta(minutes=ago if profiles.key_of(store, who) is not None else 0)


def _apply(  # noqa: C901 - a case per step
    store: Store, numbers: list[tuple[int, datetime | None]], folder: Path, at: datetime, step: tuple[Any, ...]
) -> datetime | None:
    """Do a step; answer from when on it completes the past: events count from the moment they happened, and those taken back never did."""
    match step:
        case ("import", rows, unite, mode):
            numbers.append((_load(store, folder, rows, at=at, merge_tags=unite, mode=mode), None))
        case ("edit", row):
            take(store, worlds.users([{**row, "tags": ";".join(row["tags"])} if "tags" in row else row]), at=at)
        case ("event", who, ago, channel):
            happened = _happened(store, who, at, ago)
            take(store, worlds.events([(who, "View", happened)], channels=[channel], message_ids=[f"m{at}"]), at=at)
            return happened
        case ("events", some):
            rows = [(who, _happened(store, who, at, ago), channel) for who, ago, channel in some]
            numbers.append((_load_events(store, folder, rows, at=at), min(when for _, when, _ in rows)))
            return numbers[-1][1]
        case ("delete", who):
            key = profiles.key_of(store, who)
            if key is not None:
                profiles.delete(store, People.of([key]), by="Ann", source="form", at=at)
        case ("merge", who, other):
            kept, gone = profiles.key_of(store, who), profiles.key_of(store, other)
            if kept is not None and gone is not None and kept != gone:
                resolution.merge(store, kept, gone, by="Ann", at=at)
        case ("part",):
            for each in resolution.find(store, status="done")[-1:]:
                with suppress(Conflict):
                    resolution.undo(store, each.id, by="Ann", at=at)
        case ("undo", nth) if nth < len(numbers):
            number, since = numbers.pop(nth)
            imports.undo(store, number, by="Ann", now=lambda: at)
            return since
    return None
