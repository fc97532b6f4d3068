"""Schedules: when something is due next, what was missed, and what cannot be one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving import PATIENCE_SECONDS
from user360 import jobs, schedules
from user360.errors import User360Error
from user360.schedules import Schedule

if TYPE_CHECKING:
    from user360.store import Store

AT = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        (Schedule("hour", "00:20"), "2026-11-23T12:50Z", "2026-11-23T13:20Z"),
        (Schedule("day", "02:30", zone=BERLIN), "2026-11-23T12:50Z", "2026-11-24T01:30Z"),
        (Schedule("day", "02:30", zone=BERLIN), "2026-03-28T12:00Z", "2026-03-29T01:00Z"),  # that clock jumps over 02:30
        (Schedule("day", "02:30", zone=BERLIN), "2026-10-25T00:30Z", "2026-10-26T01:30Z"),  # that clock shows 02:30 twice
        (Schedule("week", "09:00", weekday=0), "2026-11-23T12:50Z", "2026-11-30T09:00Z"),
        (Schedule("week", "09:00", weekday=6), "2026-11-23T12:50Z", "2026-11-29T09:00Z"),
        (Schedule("month", "00:00", day=28), "2026-01-28T00:00Z", "2026-02-28T00:00Z"),
        (Schedule("cron", cron="*/15 9-17 * * 1-5", zone="Asia/Kolkata"), "2026-11-27T12:00Z", "2026-11-27T12:15Z"),
        (Schedule("once", on="2026-12-24T18:00:00+01:00"), "2026-11-23T12:50Z", "2026-12-24T17:00Z"),
    ],
)
def test_what_follows_is_due_next(schedule: Schedule, after: str, expected: str) -> None:
    assert schedule.check().following(datetime.fromisoformat(after)) == datetime.fromisoformat(expected)


def test_what_is_over_or_never_meant_is_never_due() -> None:
    assert Schedule("once", on="2026-11-23T12:50:00Z").following(AT) is None
    assert Schedule("never").following(AT) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"every": "fortnight"}, "fortnight"),
        ({"every": "day", "time": "25:00"}, "no time of day"),
        ({"every": "day", "time": "noon"}, "no time of day"),
        ({"every": "month", "day": 31}, "which every month has"),
        ({"every": "week", "weekday": 7}, "That day is none"),
        ({"every": "cron", "cron": "61 * * * *"}, "no cron expression"),
        ({"every": "cron", "cron": "0 0 30 2 *"}, "no cron expression"),
        ({"every": "cron", "cron": ""}, "no cron expression"),
        ({"every": "once", "on": "tomorrow"}, "no instant"),
        ({"every": "once", "on": "2026-11-23T18:00:00"}, "no offset"),
        ({"every": "day", "zone": "Mars"}, "Mars"),
        ({"every": "day", "day": "1"}, "cannot be"),
        ({"often": 1}, "no schedule"),
        ([], "no schedule"),
    ],
)
def test_what_cannot_be_a_schedule_is_refused(given: object, told: str) -> None:
    with pytest.raises(User360Error, match=told):
        Schedule.from_json(given)


@given(
    every=st.sampled_from(["hour", "day", "week", "month"]),
    minute=st.integers(0, 24 * 60 - 1),
    weekday=st.integers(0, 6),
    day=st.integers(1, 28),
    zone=st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe"]),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is beside
)
def test_the_next_instant_is_later_and_reads_as_asked_but_where_a_clock_jumps(
    every: str, minute: int, weekday: int, day: int, zone: str, after: datetime
) -> None:
    schedule = Schedule.from_json(
        {"every": every, "time": f"{minute // 60:02}:{minute % 60:02}", "weekday": weekday, "day": day, "zone": zone}
    )
    due = schedule.following(after)

    assert due is not None
    assert after < due <= after + timedelta(days=32)
    here = due.astimezone(ZoneInfo(zone))
    jumped = here.utcoffset() != (here - timedelta(hours=1)).astimezone(UTC).astimezone(ZoneInfo(zone)).utcoffset()
    assert every == "hour" or jumped or f"{here:%H:%M}" == schedule.time
    assert every != "week" or here.weekday() == weekday
    assert every != "month" or here.day == day
    assert Schedule.from_json(schedule.to_json()) == schedule


def test_what_was_missed_is_due_once_and_then_at_its_own_time(store: Store) -> None:
    with store.transaction() as tx:
        schedules.keep(tx, "backup", "", Schedule("hour", "00:00"), at=AT)
    later = AT + timedelta(days=3)

    assert [each.since for each in schedules.take_due(store, at=later)] == [datetime(2026, 11, 23, 13, tzinfo=UTC)]
    assert schedules.take_due(store, at=later) == []
    assert schedules.get(store, "backup", "")[1] == datetime(2026, 11, 26, 13, tzinfo=UTC)


def test_what_follows_no_schedule_any_more_is_never_due(store: Store) -> None:
    with store.transaction() as tx:
        schedules.keep(tx, "backup", "", Schedule("hour"), at=AT)
        schedules.forget(tx, "backup", "")

    assert schedules.take_due(store, at=AT + timedelta(days=1)) == []
    assert schedules.get(store, "backup", "") == (Schedule("never"), None)


def test_a_backup_that_is_due_is_made(store_file: Store) -> None:
    with store_file.transaction() as tx:
        schedules.keep(tx, "backup", "", Schedule("day"), at=AT)
    (job,) = jobs.run_due(store_file, at=AT + timedelta(days=1))

    assert jobs.wait(job, PATIENCE_SECONDS).status == "done"
    assert len(list(store_file.folder("backups").glob("*.duckdb"))) == 1
    assert jobs.run_due(store_file, at=AT + timedelta(days=1)) == []
