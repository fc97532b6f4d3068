"""Insights: every number opens as many people as it says, and its rule finds them again; bad questions are told where."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.worlds import AT, events, take, users
from user360 import insights, segments, workspace
from user360.errors import InvalidInsight
from user360.events import tally
from user360.segments import windows
from user360.store import open_store

BOUGHT, SAW = "Order Completed", "Product Viewed"
CHANNELS = ("web", "WhatsApp", None, "email")
COUNTRIES = ("Germany", "India", None)

# Each question stands for a way of asking; all are held against the law that a number and its people agree.
QUESTIONS = [
    {"kind": "active"},
    {"kind": "active", "breakdown": {"by": "channel"}},
    {"kind": "active", "breakdown": {"by": "property", "name": "country", "most": 1}, "granularity": "week"},
    {
        "kind": "active",
        "breakdown": {"by": "property", "name": "tags"},
        "granularity": "month",
        "period": {"last": 3, "unit": "month"},
    },
    {"kind": "active", "granularity": "hour", "period": {"last": 40, "unit": "hour"}},
    {"kind": "active", "rolling": True, "period": {"last": 5, "unit": "day"}},
    {"kind": "active", "period": {"from": "2026-10-20", "to": "2026-11-02"}, "channels": ["WhatsApp", "web"]},
    {
        "kind": "active",
        "people": {"match": "all", "conditions": [{"property": "country", "operator": "is", "values": ["Germany"]}]},
    },
    {"kind": "trend", "series": [{"of": {"event": BOUGHT}}, {"of": {"event": None}, "figure": "total"}]},
    {
        "kind": "trend",
        "series": [{"of": {"event": BOUGHT}, "figure": "sum", "property": "total"}],
        "breakdown": {"by": "channel"},
    },
    {
        "kind": "trend",
        "series": [
            {
                "of": {
                    "event": BOUGHT,
                    "where": {"match": "all", "conditions": [{"property": "total", "operator": "at_least", "values": [20]}]},
                },
                "figure": "median",
                "property": "total",
            }
        ],
        "breakdown": {"by": "event_property", "name": "size", "most": 1},
        "granularity": "week",
    },
    {"kind": "trend", "series": [{"of": {"event": BOUGHT}}, {"of": {"event": SAW}}], "formula": "A / B * 100", "mean": 3},
    {
        "kind": "trend",
        "series": [{"of": {"event": BOUGHT}, "figure": "sum", "property": "total"}, {"of": {"event": SAW}, "figure": "total"}],
        "formula": "A - B",
        "breakdown": {"by": "channel", "most": 2},
        "granularity": "week",
    },
    {
        "kind": "trend",
        "series": [{"of": {"event": BOUGHT}}, {"of": {"event": None}}, {"of": {"event": SAW}}],
        "formula": "(A - C) / 2",
        "breakdown": {"by": "property", "name": "country", "most": 1},
        "over": "period",
    },
    {"kind": "trend", "series": [{"of": {"event": BOUGHT}, "figure": "median", "property": "total"}], "over": "period"},
    {"kind": "funnel", "steps": [{"event": SAW}, {"event": BOUGHT}, {"event": SAW}, {"event": BOUGHT}]},
    {
        "kind": "funnel",
        "steps": [{"event": SAW}, {"event": BOUGHT}],
        "within": {"value": 30, "unit": "hour"},
        "breakdown": {"by": "property", "name": "country", "most": 1},
        "period": {"from": "2026-10-20", "to": "2026-11-20"},
        "channels": ["WhatsApp", "web"],
    },
    {
        "kind": "funnel",
        "steps": [{"event": SAW}, {"event": SAW}, {"event": BOUGHT}],
        "within": {"value": 4},
        "shows": "over_time",
        "granularity": "week",
        "breakdown": {"by": "property", "name": "tags"},
    },
    {
        "kind": "funnel",
        "steps": [{"event": SAW}, {"event": BOUGHT}],
        "order": "any",
        "within": {"value": 20, "unit": "hour"},
        "period": {"from": "2026-10-20", "to": "2026-11-20"},
        "breakdown": {"by": "property", "name": "country", "most": 1},
    },
    {"kind": "active", "breakdown": {"by": "channel", "most": 1}, "granularity": "week"},
    {"kind": "lifecycle", "of": {"event": BOUGHT}, "period": {"last": 9, "unit": "day"}},
    {"kind": "lifecycle", "granularity": "week", "period": {"last": 40, "unit": "day"}, "channels": ["WhatsApp"]},
    {
        "kind": "retention",
        "start": {"event": SAW},
        "return": {"event": BOUGHT},
        "granularity": "week",
        "ages": 5,
        "period": {"last": 60},
    },
    {
        "kind": "retention",
        "start": {"event": SAW},
        "entry": "every",
        "when": "after",
        "period": {"last": 9, "unit": "day"},
        "ages": 4,
        "channels": ["WhatsApp", "web"],
        "breakdown": {"by": "property", "name": "country"},
    },
    {"kind": "switching", "period": {"last": 20, "unit": "day"}},
    {"kind": "switching", "hours": 30, "most": 2},
]


def happened():
    """Who did what when, where and for how much: six weeks, over the change of the clocks on 25 October."""
    rows = []
    for number in range(240):
        when = AT - timedelta(hours=number * 4.3, minutes=number % 7)
        rows.append((f"u{number * 7 % 11}", BOUGHT if number % 3 == 0 else SAW, when, CHANNELS[number % 4], number % 50))
    rows.append(("u1", SAW, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "web", 3))
    rows.append(("u2", SAW, datetime(2026, 10, 24, 22, 30, tzinfo=UTC), "web", 3))
    rows.append(("u3", SAW, datetime(2026, 10, 25, 22, 30, tzinfo=UTC), "web", 3))
    return rows


def take_happened(store, size):
    """What happened, each with its amount and the size of it. Days are counted beforehand, and half of them again by the questions."""
    rows = happened()
    for some in (rows[100:], rows[:100]):
        take(
            store,
            events(
                [(who, what, when) for who, what, when, _, _ in some],
                channels=[channel for *_, channel, _ in some],
                properties=[json.dumps({"total": amount, "size": size(amount)}) for *_, amount in some],
            ),
        )
        if some[0] == rows[100]:
            tally(store)


@pytest.fixture(scope="module")
def world():
    store = open_store()
    take(
        store,
        users(
            [
                {"userId": f"u{each}", "country": COUNTRIES[each % 3], "tags": "vip;new" if each % 2 else None}
                for each in range(11)
            ]
        ),
    )
    take_happened(store, lambda amount: "SML"[amount % 3])
    yield store
    store.close()


def asked(store, source):
    question = insights.parse(source)
    return question, insights.run(store, question, at=AT)


def cells(result):
    return [({each: row[each] for each in result.marks()}, row["users"]) for row in result.table.to_pylist()]


@pytest.mark.parametrize("source", QUESTIONS, ids=lambda each: f"{each['kind']} {QUESTIONS.index(each)}")
def test_as_many_people_are_behind_every_mark_as_are_drawn(world, source):
    question, result = asked(world, source)

    assert result.table.num_rows > 0
    assert [len(insights.who(world, question, cell, at=AT)) for cell, _ in cells(result)] == [drawn for _, drawn in cells(result)]


@pytest.mark.parametrize("source", QUESTIONS, ids=lambda each: f"{each['kind']} {QUESTIONS.index(each)}")
def test_the_rule_of_people_like_those_of_a_mark_finds_exactly_them(world, source):
    question, result = asked(world, source)
    told = 0
    for cell, _ in cells(result):
        rule = insights.like(world, question, cell, moving=False, at=AT)
        if rule is not None:
            told += 1
            assert segments.people(world, rule, at=AT) == insights.who(world, question, cell, at=AT), cell
            assert insights.like(world, question, cell, moving=True, at=AT) != rule

    assert told > 0


@pytest.mark.parametrize("source", QUESTIONS, ids=lambda each: f"{each['kind']} {QUESTIONS.index(each)}")
def test_a_question_survives_its_json(source):
    question = insights.parse(source)

    assert insights.parse(insights.dump(question)) == question


def test_active_users_per_day_are_those_counted_by_hand_in_the_zone_of_the_workspace(world):
    zone, by_hand = ZoneInfo("Europe/Berlin"), defaultdict(set)
    for who, _, when, channel, _ in happened():
        by_hand[when.astimezone(zone).date().isoformat(), channel].add(who)
    first = min(day for day, _ in by_hand)
    _, result = asked(world, {"kind": "active", "period": {"from": first, "to": "2026-11-23"}, "breakdown": {"by": "channel"}})

    counted = {
        (row["time"], None if row["breakdown"] == "none" else row["breakdown"][1:]): row["users"]
        for row in result.table.to_pylist()
    }
    assert counted == {key: len(people) for key, people in by_hand.items()}


def test_rolling_windows_are_the_union_of_their_days(world):
    zone, days = ZoneInfo("Europe/Berlin"), defaultdict(set)
    for who, _, when, _, _ in happened():
        days[when.astimezone(zone).date()].add(who)
    _, result = asked(world, {"kind": "active", "rolling": True, "period": {"last": 20, "unit": "day"}})

    for row in result.table.to_pylist():
        last = datetime.fromisoformat(row["time"]).date()
        window = [days[last - timedelta(days=each)] for each in range(row["window"])]
        assert row["users"] == len(set().union(*window)), row


def test_the_figures_of_a_trend_are_those_counted_by_hand(world):
    figures = ["total", "users", "per_user", "sum", "average"]
    series = [{"of": {"event": BOUGHT}, "figure": each, "property": "total"} for each in figures]
    _, result = asked(
        world, {"kind": "trend", "series": series, "granularity": "month", "period": {"from": "2026-11-01", "to": "2026-11-30"}}
    )

    bought = [
        (who, amount)
        for who, what, when, _, amount in happened()
        if what == BOUGHT
        and when.astimezone(ZoneInfo("Europe/Berlin")) >= datetime(2026, 11, 1, tzinfo=ZoneInfo("Europe/Berlin"))
    ]
    people, total = {who for who, _ in bought}, sum(amount for _, amount in bought)
    by_hand = [len(bought), len(people), len(bought) / len(people), total, total / len(bought)]
    assert [row["value"] for row in result.table.to_pylist()] == pytest.approx(by_hand)


def test_the_axis_has_every_place_and_says_which_are_not_over(world):
    _, days = asked(world, {"kind": "active", "period": {"last": 3, "unit": "day"}})
    _, weeks = asked(world, {"kind": "active", "period": {"from": "2026-10-21", "to": "2026-11-03"}, "granularity": "week"})

    assert [(each.name, each.over) for each in days.buckets] == [
        ("2026-11-21", True),
        ("2026-11-22", True),
        ("2026-11-23", False),
    ]
    assert [each.name for each in weeks.buckets] == ["2026-10-19", "2026-10-26", "2026-11-02"]


def test_zones_of_half_hours_and_other_week_starts_cut_where_the_wall_clock_does(store):
    workspace.change(store, zone_name="Asia/Kolkata", week_starts=6)
    take(
        store,
        events([("a", SAW, datetime(2026, 11, 21, 18, 29, tzinfo=UTC)), ("b", SAW, datetime(2026, 11, 21, 18, 31, tzinfo=UTC))]),
    )
    every = {"kind": "active", "period": {"last": 14, "unit": "day"}}

    for unit, places in (
        ("day", ["2026-11-21", "2026-11-22"]),
        ("week", ["2026-11-15", "2026-11-22"]),
        ("hour", ["2026-11-21T17:30Z", "2026-11-21T18:30Z"]),
    ):
        _, result = asked(store, {**every, "granularity": unit})
        assert [row["time"] for row in result.table.to_pylist()] == places
        assert set(places) <= {each.name for each in result.buckets}


@pytest.mark.parametrize("zone", ["Pacific/Apia", "Australia/Lord_Howe", "America/Havana", "UTC"])
@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_the_places_of_the_axis_meet_and_each_is_the_unit_around_its_beginning(store, zone, unit):
    """Samoa had no 30 December 2011; Havana's clocks change at midnight."""
    workspace.change(store, zone_name=zone)
    catalog = segments.load_catalog(store)
    first, end = datetime(2011, 9, 20, 5, tzinfo=UTC), datetime(2012, 5, 3, tzinfo=UTC)

    found = list(windows.units(first, end, unit, catalog))

    assert found == [windows.unit_around(begin, 0, unit, catalog) for begin, _ in found]
    assert [begin for begin, _ in found[1:]] == [until for _, until in found[:-1]]
    assert found[0][0] <= first < found[0][1]
    assert found[-1][0] < end <= found[-1][1]


def test_nothing_happened_is_an_empty_answer_and_a_period_in_the_future_too(store, world):
    assert asked(store, {"kind": "active"})[1].table.num_rows == 0
    assert asked(world, {"kind": "active", "period": {"from": "2027-01-01", "to": "2027-01-31"}})[1].table.num_rows == 0


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("{", "$"),
        ([], "$"),
        ({}, "$.kind"),
        ({"kind": "activ"}, "$.kind"),
        ({"kind": "active", "version": 2}, "$.version"),
        ({"kind": "active", "perod": {}}, "$.perod"),
        ({"kind": "active", "granularity": "minute"}, "$.granularity"),
        ({"kind": "active", "rolling": 1}, "$.rolling"),
        ({"kind": "active", "period": {"last": "3"}}, "$.period.last"),
        ({"kind": "active", "period": {"last": True}}, "$.period.last"),
        ({"kind": "active", "period": {"from": "yesterday", "to": "2026-01-01"}}, "$.period.from"),
        ({"kind": "active", "people": {"match": "all", "conditions": [{"segment": 3}]}}, "$.people.conditions[0].segment"),
        ({"kind": "trend"}, "$.series"),
        ({"kind": "trend", "series": [{"of": {"event": 7}}]}, "$.series[0].of.conditions[0].event"),
        ({"kind": "trend", "series": [{"of": {"event": SAW}}], "formula": "A /"}, "$.formula"),
        ({"kind": "trend", "series": [{"of": {"event": SAW}}], "formula": "A", "unit": "EUR"}, "$.unit"),
    ],
)
def test_what_is_no_question_is_refused_at_its_path(source, path):
    with pytest.raises(InvalidInsight) as refused:
        insights.parse(source)

    assert refused.value.path == path


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ({"kind": "active", "period": {"last": 0}}, "$.period.last"),
        ({"kind": "active", "period": {}}, "$.period"),
        ({"kind": "active", "period": {"from": "2026-11-02", "to": "2026-11-01"}}, "$.period.from"),
        ({"kind": "active", "breakdown": {"by": "property", "name": "cuntry"}}, "$.breakdown.name"),
        ({"kind": "active", "people": {"match": "all", "conditions": [{"segment": "s99"}]}}, "$.people.conditions[0].segment"),
        ({"kind": "trend", "series": []}, "$.series"),
        ({"kind": "trend", "series": [{"of": {"event": "Gone"}}]}, "$.series[0].of.event"),
        ({"kind": "trend", "series": [{"of": {"event": BOUGHT}, "figure": "sum"}]}, "$.series[0].property"),
        ({"kind": "trend", "series": [{"of": {"event": BOUGHT}}], "formula": "A / B"}, "$.formula"),
    ],
)
def test_what_this_workspace_cannot_answer_is_refused_at_its_path(world, source, path):
    with pytest.raises(InvalidInsight) as refused:
        asked(world, source)

    assert refused.value.path == path


@pytest.mark.parametrize(
    ("source", "cell", "path"),
    [
        ({"kind": "active"}, {"time": 7}, "$.cell.time"),
        ({"kind": "active"}, {"breakdown": "=web"}, "$.cell.breakdown"),
        ({"kind": "active"}, {"users": 3}, "$.cell.users"),
        ({"kind": "trend", "series": [{"of": {"event": SAW}}]}, {"series": "x"}, "$.cell.series"),
        ({"kind": "trend", "series": [{"of": {"event": SAW}}]}, {"series": True}, "$.cell.series"),
        ({"kind": "trend", "series": [{"of": {"event": SAW}}], "over": "period"}, {"time": "2026-11-20"}, "$.cell.time"),
        ({"kind": "retention", "start": {"event": SAW}}, {"age": "1"}, "$.cell.age"),
        ({"kind": "rhythm"}, {"hour": "nine"}, "$.cell.hour"),
    ],
)
def test_a_cell_no_mark_of_the_answer_can_have_is_refused_at_its_path(world, source, cell, path):
    question, _ = asked(world, source)

    with pytest.raises(InvalidInsight) as refused:
        insights.who(world, question, cell, at=AT)

    assert refused.value.path == path


def test_a_cell_of_another_answer_is_refused(world):
    question, _ = asked(world, {"kind": "active"})

    with pytest.raises(InvalidInsight, match="is no column"):
        insights.who(world, question, {"step": 1}, at=AT)
