"""Insights hold against bad input: odd zones, periods of every kind, a question in the address that somebody edited, too many values."""

from __future__ import annotations

from contextlib import closing
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_insights import BOUGHT, CHANNELS, COUNTRIES, SAW, take_happened
from tests.worlds import AT, events, take, users
from user360 import insights, workspace
from user360.errors import InvalidInsight
from user360.store import open_store

# One question of each kind; where two steps are asked for they are equal.
ONE: dict[str, dict[str, Any]] = {
    "active": {"breakdown": {"by": "channel"}},
    "channels": {"measure": "sessions"},
    "engagement": {"sent": [SAW], "read": [BOUGHT]},
    "frequency": {"of": {"event": BOUGHT}, "counted": "days"},
    "funnel": {"steps": [{"event": SAW}] * 10},
    "geography": {"whose": "active"},
    "lifecycle": {},
    "overlap": {},
    "overview": {},
    "paths": {"of": {"event": SAW}, "count": "sessions"},
    "reachability": {},
    "recency": {"of": {"event": None}},
    "retention": {"start": {"event": SAW}, "entry": "every", "when": "after", "ages": 40},
    "rfm": {"of": {"event": BOUGHT}, "amount": "total", "second": "both"},
    "rhythm": {"clock": "own"},
    "sessions": {"breakdown": {"by": "channel"}},
    "switching": {},
    "top_events": {},
    "transitions": {"of": {"event": SAW}},
    "trend": {
        "series": [{"of": {"event": BOUGHT}, "figure": "sum", "property": "size"}],
        "formula": "A / 7",
        "breakdown": {"by": "channel"},
    },
    "values": {"property": "country"},
}
ZONES = ("Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia")
PERIODS = (
    {"last": 60, "unit": "day"},
    {"last": 30, "unit": "hour"},
    {"from": "2026-10-03", "to": "2026-11-02"},
    {"from": "2027-01-01", "to": "2027-01-31"},
    {"from": "2000-01-01", "to": "2000-01-01"},
)
ODD = (None, True, -1, 0, 10**9, 1.5, "", "x", "é" * 300, [], {}, [[]], {"event": []}, "2026-02-30", "=other")


@pytest.fixture(scope="module")
def world():
    store = open_store()
    people = [{"userId": f"u{each}", "country": COUNTRIES[each % 3], "timezone": ZONES[each % 4]} for each in range(11)]
    take(store, users(people))
    take_happened(store, lambda amount: amount if amount % 2 else "S")
    yield store
    store.close()


def asked(store, source):
    question = insights.parse(source)
    return question, insights.run(store, question, at=AT)


def test_every_kind_is_asked_here():
    assert set(ONE) == {each.kind for each in insights.every()}


@pytest.mark.parametrize("kind", ONE)
def test_in_odd_zones_and_periods_the_people_are_as_many_as_drawn(world, kind):
    place = list(ONE).index(kind) % len(ZONES)
    workspace.change(world, zone_name=ZONES[place], week_starts=place)
    for period in PERIODS:
        question, result = asked(world, {"kind": kind, **ONE[kind], "period": period})
        assert result.roles
        for row in result.table.to_pylist()[::23]:
            cell = {each: row[each] for each in result.marks()}
            assert len(insights.who(world, question, cell, at=AT)) == row["users"], (period, cell)


@pytest.mark.parametrize("kind", ["active", "channels", "trend", "sessions"])
def test_a_year_of_hours_is_answered_hour_by_hour(world, kind):
    workspace.change(world, zone_name="Asia/Kolkata")
    period = {"last": 24 * 366, "unit": "hour"}
    question, result = asked(world, {"kind": kind, **ONE[kind], "period": period, "granularity": "hour"})

    assert len(result.buckets) == 24 * 366
    assert result.table.num_rows > 0
    row = result.table.to_pylist()[-1]
    assert len(insights.who(world, question, {each: row[each] for each in result.marks()}, at=AT)) == row["users"]


def _places(value, path=()):
    """Every place of a document, as the way there."""
    found = [path]
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [each for key, part in inside for each in _places(part, (*path, key))]


def _told(store, document):
    """The kind that was answered, or the path of the refusal; anything else that is raised is a fault."""
    try:
        question, _ = asked(store, document)
    except InvalidInsight as refused:
        return refused.path
    return question.kind


@given(st.data())
def test_a_question_somebody_edited_is_answered_or_refused_at_a_path(world, data):
    kind = data.draw(st.sampled_from(sorted(ONE)))
    document = {
        "kind": kind,
        "period": {"last": 9, "unit": "day"},
        "granularity": "day",
        "channels": ["web"],
        **deepcopy(ONE[kind]),
    }
    *way, key = data.draw(st.sampled_from([each for each in _places(document) if each]))
    place = document
    for step in way:
        place = place[step]
    place[key] = deepcopy(data.draw(st.sampled_from(ODD)))

    answer = _told(world, document)
    assert answer.startswith("$") or answer == kind


@pytest.mark.slow
def test_a_breakdown_of_a_hundred_thousand_values_is_the_largest_and_other():
    many = 100_000
    with closing(open_store()) as store:
        when = datetime(2026, 11, 20, tzinfo=UTC)
        batch = events(
            [(f"u{each % 500}", SAW, when + timedelta(seconds=each % 3_000)) for each in range(many)],
            message_ids=[f"m{each}" for each in range(many)],
            properties=[f'{{"size": "v{each // 2 if each < 40 else each}"}}' for each in range(many)],
            channels=[CHANNELS[each % 2] for each in range(many)],
        )
        take(store, batch)
        question = {
            "kind": "trend",
            "series": [{"of": {"event": SAW}, "figure": "total"}],
            "breakdown": {"by": "event_property", "name": "size"},
        }
        _, result = asked(store, question)
        rows = result.table.to_pylist()

        assert len({row["breakdown"] for row in rows}) == 8
        assert sum(row["value"] for row in rows) == many
        assert isinstance(result.table, pa.Table)
