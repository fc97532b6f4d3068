"""The last session and channel of an earlier instant: what files and edits gave, what events moved, and what came late or goes back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests import worlds
from tests.worlds import AT, made_before, take
from user360 import erasure, imports, ingest, profiles, resolution, segments, steps
from user360.clock import stored
from user360.sql import Sql, sql
from user360.store import open_store

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from user360.store import Store

HOUR = timedelta(hours=1)
LONG_AGO, AHEAD = AT - 90 * HOUR, AT + 90 * HOUR


def _give(store: Store, session: datetime | None, *, at: datetime, channel: str | None = None, who: str = "a") -> None:
    row = {"userId": who, "lastSession": session and session.isoformat(), "lastChannel": channel}
    take(store, worlds.users([row]), at=at)


def _happen(store: Store, happened: datetime, *, at: datetime, channel: str = "app", who: str = "a") -> None:
    take(store, worlds.events([(who, "View", happened)], channels=[channel], message_ids=[f"{who} {happened} {at}"]), at=at)


def _then(store: Store, at: datetime, name: str = "lastSession", key: int = 0) -> Any:
    """The value as whoever is asked why has it, which is the one whom the rules find."""
    rule = segments.parse({"match": "all", "conditions": [{"property": name, "operator": "is_known"}]})
    found = segments.explain(store, rule, key, at=at, past=True)
    *_, condition = found.parts()
    value = condition.facts.value
    assert (key in segments.people(store, rule, at=at, past=True)) == found.holds == (value is not None)
    return value


def _load(store: Store, folder: Path, rows: list[dict[str, Any]], *, at: datetime, **plan: Any) -> int:
    path = folder / "file.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    plan = plan or {"mapping": {column: column for row in rows for column in row}}
    number = imports.start(store, path, imports.Plan.from_json(plan), by="Mira", at=at)
    imports.run(store, number, now=lambda: at)
    return number


def _rows(store: Store) -> int:
    return int(store.rows(Sql("SELECT count(*) FROM sessions_set"))[0][0])


def test_what_somebody_was_made_with_is_known_after_an_event_moved_it(store: Store) -> None:
    _give(store, LONG_AGO, channel="web", at=AT)
    _happen(store, AT + HOUR, at=AT + HOUR)

    assert [_then(store, each) for each in (AT, AT + HOUR)] == [LONG_AGO, AT + HOUR]
    assert [_then(store, each, "lastChannel") for each in (AT, AT + HOUR)] == ["web", "app"]


def test_a_session_that_was_set_ahead_is_the_one_of_then_and_events_do_not_move_it(store: Store) -> None:
    _give(store, None, at=AT)
    _give(store, AHEAD, at=AT + HOUR)
    _happen(store, AT + 2 * HOUR, at=AT + 2 * HOUR)
    _give(store, LONG_AGO, at=AT + 3 * HOUR)

    assert [_then(store, AT + hours * HOUR) for hours in range(4)] == [None, AHEAD, AHEAD, LONG_AGO]
    assert [_then(store, AT + hours * HOUR, "lastChannel") for hours in range(4)] == [None] * 4


def test_an_event_from_before_a_session_was_set_counts_from_when_it_came(store: Store) -> None:
    _give(store, None, at=AT)
    _give(store, LONG_AGO, at=AT + 2 * HOUR)
    _happen(store, AT + HOUR, at=AT + 3 * HOUR)
    _happen(store, AT + 4 * HOUR, at=AT + 4 * HOUR)

    assert [_then(store, AT + hours * HOUR) for hours in (0, 1, 2, 3, 4)] == [
        None,
        AT + HOUR,
        LONG_AGO,
        AT + HOUR,
        AT + 4 * HOUR,
    ]


def test_an_event_still_to_come_does_not_come_back_after_somebody_set_another_session(store: Store) -> None:
    _happen(store, AT + 3 * HOUR, at=AT)
    _give(store, LONG_AGO, at=AT + HOUR)

    assert [_then(store, AT + hours * HOUR) for hours in (0, 1, 4)] == [None, LONG_AGO, LONG_AGO]
    _happen(store, AT + 5 * HOUR, at=AT + 5 * HOUR)
    assert [_then(store, AT + hours * HOUR) for hours in (1, 4, 5)] == [LONG_AGO, LONG_AGO, AT + 5 * HOUR]


def test_events_older_than_what_a_file_gave_move_nothing(store: Store) -> None:
    _give(store, LONG_AGO, channel="web", at=AT)
    _happen(store, LONG_AGO - HOUR, at=AT + HOUR)
    _happen(store, AT + 2 * HOUR, at=AT + 2 * HOUR, channel="sms")

    assert _then(store, AT + HOUR) == LONG_AGO
    assert _then(store, AT + HOUR, "lastChannel") == "web"


def test_an_import_that_is_undone_leaves_the_session_that_stood_before_it_and_its_past(store: Store, tmp_path: Path) -> None:
    _give(store, LONG_AGO, channel="web", at=AT)
    number = _load(store, tmp_path, [{"userId": "a", "lastSession": AHEAD.isoformat(), "lastChannel": "sms"}], at=AT + HOUR)
    _happen(store, AT + 2 * HOUR, at=AT + 2 * HOUR)
    imports.undo(store, number, by="Ann", now=lambda: AT + 3 * HOUR)

    assert profiles.get(store, 0).values["lastSession"] == AT + 2 * HOUR
    assert [_then(store, AT + hours * HOUR) for hours in range(4)] == [LONG_AGO, AHEAD, AHEAD, AT + 2 * HOUR]
    assert [_then(store, AT + hours * HOUR, "lastChannel") for hours in range(4)] == ["web", "sms", "sms", "app"]
    assert sorted(each.property for each in profiles.history(store, 0) if each.at == AT + 3 * HOUR) == [
        "lastChannel",
        "lastSession",
    ]


def test_events_that_came_late_by_an_import_never_came_once_it_is_undone(store: Store, tmp_path: Path) -> None:
    _give(store, None, at=AT)
    _give(store, LONG_AGO, channel="web", at=AT + 2 * HOUR)
    plan = {"kind": "events", "event": "View", "user_column": "u", "time_column": "t", "channel_column": "c", "zone": "UTC"}
    number = _load(store, tmp_path, [{"u": "a", "t": (AT + HOUR).isoformat(), "c": "app"}], at=AT + 3 * HOUR, **plan)
    assert [_then(store, AT + hours * HOUR) for hours in (2, 3)] == [LONG_AGO, AT + HOUR]
    imports.undo(store, number, by="Ann", now=lambda: AT + 4 * HOUR)

    assert [_then(store, AT + hours * HOUR) for hours in (1, 2, 3, 4)] == [None, LONG_AGO, LONG_AGO, LONG_AGO]
    assert [_then(store, AT + hours * HOUR, "lastChannel") for hours in (2, 3, 4)] == ["web"] * 3


def test_a_merge_and_its_undoing_leave_the_sessions_of_before_them(store: Store) -> None:
    _give(store, AHEAD, channel="sms", at=AT, who="b")
    _happen(store, AT, at=AT, channel="web", who="a")
    kept, gone = (profiles.key_of(store, each) for each in "ab")
    assert kept is not None
    assert gone is not None
    done = resolution.merge(store, kept, gone, by="Ann", at=AT + HOUR)
    resolution.undo(store, done.id, by="Ann", at=AT + 2 * HOUR)
    _happen(store, AT + 3 * HOUR, at=AT + 3 * HOUR, channel="app", who="a")

    assert [_then(store, AT + hours * HOUR, key=kept) for hours in range(4)] == [AT, AHEAD, AT, AT + 3 * HOUR]
    assert [_then(store, AT + hours * HOUR, "lastChannel", kept) for hours in range(4)] == ["web", "sms", "web", "app"]
    assert [_then(store, AT + hours * HOUR, key=gone) for hours in (0, 2, 3)] == [AHEAD] * 3


def test_when_somebody_was_updated_is_known_of_the_time_between_a_merge_and_a_later_change(store: Store) -> None:
    take(store, worlds.users([{"userId": "a"}, {"userId": "b"}]), at=AT)
    kept, gone = (profiles.key_of(store, each) for each in "ab")
    assert kept is not None
    assert gone is not None
    resolution.merge(store, kept, gone, by="Ann", at=AT + HOUR)
    take(store, worlds.users([{"userId": "a", "city": "Ulm"}]), at=AT + 3 * HOUR)

    assert [_then(store, AT + hours * HOUR, "updatedAt", kept) for hours in range(4)] == [
        AT,
        AT + HOUR,
        AT + HOUR,
        AT + 3 * HOUR,
    ]


def test_a_session_has_a_writer_until_an_event_moves_it(store: Store) -> None:
    _give(store, LONG_AGO, channel="web", at=AT)
    _happen(store, AT + HOUR, at=AT + HOUR)
    _give(store, LONG_AGO, at=AT + 2 * HOUR)
    names = ("lastSession", "lastChannel")

    found = [profiles.origins(store, 0, names, at=AT + hours * HOUR) for hours in range(3)]

    made = profiles.Origin(AT, "tester", "test", created=True)
    assert found == [dict.fromkeys(names, made), {}, {"lastSession": profiles.Origin(AT + 2 * HOUR, "tester", "test")}]


def test_nothing_is_remembered_of_people_who_were_given_no_session(store: Store) -> None:
    take(store, worlds.users([{"userId": "a", "city": "Ulm"}, {"userId": "b", "lastSession": None}]), at=AT)
    _happen(store, AT + HOUR, at=AT + HOUR)
    message = ingest.Message("track", "m", AT, "shop", "c", event="View", channel="web")
    ingest.receive_messages(store, [message], by="test", at=AT + HOUR)

    assert _rows(store) == 0


def test_erased_people_leave_no_session(store: Store) -> None:
    _give(store, LONG_AGO, at=AT)
    _give(store, LONG_AGO, at=AT, who="b")
    erasure.forget(store, 0, by="Ann", at=AT + HOUR)

    assert store.rows(Sql("SELECT DISTINCT profile_key FROM sessions_set")) == [(1,)]


def test_an_earlier_file_knows_what_its_people_were_made_with_where_nothing_moved_it(tmp_path: Path) -> None:
    path = tmp_path / "earlier.duckdb"
    people = [(0, LONG_AGO, "web"), (1, AT, "web"), (2, LONG_AGO, None), (3, None, None)]
    happened = [
        *((each, 0, LONG_AGO, f"USER_CREATE:5:{each}") for each in range(4)),
        (1, 9, AT, "m1"),
        (0, 9, LONG_AGO - HOUR, "m2"),
    ]
    written = [
        sql("INSERT INTO writes VALUES (5, {}, 'Mira', 'file', NULL)", stored(AT)),
        sql("INSERT INTO changes VALUES (5, 3, 'lastSession', to_json({})::VARCHAR, NULL)", stored(LONG_AGO)),
        sql("INSERT INTO channels VALUES (0, 'web')"),
    ]
    for key, seen, channel in people:
        row = sql('SELECT {} AS profile_key, {} AS "lastSession", {} AS "lastChannel"', key, seen and stored(seen), channel)
        written.append(sql("INSERT INTO profiles BY NAME {}", row))
    for key, event, when, message in happened:
        row = sql("SELECT {} AS profile_key, {} AS event_id, 0 AS channel_id, {} AS occurred_at", key, event, stored(when))
        written.append(sql("INSERT INTO events BY NAME {}, {} AS message_id, 0 AS message_hash", row, message))
    with made_before(path, steps._sessions) as earlier:
        for statement in written:
            earlier.execute(statement.text, list(statement.params))

    store = open_store(path)
    told = store.rows(Sql("SELECT profile_key, property, write_id, since FROM sessions_set ORDER BY ALL"))

    assert told == [(0, "lastSession", 5, None), (2, "lastSession", 5, None), (3, "lastSession", 5, None)]
    store.close()
