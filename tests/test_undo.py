"""Undoing an import: what it wrote goes back, whatever came after it stays, and the history says so."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import worlds
from tests.worlds import AT, take
from user360 import activity, events, identities, imports, ingest, profiles, properties, segments
from user360.errors import Conflict, Interrupted
from user360.imports import reading, undoing
from user360.people import People
from user360.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from user360.store import Store

PLAIN = ("city", "score")


def _load(store: Store, folder: Path, rows: list[dict[str, Any]], *, name: str = "users.jsonl", **plan: Any) -> int:
    """Import these users; their columns are properties."""
    path = folder / name
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    columns = {column: column for row in rows for column in row}
    number = imports.start(store, path, imports.Plan.from_json({"mapping": columns, **plan}), by="Mira", at=AT)
    imports.run(store, number, now=lambda: AT)
    return number


def _load_events(store: Store, folder: Path, rows: list[tuple[str, datetime, str]]) -> int:
    path = folder / "events.jsonl"
    lines = [{"user": who, "when": when.isoformat(), "on": channel} for who, when, channel in rows]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines), "utf-8")
    plan = imports.Plan(kind="events", event="Order", user_column="user", time_column="when", channel_column="on", zone="UTC")
    number = imports.start(store, path, plan, by="Mira", at=AT)
    imports.run(store, number, now=lambda: AT)
    return number


def _undo(store: Store, number: int) -> imports.Import:
    return imports.undo(store, number, by="Ann", now=lambda: AT)


def _people(store: Store) -> dict[str, dict[str, Any]]:
    """What is known of everyone, by user id; the two instants the store keeps left out."""
    found = [profiles.get(store, int(key)) for key in profiles.everyone(store).keys()]  # noqa: SIM118 - keys of a bitmap
    return {
        each.user_id or "": {
            name: value for name, value in each.values.items() if name not in ("userId", "createdAt", "updatedAt")
        }
        for each in found
    }


# -- what goes back and what stays --------------------------------------------------------------


def test_values_go_back_and_people_the_import_made_go(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users([{"userId": "a", "city": "Goa", "firstName": "Ann"}]))
    before = _people(store)
    number = _load(store, tmp_path, [{"userId": "a", "city": "Pune"}, {"userId": "b", "city": "Ulm"}], tags=["fair"])

    done = _undo(store, number)

    assert _people(store) == before
    assert (done.status, done.undone["cells"], done.undone["gone"], done.undone["by"]) == ("undone", 2, 1, "Ann")
    assert activity.find(store, kinds=["undo import"])["by"].to_pylist() == ["Ann"]


def test_a_later_edit_stays_and_is_listed_with_who_made_it(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users([{"userId": "a", "city": "Goa", "firstName": "Ann"}]))
    number = _load(store, tmp_path, [{"userId": "a", "city": "Pune", "firstName": "Anna"}])
    take(store, worlds.users([{"userId": "a", "city": "Delhi"}]))

    _undo(store, number)
    left = imports.left_as_is(store, number).to_pylist()

    assert _people(store) == {"a": {"city": "Delhi", "firstName": "Ann"}}
    assert [(each["userId"], each["property"], each["wrote"], each["value"], each["by"]) for each in left] == [
        ("a", "city", '"Pune"', '"Delhi"', "tester")
    ]
    assert imports.count_left(store, number) == 1


def test_a_message_from_before_an_import_counts_once_the_import_is_undone(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users([{"userId": "ann", "city": "Pune"}]), at=AT - timedelta(days=9))
    number = _load(store, tmp_path, [{"userId": "ann", "city": "Goa"}])
    before = [
        ingest.Message("identify", f"m{each}", AT - timedelta(days=each), "shop", "ann", traits={"city": f"{each}"})
        for each in (2, 1)
    ]
    ingest.receive_messages(store, before[:1], by="test", at=AT)
    assert _people(store)["ann"]["city"] == "Goa"

    _undo(store, number)
    ingest.receive_messages(store, before[1:], by="test", at=AT)
    assert _people(store)["ann"]["city"] == "1"


def test_whoever_somebody_wrote_about_since_stays_with_what_they_wrote(store: Store, tmp_path: Path) -> None:
    number = _load(store, tmp_path, [{"userId": "a", "city": "Pune", "firstName": "Ann"}, {"userId": "b", "city": "Ulm"}])
    take(store, worlds.users([{"userId": "a", "firstName": "Anna"}]))
    take(store, worlds.events([("b", "Order", AT)], message_ids=["m1"]))

    done = _undo(store, number)

    assert (_people(store), done.undone["gone"], done.undone["stayed"]) == (
        {"a": {"firstName": "Anna"}, "b": {"lastSession": AT}},
        0,
        2,
    )


def test_a_tag_given_by_hand_stays_beside_the_one_of_the_import_that_goes(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users([{"userId": "a", "tags": "old"}]))
    number = _load(store, tmp_path, [{"userId": "a"}], tags=["fair"], merge_tags=False)
    profiles.tag(store, People.of([0]), add=["vip"], by="Ann", source="form", at=AT)

    _undo(store, number)

    assert set(_people(store)["a"]["tags"]) == {"old", "vip"}


def test_events_go_sessions_go_back_and_the_file_can_be_imported_again(store: Store, tmp_path: Path) -> None:
    early, late = AT - timedelta(days=9), AT - timedelta(days=1)
    take(store, worlds.events([("a", "View", early)], channels=["web"], message_ids=["m1"]))
    before = _people(store)
    rows = [("a", late, "app"), ("b", late, "app")]

    number = _load_events(store, tmp_path, rows)
    done = _undo(store, number)
    again = imports.get(store, _load_events(store, tmp_path, rows))

    assert (before, done.undone["events"], done.undone["gone"]) == ({"a": {"lastSession": early, "lastChannel": "web"}}, 2, 1)
    assert (again.counts.created, events.count(store, system=False)) == (2, 3)


def test_an_event_that_came_meanwhile_counts_when_the_import_is_gone(store: Store, tmp_path: Path) -> None:
    times = [AT - timedelta(days=each) for each in (9, 5, 1)]
    take(store, worlds.events([("a", "View", times[0])], channels=["web"], message_ids=["m1"]))
    number = _load_events(store, tmp_path, [("a", times[2], "app")])
    take(store, worlds.events([("a", "View", times[1])], channels=["sms"], message_ids=["m2"]))

    _undo(store, number)

    assert _people(store) == {"a": {"lastSession": times[1], "lastChannel": "sms"}}


def test_those_it_put_on_a_list_leave_it_and_the_others_stay(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users([{"userId": "a"}, {"userId": "b"}]))
    fair = segments.lists.save(store, "Fair", People.of([0]), source="selection", by="Ann", at=AT)
    number = _load(store, tmp_path, [{"userId": "a"}, {"userId": "b"}], segment="Fair")

    done = _undo(store, number)
    people = segments.people(store, segments.saved.rule_of(segments.saved.get(store, fair.id)), at=AT)

    assert (list(people.keys()), done.undone["members"]) == ([0], 1)


def test_the_timeline_tells_of_the_undo(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users([{"userId": "a", "city": "Goa"}]))
    number = _load(store, tmp_path, [{"userId": "a", "city": "Pune"}])
    _undo(store, number)

    assert [(each.old, each.new, each.source) for each in profiles.history(store, 0)][:2] == [
        ("Pune", "Goa", f"undo of import {number}"),
        ("Goa", "Pune", "users.jsonl"),
    ]


def test_the_ids_of_many_who_go_are_let_go_and_the_others_still_lead_where_they_led(
    store_file: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identities, "MANY", 10)
    take(store_file, worlds.users([{"userId": f"k{each}"} for each in range(20)]))
    _undo(store_file, _load(store_file, tmp_path, [{"userId": f"u{each}", "city": "Ulm"} for each in range(50)]))
    again = _load(store_file, tmp_path, [{"userId": "u7", "city": "Ulm"}, {"userId": "k3", "city": "Goa"}])
    path = store_file.path
    store_file.close()
    opened = open_store(path)
    found = [profiles.key_of(opened, each) for each in ("u7", "u8", "k3")]
    counts = imports.get(opened, again).counts
    opened.close()

    assert (found, counts.created, counts.updated) == ([70, None, 3], 1, 1)


# -- when it may be done ------------------------------------------------------------------------


def test_an_import_is_undone_once_and_not_while_it_runs(store: Store, tmp_path: Path) -> None:
    number = _load(store, tmp_path, [{"userId": "a"}])
    _undo(store, number)
    path = tmp_path / "users.jsonl"
    running = imports.start(store, path, imports.Plan(mapping={"userId": "userId"}), by="Mira", at=AT)

    with pytest.raises(Conflict, match="undone already"):
        _undo(store, number)
    with pytest.raises(Conflict, match="still running"):
        _undo(store, running)


def test_an_undo_that_was_halted_goes_on_where_it_stood(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undoing, "LOT", 2)
    number = _load(store, tmp_path, [{"userId": f"u{each}"} for each in range(7)])

    def halt(done: int, _total: int, _doing: str) -> None:
        if done >= 4:
            raise Interrupted("halt")

    with pytest.raises(Interrupted):
        imports.undo(store, number, by="Ann", now=lambda: AT, progress=halt)
    half = imports.get(store, number)
    done = _undo(store, number)

    assert (half.status, half.undone["gone"]) == ("undoing", 4)
    assert (done.status, done.undone["gone"], profiles.count(store)) == ("undone", 7, 0)


def test_half_an_import_can_be_undone_instead_of_going_on(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 2)
    path = tmp_path / "users.csv"
    path.write_text("userId\n" + "".join(f"u{each}\n" for each in range(9)))
    number = imports.start(store, path, imports.Plan(mapping={"userId": "userId"}), by="Mira", at=AT)

    def halt(done: int, _total: int, _doing: str) -> None:
        if done >= 4:
            raise Interrupted("halt")

    with pytest.raises(Interrupted):
        imports.run(store, number, now=lambda: AT, progress=halt)
    _undo(store, number)

    assert profiles.count(store) == 0
    with pytest.raises(Conflict, match="at its end"):
        imports.resume(store, number)


# -- the law ------------------------------------------------------------------------------------


@dataclass
class _Person:
    """One person as the model has them: who made them, and per cell, tag and event who wrote what, in order."""

    maker: int | None
    cells: dict[str, list[tuple[int | None, Any]]] = field(default_factory=dict)
    tags: dict[str, list[tuple[int | None, bool]]] = field(default_factory=dict)
    events: list[tuple[int | None, datetime, str]] = field(default_factory=list)


@dataclass
class _Model:
    """What an undo has to come to, the plain way: everything counts whose writer is not taken back."""

    people: dict[str, _Person] = field(default_factory=dict)
    void: set[int] = field(default_factory=set)

    def person(self, who: str, writer: int | None) -> _Person:
        return self.people.setdefault(who, _Person(writer))

    def current(self, steps: list[tuple[int | None, Any]]) -> Any:
        return next((value for writer, value in reversed(steps) if writer not in self.void), None)

    def write(self, writer: int | None, who: str, values: dict[str, Any], tags: list[str], *, unite: bool = True) -> None:
        known = who in self.people
        person = self.person(who, writer)
        for name, value in values.items():
            if value is not None and self.current(person.cells.get(name, [])) != value:
                person.cells.setdefault(name, []).append((writer, value))
        extra = [] if unite or not known or not tags else [each for each in person.tags if each not in tags]
        for name, has in [*((each, True) for each in tags), *((each, False) for each in extra)]:
            if bool(self.current(person.tags.get(name, []))) != has:
                person.tags.setdefault(name, []).append((writer, has))

    def undo(self, number: int) -> None:
        self.void.add(number)
        for who, person in list(self.people.items()):
            some = [*person.cells.values(), *person.tags.values()]
            writers = {writer for steps in some for writer, _ in steps} | {writer for writer, _, _ in person.events}
            if person.maker in self.void and writers <= self.void:
                del self.people[who]

    def told(self) -> dict[str, dict[str, Any]]:
        return {who: self._of(person) for who, person in self.people.items()}

    def _of(self, person: _Person) -> dict[str, Any]:
        found = {name: self.current(steps) for name, steps in person.cells.items()}
        tags = tuple(sorted(name for name, steps in person.tags.items() if self.current(steps)))
        seen = max(((when, on) for writer, when, on in person.events if writer not in self.void), default=None)
        found |= {"tags": tags or None, "lastSession": seen and seen[0], "lastChannel": seen and seen[1]}
        return {name: value for name, value in found.items() if value is not None}


WHO = st.sampled_from(["a", "b", "c", "d"])
ROW = st.fixed_dictionaries(
    {"userId": WHO},
    optional={
        "city": st.sampled_from(["Goa", "Ulm", "Pune"]),
        "score": st.sampled_from([1.0, 2.5]),
        "tags": st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, max_size=2, unique=True),
    },
)
STEP = st.one_of(
    st.tuples(st.just("import"), st.lists(ROW, min_size=1, max_size=4), st.booleans()),
    st.tuples(st.just("events"), st.lists(st.tuples(WHO, st.sampled_from(["web", "app"])), min_size=1, max_size=3)),
    st.tuples(st.just("edit"), ROW),
    st.tuples(st.just("event"), WHO, st.sampled_from(["web", "app"])),
    st.tuples(st.just("delete"), WHO),
    st.tuples(st.just("undo"), st.integers(0, 3)),
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, min_size=3, max_size=9))
def test_undo_after_any_later_edits_is_exact(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]]) -> None:
    folder = tmp_path_factory.mktemp("law")
    store, model, numbers = open_store(), _Model(), list[int]()
    properties.define(store, "score", "number", by="t", at=AT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BATCH", 2)
        patch.setattr(undoing, "LOT", 2)
        for place, step in enumerate([*steps, ("undo", 0), ("undo", 0)]):
            _apply(store, model, numbers, folder, place, step)
            found = {who: _sorted(values) for who, values in _people(store).items()}
            assert found == model.told(), step
    store.close()


def _sorted(values: dict[str, Any]) -> dict[str, Any]:
    return values | ({"tags": tuple(sorted(values["tags"]))} if "tags" in values else {})


def _apply(store: Store, model: _Model, numbers: list[int], folder: Path, place: int, step: tuple[Any, ...]) -> None:
    """One step in the store and in the model. Times are given out in an order that mixes early and late."""
    match step:
        case ("import", rows, unite):
            number = _load(store, folder, rows, name=f"{place}.jsonl", merge_tags=unite)
            numbers.append(number)
            for row in rows:
                values = {each: row.get(each) for each in PLAIN}
                model.write(number, row["userId"], values, row.get("tags", []), unite=unite)
        case ("events", rows):
            timed = [(who, _time(place, nth), channel) for nth, (who, channel) in enumerate(rows)]
            number = _load_events(store, folder, timed)
            numbers.append(number)
            for who, when, channel in timed:
                model.person(who, number).events.append((number, when, channel))
        case ("edit", row):
            raw = {**row, "tags": ";".join(row["tags"])} if "tags" in row else row
            take(store, worlds.users([raw]))
            model.write(None, row["userId"], {each: row.get(each) for each in PLAIN}, row.get("tags", []))
        case ("event", who, channel):
            take(store, worlds.events([(who, "View", _time(place, 5))], channels=[channel], message_ids=[f"m{place}"]))
            model.person(who, None).events.append((None, _time(place, 5), channel))
        case ("delete", who):
            key = profiles.key_of(store, who)
            if key is not None:
                profiles.delete(store, People.of([key]), by="Ann", source="form", at=AT)
                del model.people[who]
        case ("undo", nth) if nth < len(numbers):
            number = numbers.pop(nth)
            _undo(store, number)
            model.undo(number)


def _time(place: int, nth: int) -> datetime:
    return AT - timedelta(hours=(place * 7 + nth) % 60 + 1, minutes=place)
