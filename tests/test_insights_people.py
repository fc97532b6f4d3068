"""The insights of people and channels: as many people behind every mark as are drawn, figures as counted by hand."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timedelta
from functools import cache
from random import Random
from statistics import median
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worlds import AT, events, take, users
from user360 import insights, marks, ordering, people, profiles, segments, workspace
from user360.errors import InvalidInsight
from user360.events import tally
from user360.insights.engagement import Engagement
from user360.people import People
from user360.segments import Catalog
from user360.store import Store, open_store

WEB, WHATSAPP = "web", "whatsapp"
CHANNELS = (WEB, WHATSAPP, "email", "sms", "a + b", None)
NAMES = (
    "Product Viewed",
    "Message Sent",
    "Message Delivered",
    "Message Read",
    "Link Clicked",
    "Message Received",
    "Email Opened",
)
GERMANS = {"match": "all", "conditions": [{"property": "country", "operator": "is", "values": ["Germany"]}]}

# Each question stands for a way of asking; all are held against the law that a number and its people agree.
QUESTIONS: list[dict[str, Any]] = [
    {"kind": "channels"},
    {"kind": "channels", "granularity": "hour", "period": {"last": 30, "unit": "hour"}},
    {"kind": "channels", "granularity": "week", "measure": "events", "breakdown": {"by": "channel", "most": 2}},
    {"kind": "channels", "over": "period", "channels": [WEB, "sms"]},
    {"kind": "channels", "measure": "sessions", "people": GERMANS},
    {"kind": "channels", "measure": "sessions", "over": "period", "breakdown": {"by": "channel", "most": 1}},
    {"kind": "channels", "touch": "first", "granularity": "month", "period": {"last": 3, "unit": "month"}},
    {"kind": "channels", "touch": "last", "over": "period", "channels": [WEB, WHATSAPP]},
    {"kind": "channels", "touch": "last"},
    {"kind": "overview"},
    {"kind": "overview", "period": {"last": 2, "unit": "month"}, "granularity": "week", "channels": [WEB]},
    {"kind": "overview", "period": {"from": "2026-11-02", "to": "2026-11-15"}, "people": GERMANS},
    {"kind": "overview", "period": {"from": "2027-01-01", "to": "2027-01-31"}},
    {"kind": "overview", "period": {"last": 30, "unit": "hour"}},
    {"kind": "top_events"},
    {"kind": "top_events", "most": 2, "granularity": "week", "channels": [WEB], "people": GERMANS},
    {"kind": "top_events", "period": {"from": "2027-01-01", "to": "2027-01-31"}},
    {"kind": "top_events", "most": 3, "granularity": "hour", "period": {"last": 4, "unit": "day"}},
    {"kind": "top_events", "granularity": "month", "period": {"last": 5, "unit": "month"}},
    {"kind": "overlap", "period": {"last": 7, "unit": "day"}},
    {"kind": "overlap", "least": 2, "most": 3, "people": GERMANS},
    {"kind": "overlap", "channels": [WEB, WHATSAPP, "a + b"], "most": 1},
    {"kind": "switching"},
    {"kind": "switching", "hours": 24, "most": 2, "channels": [WEB, WHATSAPP, "email", "sms"]},
    {"kind": "engagement"},
    {"kind": "engagement", "sent": ["Product Viewed"], "channels": [WEB, "sms"], "people": GERMANS},
    {"kind": "geography"},
    {"kind": "geography", "by": "city", "whose": "active"},
    {"kind": "geography", "by": "city", "country": "Germany", "people": GERMANS},
    {"kind": "reachability"},
    {"kind": "reachability", "people": GERMANS},
]
SEEDS = 4
MOST_CELLS = 6


class Crowd(NamedTuple):
    """A world made by chance: its store, and what happened in it, in the order it was told."""

    store: Store
    people: dict[str, dict[str, Any]]
    rows: list[tuple[str, str, datetime, str | None, str]]


def crowd(seed: int) -> Crowd:
    """A few people of unknown and known addresses, made at different times, with events at edges and at one instant."""
    random = Random(seed)  # noqa: S311 - chance, not secrets
    store = open_store()
    if seed % 2:
        workspace.change(store, zone_name="Asia/Kolkata", week_starts=6)
    edges = [AT.replace(hour=hour, minute=30) - timedelta(days=day) for day in range(1, 75) for hour in (18, 22, 23)]
    people: dict[str, dict[str, Any]] = {}
    for number in range(14):
        values = {
            "email": random.choice((None, f"u{number}@example.com")),
            "phone": random.choice((None, f"+9190005000{number:02d}")),
            "country": random.choice((None, "Germany", "India")),
            "city": random.choice((None, "Leipzig", "Pune")),
            **{each: random.choice((None, "true", "false")) for each in ("emailOptin", "smsOptin", "whatsAppOptin")},
        }
        made = random.choice(edges)
        take(store, users([{"userId": f"u{number}", **values}]), at=made)
        derived = "India" if values["phone"] else None
        people[f"u{number}"] = {**values, "made": made, "country": values["country"] or derived}
    rows = []
    for number in range(260):
        when = random.choice(edges) + random.choice((-1, 0, 0, 1)) * timedelta(minutes=random.choice((0, 10, 30, 31)))
        when = min(when, AT) - random.choice((0, 0, 1)) * timedelta(hours=random.randrange(40 * 24))
        rows.append((f"u{random.randrange(13)}", random.choice(NAMES), when, random.choice(CHANNELS), f"m{number}"))
    rows.append(("u1", NAMES[0], AT + timedelta(hours=3), WEB, "to come"))
    for some in (rows[:200], rows[200:]):
        take(
            store,
            events([row[:3] for row in some], channels=[row[3] for row in some], message_ids=[row[4] for row in some]),
            at=AT,
        )
        if seed > 1 and len(some) == 200:  # days counted beforehand, some of which change after it
            tally(store)
    gone = profiles.key_of(store, "u2")
    assert gone is not None
    profiles.delete(store, People.of([gone]), by="t", source="t", at=AT)
    del people["u2"]
    return Crowd(store, people, [row for row in rows if row[0] != "u2"])


@pytest.fixture(scope="module")
def crowds():
    made = cache(crowd)
    yield made
    for seed in range(SEEDS):
        made(seed).store.close()


def asked(store, source, at=AT):
    question = insights.parse(source)
    return question, insights.run(store, question, at=at)


def cells(result):
    return [({each: row[each] for each in result.marks()}, row["users"]) for row in result.table.to_pylist()]


def some(result, seed):
    """Enough of the cells: a question of a year of hours has thousands."""
    found = cells(result)
    return found if len(found) <= MOST_CELLS else Random(seed).sample(found, MOST_CELLS)  # noqa: S311 - chance, not secrets


def local(when: datetime, seed: int) -> datetime:
    return when.astimezone(ZoneInfo("Asia/Kolkata" if seed % 2 else "Europe/Berlin"))


# -- laws ----------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(seed=st.integers(0, SEEDS - 1), source=st.sampled_from(QUESTIONS))
def test_as_many_people_are_behind_every_mark_as_are_drawn(crowds, seed, source):
    store = crowds(seed).store
    question, result = asked(store, source)

    for cell, drawn in some(result, seed):
        assert len(insights.who(store, question, cell, at=AT)) == drawn, cell


@settings(max_examples=25)
@given(seed=st.integers(0, SEEDS - 1), source=st.sampled_from(QUESTIONS))
def test_the_rule_of_people_like_those_of_a_mark_finds_exactly_them(crowds, seed, source):
    store = crowds(seed).store
    question, result = asked(store, source)
    everyone = profiles.everyone(store)

    for cell, _ in some(result, seed):
        rule = insights.like(store, question, cell, moving=False, at=AT)
        if rule is not None:
            inside = segments.people(store, question.people, at=AT) if question.people else everyone
            assert segments.people(store, rule, at=AT) & inside == insights.who(store, question, cell, at=AT), cell
            assert insights.like(store, question, cell, moving=True, at=AT) is not None


@pytest.mark.parametrize("source", QUESTIONS, ids=lambda each: f"{each['kind']} {QUESTIONS.index(each)}")
def test_a_question_survives_its_json(source):
    question = insights.parse(source)

    assert insights.parse(insights.dump(question)) == question


@pytest.mark.parametrize("source", QUESTIONS, ids=lambda each: f"{each['kind']} {QUESTIONS.index(each)}")
def test_a_question_is_answered_where_there_is_nobody_and_where_there_is_one(store, source):
    source = {each: value for each, value in source.items() if each not in {"people", "sent"}}
    assert all(drawn == 0 for _, drawn in cells(asked(store, source)[1]))

    take(store, users([{"userId": "only", "email": "a@example.com", "emailOptin": "true"}]))
    take(store, events([("only", "Message Sent", AT - timedelta(days=9))], channels=[WEB]))
    question, result = asked(store, source)
    assert {drawn for _, drawn in cells(result)} <= {0, 1}
    assert all(len(insights.who(store, question, cell, at=AT)) == drawn for cell, drawn in some(result, 0))


ALIKE = [
    *[each for each in QUESTIONS if each["kind"] in {"channels", "overview", "top_events", "overlap", "switching"}],
    {"kind": "active", "granularity": "week"},
    {"kind": "active", "rolling": True, "period": {"last": 20, "unit": "day"}},
]


@pytest.mark.parametrize("source", ALIKE, ids=str)
def test_people_are_counted_alike_with_bitmaps_and_without(crowds, monkeypatch, source):
    store = crowds(0).store
    quick = asked(store, source)[1].table
    monkeypatch.setattr(marks, "MOST_BITMAP_BYTES", 0)

    assert asked(store, source)[1].table.equals(quick)


IN_ORDER = [
    *[each for each in QUESTIONS if each["kind"] == "switching"],
    {"kind": "paths", "of": {"event": "Product Viewed"}, "count": "sessions"},
    {"kind": "paths", "direction": "to", "join": True},
    {"kind": "funnel", "steps": [{"event": "Product Viewed"}, {"event": "Message Sent"}], "order": "any"},
]


@pytest.mark.parametrize("bits", [0, 1, 4])
@pytest.mark.parametrize("source", IN_ORDER, ids=str)
def test_events_are_followed_alike_whether_all_keys_fit_into_a_number_or_few_bits_of_them(crowds, monkeypatch, source, bits):
    store = crowds(0).store
    whole = asked(store, source)[1].table
    monkeypatch.setattr(ordering, "KEYS", bits)

    assert whole.num_rows
    assert asked(store, source)[1].table.equals(whole)


@pytest.mark.parametrize("source", [each | {"people": GERMANS} for each in QUESTIONS], ids=str)
def test_a_filter_of_people_says_the_same_as_a_list_and_as_a_bitmap(crowds, monkeypatch, source):
    store = crowds(0).store
    monkeypatch.setattr(people, "FEW", 0)
    listed = asked(store, source)[1].table
    monkeypatch.setattr(people, "FEW", 10**9)

    assert asked(store, source)[1].table.equals(listed)


# -- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_users_and_events_by_channel_are_those_counted_by_hand(crowds, seed):
    people, totals = defaultdict(set), defaultdict(int)
    for who, _, when, channel, _ in crowds(seed).rows:
        if when <= AT and when >= AT - timedelta(days=35):
            key = (local(when, seed).date().isoformat(), "none" if channel is None else f"={channel}")
            people[key].add(who)
            totals[key] += 1
    period = {"from": min(day for day, _ in people), "to": "2026-11-24"}
    first = {each for each in people if each[0] > period["from"]}
    for measure, counted in (("users", {key: len(of) for key, of in people.items()}), ("events", totals)):
        _, result = asked(crowds(seed).store, {"kind": "channels", "measure": measure, "period": period})
        found = {(row["time"], row["breakdown"]): row["value"] for row in result.table.to_pylist()}
        assert {key: value for key, value in found.items() if key in first} == {key: counted[key] for key in first}


@pytest.mark.parametrize("seed", range(3))
def test_sessions_are_runs_without_a_gap_of_more_than_half_an_hour(crowds, seed):
    runs: dict[str, int] = defaultdict(int)
    latest: dict[str, datetime] = {}
    for who, _, when, _, _ in sorted(crowds(seed).rows, key=lambda row: row[2]):
        if when <= AT:
            if who not in latest or when - latest[who] > timedelta(minutes=30):
                runs[local(when, seed).date().isoformat()] += 1
            latest[who] = when
    source = {"kind": "channels", "measure": "sessions", "period": {"from": min(runs), "to": "2026-11-24"}}
    counted: dict[str, int] = defaultdict(int)
    for row in asked(crowds(seed).store, source)[1].table.to_pylist():
        counted[row["time"]] += int(row["value"])

    assert counted == runs


@pytest.mark.parametrize("most", [ordering._MOST_ROWS, 9], ids=["at once", "stretch by stretch"])
@pytest.mark.parametrize(("touch", "place"), [("first", 0), ("last", -1)])
def test_the_first_and_the_last_channel_are_those_of_the_first_and_the_last_event(crowds, monkeypatch, touch, place, most):
    monkeypatch.setattr(ordering, "_MOST_ROWS", most)
    for seed in range(3):
        mine = defaultdict(list)
        for who, _, when, channel, message in crowds(seed).rows:
            if when <= AT:
                mine[who].append((when, message, channel))
        by_hand = defaultdict(int)
        for found in mine.values():
            by_hand[sorted(found, key=lambda each: each[:2])[place][2]] += 1
        source = {"kind": "channels", "touch": touch, "over": "period", "period": {"last": 12, "unit": "month"}}
        rows = asked(crowds(seed).store, source)[1].table.to_pylist()

        assert {None if row["breakdown"] == "none" else row["breakdown"][1:]: row["users"] for row in rows} == by_hand
        assert sum(row["share"] for row in rows) == pytest.approx(100)


def test_the_least_used_channels_are_other_and_no_value_stands_apart(crowds):
    source = {"kind": "channels", "over": "period", "breakdown": {"by": "channel", "most": 2}}
    rows = asked(crowds(0).store, source)[1].table.to_pylist()

    assert [row["breakdown"][0] for row in rows] == ["=", "=", "n", "o"]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_figures_of_the_overview_are_those_counted_by_hand(crowds, seed):
    found = crowds(seed)
    start = local(AT, seed).replace(hour=0, minute=0) - timedelta(days=29)
    made = {who: each["made"] for who, each in found.people.items()}
    held = {(row["figure"], row["time"]): row for row in asked(found.store, {"kind": "overview"})[1].table.to_pylist()}

    def active(since, until):
        return {who for who, _, when, _, _ in found.rows if since <= when <= until}

    def reached(each):
        by_phone = each["phone"] and "true" in (each["smsOptin"], each["whatsAppOptin"])
        return bool(by_phone or (each["email"] and each["emailOptin"] == "true"))

    midnight = start + timedelta(days=29)
    tick = timedelta(microseconds=1)
    by_hand = {
        ("users", "now"): len(made),
        ("users", "before"): sum(each < start for each in made.values()),
        ("new", "now"): sum(each >= start for each in made.values()),
        ("new", "before"): sum(start - timedelta(days=30) <= each <= AT - timedelta(days=30) for each in made.values()),
        ("identified", "now"): len(made),
        ("reachable", "now"): sum(map(reached, found.people.values())),
        ("active 1 day", "now"): len(active(midnight, AT)),
        ("active 1 day", "before"): len(active(midnight - timedelta(days=1), AT - timedelta(days=1))),
        ("active 7 days", "now"): len(active(midnight - timedelta(days=6), AT)),
        ("active 7 days", "before"): len(active(midnight - timedelta(days=13), AT - timedelta(days=7))),
        ("active 30 days", "now"): len(active(start, AT)),
        ("active 7 days", f"{midnight - timedelta(days=1):%Y-%m-%d}"): len(active(midnight - timedelta(days=7), midnight - tick)),
        ("events", "before"): len(active(start - timedelta(days=30), AT - timedelta(days=30))),
    }
    assert {key: held[key]["users"] if key in held else 0 for key in by_hand} == by_hand
    happened = sum(start <= when <= AT for _, _, when, _, _ in found.rows)
    assert held["events", "now"]["value"] == happened
    assert (
        sum(row["value"] for (figure, time), row in held.items() if figure == "events" and time > "2" and time < "b") == happened
    )
    assert held["reachable", "now"]["value"] == pytest.approx(100 * by_hand["reachable", "now"] / len(made))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_reachability_is_the_address_and_the_consent_counted_by_hand(crowds, seed):
    people = crowds(seed).people.values()
    rows = asked(crowds(seed).store, {"kind": "reachability"})[1].table.to_pylist()
    held = {(row["channel"], row["step"]): row["users"] for row in rows if row["combination"] is None}
    consents = {"=email": ("email", "emailOptin"), "=whatsapp": ("phone", "whatsAppOptin"), "=sms": ("phone", "smsOptin")}

    for channel, (address, consent) in consents.items():
        having = [each for each in people if each[address]]
        by_hand = {"members": len(people), "no address": len(people) - len(having), "address": len(having)}
        for step, said, value in (
            ("opted in", "said yes", "true"),
            ("never asked", "not asked", None),
            ("opted out", "said no", "false"),
        ):
            by_hand[step] = sum(each[consent] == value for each in having)
            by_hand[said] = sum(each[consent] == value for each in people)
        assert {step: held.get((channel, step), 0) for step in by_hand} == by_hand
    assert sum(row["users"] for row in rows if row["combination"] is not None) == len(people)


def test_the_top_events_are_those_counted_by_hand(crowds):
    start, midnight = AT - timedelta(days=30), local(AT, 0).replace(hour=0, minute=0) - timedelta(days=29)
    people, times, before = defaultdict(set), defaultdict(int), defaultdict(int)
    for who, what, when, _, _ in crowds(0).rows:
        if midnight <= when <= AT:
            people[what].add(who)
            times[what] += 1
        before[what] += midnight - timedelta(days=30) <= when <= start
    rows = asked(crowds(0).store, {"kind": "top_events", "most": 50})[1].table.to_pylist()

    assert {row["event"][1:]: row["users"] for row in rows if row["time"] == "now"} == {
        each: len(of) for each, of in people.items()
    }
    assert {row["event"][1:]: row["events"] for row in rows if row["time"] == "now"} == times
    assert {row["event"][1:]: row["events"] for row in rows if row["time"] == "before"} == {a: b for a, b in before.items() if b}
    least = asked(crowds(0).store, {"kind": "top_events", "most": 1})[1].table.to_pylist()
    assert {row["event"] for row in least} == {f"={min(people, key=lambda each: (-len(people[each]), each))}", "other"}


def channels_of(found, seed, days=30):
    """The channels of each person in the period, and their events in order, by hand."""
    since = local(AT, seed).replace(hour=0, minute=0) - timedelta(days=days - 1)
    mine = defaultdict(list)
    for who, what, when, channel, _ in found.rows:
        if since <= when <= AT:
            mine[who].append((when, what, channel))
    return mine


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_person_is_in_exactly_the_combination_counted_by_hand(crowds, seed):
    by_hand, sizes = defaultdict(int), defaultdict(int)
    for mine in channels_of(crowds(seed), seed, 5).values():
        used = sorted({channel for _, _, channel in mine if channel is not None})
        if used:
            by_hand[json.dumps(used, separators=(",", ":"))] += 1
            for each in used:
                sizes[f"={each}"] += 1
    source = {"kind": "overlap", "most": 50, "period": {"last": 5, "unit": "day"}}
    rows = asked(crowds(seed).store, source)[1].table.to_pylist()

    assert {row["combination"]: row["users"] for row in rows if row["combination"]} == by_hand
    assert {row["channel"]: row["users"] for row in rows if row["channel"]} == sizes
    assert sum(row["users"] for row in rows if row["size"]) == sum(by_hand.values())
    few = asked(crowds(seed).store, {**source, "most": 2})[1].table.to_pylist()
    other = [row for row in few if row["combination"] == "other"]
    assert [row["combinations"] for row in other] == ([len(by_hand) - 2] if len(by_hand) > 2 else [])


def test_more_channels_than_stand_apart_are_one_set(store):
    take(store, events([(f"u{each}", "Seen", AT) for each in range(14)], channels=[f"c{each:02}" for each in range(14)]))
    rows = asked(store, {"kind": "overlap", "most": 50})[1].table.to_pylist()

    assert {row["channel"]: row["users"] for row in rows if row["channel"]}["other"] == 4
    assert [row["users"] for row in rows if row["combination"] == "[null]"] == [4]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_switches_are_events_on_another_channel_than_the_one_before(crowds, seed):
    people, counts, seconds = defaultdict(set), defaultdict(int), defaultdict(list)
    for who, mine in channels_of(crowds(seed), seed).items():
        before = None
        for when, _, channel in sorted((each for each in mine if each[2] is not None), key=lambda each: each[0]):
            if before is not None and before[1] != channel:
                key = (f"={before[1]}", f"={channel}")
                people[key].add(who)
                counts[key] += 1
                seconds[key].append((when - before[0]).total_seconds())
            before = (when, channel)
    rows = asked(crowds(seed).store, {"kind": "switching"})[1].table.to_pylist()
    held = {(row["origin"], row["target"]): row for row in rows if row["origin"] and row["target"]}

    assert {key: (row["users"], row["switches"]) for key, row in held.items()} == {
        key: (len(people[key]), counts[key]) for key in people
    }
    assert {key: row["seconds"] for key, row in held.items()} == {key: pytest.approx(median(of)) for key, of in seconds.items()}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_stage_counts_those_who_got_there_after_the_first_message_sent_to_them(crowds, seed):
    stage_of = {
        "Message Sent": "sent",
        "Message Delivered": "delivered",
        "Message Read": "read",
        "Email Opened": "read",
        "Link Clicked": "clicked",
        "Message Received": "replied",
    }
    people = defaultdict(set)
    for who, mine in channels_of(crowds(seed), seed).items():
        for channel in CHANNELS:
            sent = [when for when, what, there in mine if there == channel and what == "Message Sent"]
            for when, what, there in mine:
                stage = stage_of.get(what)
                if there == channel and sent and stage and (stage == "sent" or when > min(sent)):
                    people["none" if channel is None else f"={channel}", stage].add(who)
    rows = asked(crowds(seed).store, {"kind": "engagement"})[1].table.to_pylist()

    assert {(row["channel"], row["stage"]): row["users"] for row in rows} == {key: len(of) for key, of in people.items()}


def test_what_events_of_messages_are_called_is_recognised_and_an_order_delivered_is_none():
    names = ("Email Opened", "Push Notification Tapped", "SMS Delivered", "Order Delivered", "Checkout Read", "Message Received")
    question = insights.parse({"kind": "engagement"})
    assert isinstance(question, Engagement)
    found = question.stages(Catalog({}, "UTC", 0, {each: place for place, each in enumerate(names)}))

    assert found == {
        "sent": (),
        "delivered": ("SMS Delivered",),
        "read": ("Email Opened",),
        "clicked": ("Push Notification Tapped",),
        "replied": ("Message Received",),
    }


@pytest.mark.parametrize("seed", range(SEEDS))
def test_people_are_counted_by_country_and_city_as_they_are_written(crowds, seed):
    def told(value):
        return "none" if value is None else f"={value}"

    countries, cities = defaultdict(int), defaultdict(int)
    for each in crowds(seed).people.values():
        countries[told(each["country"])] += 1
        cities[(told(each["country"]) if each["city"] else None, told(each["city"]))] += 1
    by_country = asked(crowds(seed).store, {"kind": "geography"})[1].table.to_pylist()
    by_city = asked(crowds(seed).store, {"kind": "geography", "by": "city"})[1].table.to_pylist()

    assert {row["country"]: row["users"] for row in by_country} == countries
    assert {(row["country"], row["city"]): row["users"] for row in by_city} == cities
    assert sum(row["share"] for row in by_city) == pytest.approx(100)


def test_a_hundred_cities_are_fifty_and_other(store):
    take(store, users([{"userId": f"u{each}", "country": "India", "city": f"City {each:03}"} for each in range(100)]))
    question, result = asked(store, {"kind": "geography", "by": "city"})
    (other,) = [row for row in result.table.to_pylist() if row["city"] == "other"]

    assert (result.table.num_rows, other["users"], other["country"]) == (51, 50, None)
    assert len(insights.who(store, question, {"country": None, "city": "other"}, at=AT)) == 50


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ({"kind": "channels", "breakdown": {"by": "property", "name": "country"}}, "$.breakdown"),
        ({"kind": "channels", "breakdown": None}, "$.breakdown"),
        ({"kind": "channels", "touch": "first", "measure": "events"}, "$.measure"),
        ({"kind": "channels", "measure": "visits"}, "$.measure"),
        ({"kind": "overview", "granularity": "hour"}, "$.granularity"),
        ({"kind": "overview", "breakdown": {"by": "channel"}}, "$.breakdown"),
        ({"kind": "overlap", "least": 0}, "$.least"),
        ({"kind": "overlap", "most": 51}, "$.most"),
        ({"kind": "overlap", "breakdown": {"by": "channel"}}, "$.breakdown"),
        ({"kind": "switching", "hours": -1}, "$.hours"),
        ({"kind": "switching", "most": 0}, "$.most"),
        ({"kind": "switching", "breakdown": {"by": "channel"}}, "$.breakdown"),
        ({"kind": "engagement", "read": ["Gone"]}, "$.read[0]"),
        ({"kind": "engagement", "breakdown": {"by": "channel"}}, "$.breakdown"),
        ({"kind": "geography", "breakdown": {"by": "channel"}}, "$.breakdown"),
        ({"kind": "geography", "by": "street"}, "$.by"),
        ({"kind": "top_events", "breakdown": {"by": "channel"}}, "$.breakdown"),
        ({"kind": "top_events", "most": 0}, "$.most"),
        ({"kind": "reachability", "breakdown": {"by": "channel"}}, "$.breakdown"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_path(store, source, path):
    with pytest.raises(InvalidInsight) as refused:
        asked(store, source)

    assert refused.value.path == path
