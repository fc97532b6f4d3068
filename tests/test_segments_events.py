"""Rules about events, histories, segments and ranks: what they mean, their queries, their sentences."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from tests.worlds import AT, events, take, users
from user360 import profiles, properties, segments, workspace
from user360.errors import InvalidRule, InvalidSentence
from user360.segments import event_leaves
from user360.segments.tree import leaves
from user360.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from user360.store import Store

GOLDEN = Path(__file__).parent / "golden" / "nodes.sql"
DAY = timedelta(days=1)
ABOVE_50 = {"match": "all", "conditions": [{"property": "amount", "operator": "greater_than", "values": [50]}]}
ON_WEB = {"match": "all", "conditions": [{"property": "channel", "operator": "is", "values": ["web"]}]}
NOT_ON_WEB = {"match": "none", "conditions": [{"property": "channel", "operator": "is", "values": ["web"]}]}


@pytest.fixture(scope="module")
def world() -> Iterator[Store]:
    """Six people, u0 to u5: the n-th ordered on each of the last n days, today first, on app and web in turn, for 0, 10, 20 and on.

    u3 viewed three days ago. u1, u3 and u5 live in DE, the others in IN; u2 moved to DE a day ago and back just now.
    """
    store = open_store()
    properties.define(store, "score", "number", by="t", at=AT)
    long_ago = AT - 30 * DAY
    people = [{"userId": f"u{n}", "country": "DE" if n % 2 else "IN", "score": 10 * n if n else None} for n in range(6)]
    take(store, users(people), at=long_ago)
    orders = [(f"u{n}", "Order", AT - day * DAY) for n in range(6) for day in range(n)]
    amounts = [json.dumps({"amount": 10 * place, "note": str(place)}) for place in range(len(orders))]
    channels: list[str | None] = ["app" if place % 2 else "web" for place in range(len(orders))]
    take(
        store,
        events([*orders, ("u3", "View", AT - 3 * DAY)], channels=[*channels, None], properties=[*amounts, "{}"]),
        at=AT,
    )
    take(store, users([{"userId": "u2", "country": "DE"}]), at=AT - DAY)
    take(store, users([{"userId": "u2", "country": "IN"}]), at=AT - timedelta(minutes=1))
    yield store
    store.close()


def order(**parts: Any) -> dict[str, Any]:
    return {"event": "Order", **parts}


def times(operator: str, *values: int) -> dict[str, Any]:
    return order(times={"operator": operator, "values": list(values)})


def measure(function: str, operator: str, *values: float, of: str = "amount") -> dict[str, Any]:
    return order(measure={"function": function, "property": of}, operator=operator, values=list(values))


# Sums of the amounts of u0 … u5: 0, 0, 10+20, 30+40+50, 60+70+80+90, 100+…+140.
NODES: dict[str, tuple[dict[str, Any], list[int]]] = {
    "did": (order(), [1, 2, 3, 4, 5]),
    "did three times": (times("at_least", 3), [3, 4, 5]),
    "did never": (times("exactly", 0), [0]),
    "did exactly twice": (times("exactly", 2), [2]),
    "did less than twice": (times("less_than", 2), [0, 1]),
    "did once or twice": (times("between", 1, 2), [1, 2]),
    "did with a property": (order(where=ABOVE_50), [4, 5]),
    "did on no such channel": (order(where=NOT_ON_WEB), [2, 3, 4, 5]),
    "did lately": (order(times={"operator": "at_least", "values": [2]}, during={"last": 1, "unit": "day"}), []),
    "did this week": (order(times={"operator": "at_least", "values": [2]}, during={"calendar": "last_week"}), [3, 4, 5]),
    "did on a day": (order(during={"on": "2026-11-21"}), [3, 4, 5]),
    "did before a day": (order(during={"before": "2026-11-20"}), [5]),
    "did between days": (order(during={"from": "2026-11-19", "to": "2026-11-20"}), [4, 5]),
    "sum below": (measure("sum", "less_than", 60), [0, 1, 2]),
    "sum above": (measure("sum", "at_least", 120), [3, 4, 5]),
    "sum of text is nothing": (measure("sum", "is", 0, of="nothing"), [0, 1, 2, 3, 4, 5]),
    "average": (measure("average", "between", 15, 40), [2, 3]),
    "average is not": (measure("average", "is_not", 15), [0, 1, 3, 4, 5]),
    "average is not, unknown left out": ({**measure("average", "is_not", 15), "unknown": "leave_out"}, [1, 3, 4, 5]),
    "least": (measure("min", "greater_than", 20), [3, 4, 5]),
    "number of channels": (measure("distinct", "is", 2, of="channel"), [2, 3, 4, 5]),
    "number of channels below": (measure("distinct", "at_most", 1, of="channel"), [0, 1]),
    "first lately": (order(occurrence="first", operator="in_the_last", values=[36, "hour"]), [1, 2]),
    "last before": (order(occurrence="last", operator="before", values=["2026-11-23"]), []),
    "first not lately": (order(occurrence="first", operator="not_in_the_last", values=[36, "hour"]), [0, 3, 4, 5]),
    "first on one of two days": (order(occurrence="first", operator="is", values=["2026-11-22", "2026-11-20"]), [2, 4]),
    "last was on web": (order(occurrence="last", having=ON_WEB), [1, 4, 5]),
    "on three of five days": ({"event": None, "regularity": {"periods": 3, "of": 5, "unit": "day"}}, [3, 4, 5]),
    "in two of two weeks": (order(regularity={"periods": 2, "of": 2, "unit": "week"}), [2, 3, 4, 5]),
    "view then order": ({"sequence": [{"event": "View"}, {"event": "Order"}], "within": {"value": 1, "unit": "day"}}, [3]),
    "three in two days": ({"sequence": [{"event": "Order"}] * 3, "within": {"value": 2, "unit": "day"}}, [3, 4, 5]),
    "three in a day": ({"sequence": [{"event": "Order"}] * 3, "within": {"value": 1, "unit": "day"}}, []),
    "order then view": ({"sequence": [{"event": "Order"}, {"event": "View"}]}, []),
    "top fifth by orders": ({"rank": "top", "percent": 20, "event": "Order"}, [4, 5]),
    "bottom two by sum": (
        {"rank": "bottom", "count": 2, **{k: v for k, v in measure("sum", "is").items() if k in {"event", "measure"}}},
        [0, 1],
    ),
    "top two by a property": ({"rank": "top", "count": 2, "property": "score"}, [4, 5]),
    "bottom by a property, the unknown out": ({"rank": "bottom", "percent": 20, "property": "score"}, [1]),
    "held for a week": ({"property": "country", "operator": "is", "values": ["IN"], "held": {"for": 7, "unit": "day"}}, [0, 4]),
    "is not, held for a week": (
        {"property": "country", "operator": "is_not", "values": ["DE"], "held": {"for": 7, "unit": "day"}},
        [0, 4],
    ),
    "ever": ({"property": "country", "operator": "is", "values": ["DE"], "held": {"ever": True}}, [1, 2, 3, 5]),
    "changed lately": ({"property": "country", "held": {"changed_in_the_last": 2, "unit": "day"}}, [2]),
}


def _rule(node: dict[str, Any]) -> segments.Rule:
    return segments.parse({"match": "all", "conditions": [node]})


@pytest.mark.parametrize("name", NODES)
def test_each_kind_of_condition_finds_its_people(world: Store, name: str) -> None:
    node, expected = NODES[name]

    assert segments.people(world, _rule(node), at=AT).keys().tolist() == expected


@pytest.mark.parametrize("name", NODES)
def test_the_present_asked_as_a_past_is_the_present(world: Store, name: str) -> None:
    node, expected = NODES[name]

    assert segments.people(world, _rule(node), at=AT, past=True).keys().tolist() == expected


@pytest.mark.parametrize("name", NODES)
def test_each_kind_of_condition_is_written_and_said_and_read_back(world: Store, name: str) -> None:
    catalog = segments.load_catalog(world)
    checked = segments.check(_rule(NODES[name][0]), catalog)

    assert segments.parse(json.dumps(segments.dump(checked))) == checked
    assert segments.check(checked, catalog) == checked
    assert segments.read_text(segments.write_text(checked, catalog), catalog) == checked
    assert segments.read_text(segments.describe(checked, catalog, at=AT), catalog) == checked


def test_every_kind_of_condition_compiles_to_its_golden_sql(world: Store) -> None:
    catalog = segments.load_catalog(world)
    lines = []
    for name, (node, _) in NODES.items():
        asked = [leaf.sql.shown() for leaf in leaves(segments.compile(_rule(node), catalog, at=AT))]
        lines.append("\n".join([f"-- {name}", *asked, ""]))
    written = "\n".join(lines)
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(written)

    assert GOLDEN.read_text() == written


def test_the_past_is_what_was_then(world: Store) -> None:
    lives_in_germany = _rule({"property": "country", "operator": "is", "values": ["DE"]})
    then = [segments.people(world, lives_in_germany, at=at, past=True).keys().tolist() for at in (AT - 2 * DAY, AT - DAY / 2, AT)]

    assert then == [[1, 3, 5], [1, 2, 3, 5], [1, 3, 5]]
    assert segments.people(world, segments.EVERYONE, at=AT - 60 * DAY, past=True).keys().tolist() == []
    assert segments.people(world, _rule(order()), at=AT - 3 * DAY - timedelta(hours=1), past=True).keys().tolist() == [5]


@pytest.mark.parametrize(
    ("node", "path", "reason"),
    [
        ({"event": "Ordr"}, "event", "no event"),
        (order(colour=1), "colour", "not known here"),
        (times("often", 1), "times.operator", "none of"),
        (times("at_least"), "times.values", "takes 1"),
        (times("between", 3, 2), "times.values", "above"),
        (order(during={"last": 3}), "during", "no stretch of time"),
        (order(during={"last": 0, "unit": "day"}), "during.last", "whole number"),
        (order(during={"calendar": "someday"}), "during.calendar", "none of"),
        (order(during={"from": "2026-02-01", "to": "2026-01-01"}), "during", "before it begins"),
        (order(where={"match": "all", "conditions": []}), "where.conditions", "empty"),
        (order(where={"match": "all", "conditions": [{"event": "Order"}]}), "where.conditions[0].event", "not known here"),
        (
            order(where={"match": "all", "conditions": [{"property": "a", "type": "number", "operator": "is", "values": ["x"]}]}),
            "where.conditions[0].values[0]",
            "not a number",
        ),
        (measure("sum", "contains", 1), "operator", "no operator of a number"),
        (measure("sum", "is", 1, of="channel"), "measure.function", "text"),
        (order(measure={"function": "median", "property": "a"}, operator="is", values=[1]), "measure.function", "not sum"),
        (order(occurrence="second", operator="is_known"), "occurrence", "not first or last"),
        (order(regularity={"periods": 6, "of": 5, "unit": "day"}), "regularity.periods", "whole number"),
        ({"sequence": [{"event": "Order"}]}, "sequence", "2 to"),
        (
            {"sequence": [{"event": "Order"}, order(times={"operator": "exactly", "values": [1]})]},
            "sequence[1].times",
            "not known",
        ),
        ({"segment": "vip"}, "segment", "no segment"),
        ({"rank": "top", "count": 2, "percent": 3, "property": "score"}, "", "percent or a count"),
        ({"rank": "top", "count": 2, "property": "country"}, "property", "no top or bottom"),
        ({"rank": "top", "percent": 0, "property": "score"}, "percent", "from 0.000001 to 100"),
        ({"property": "score", "operator": "is", "values": [1], "held": {"for": 1}}, "held", "how long"),
        (
            {"property": "createdAt", "operator": "in_the_last", "values": [1, "day"], "held": {"ever": True}},
            "held",
            "moves with time",
        ),
        ({"property": "lastSession", "held": {"changed_in_the_last": 1, "unit": "day"}}, "held", "no history"),
    ],
)
def test_a_faulty_condition_is_refused_with_the_path_of_its_fault(world: Store, node: Any, path: str, reason: str) -> None:
    with pytest.raises(InvalidRule) as refusal:
        segments.check(_rule(node), segments.load_catalog(world))

    assert f"$.conditions[0].{path}".rstrip(".") == refusal.value.path
    assert reason in refusal.value.reason


@pytest.mark.parametrize(
    ("text", "word", "offered"),
    [
        ("Peple whose", "Peple", "People"),
        ("People whose contry is “DE”.", "contry", "country"),
        ("People who did “Ordr” at least 2 times.", "“Ordr”", "“Order”"),
        ("People who did “Order” at least 2 tims.", "tims.", "times"),
        ("People who did “Order two” lately.", "“Order two”", "“Order”"),
        ("People whose country is “DE” und", "und", "and"),
        ("People whose score is “DE”.", "“DE”.", "a number"),
        ("People who did “Order” in the last 3 weks.", "weks.", "weeks"),
    ],
)
def test_a_sentence_that_cannot_be_read_is_refused_at_its_word(world: Store, text: str, word: str, offered: str) -> None:
    with pytest.raises(InvalidSentence) as refusal:
        segments.read_text(text, segments.load_catalog(world))

    assert word == refusal.value.word
    assert text[refusal.value.position :].lstrip().startswith(word)
    assert offered in refusal.value.expected


def test_what_could_stand_next_is_offered(world: Store) -> None:
    catalog = segments.load_catalog(world)

    assert segments.complete("People whose coun", catalog) == ("country",)
    assert segments.complete("People who did “Ord", catalog) == ("“Order”",)
    assert "is not" in segments.complete("People whose country i", catalog)
    assert segments.complete("Everyone.", catalog) == ()


@pytest.mark.parametrize("unit", ["day", "week", "month"])
@pytest.mark.parametrize("periods", [1, 2, 3, 5])
def test_units_are_counted_alike_by_comparing_and_by_the_calendar(
    store: Store, monkeypatch: pytest.MonkeyPatch, unit: str, periods: int
) -> None:
    """Over the end of summer time, with events at the edges of days."""
    take(store, users([{"userId": f"u{each}"} for each in range(40)]))
    edge = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    rows: list[tuple[str | None, str | None, datetime | None]] = [
        (f"u{each}", "View", edge + timedelta(hours=hours * (each + 1), microseconds=each % 2))
        for each in range(40)
        for hours in (-25, -1, 0, 1, 12, 25)
    ]
    take(store, events(rows))
    rule = segments.parse(
        {"match": "all", "conditions": [{"event": "View", "regularity": {"periods": periods, "of": 5, "unit": unit}}]}
    )
    at = datetime(2026, 10, 27, 9, 0, tzinfo=UTC)
    compared = segments.people(store, rule, at=at)

    monkeypatch.setattr(event_leaves, "BITS", 0)

    assert segments.people(store, rule, at=at) == compared
    berlin = ZoneInfo("Europe/Berlin")
    unit_of: dict[str, Callable[[datetime], date]] = {
        "day": lambda when: when.date(),
        "week": lambda when: when.date() - timedelta(days=when.weekday()),
        "month": lambda when: when.date().replace(day=1),
    }
    now = unit_of[unit](at.astimezone(berlin))
    first = {"day": now - 4 * DAY, "week": now - 28 * DAY, "month": date(2026, 6, 1)}[unit]
    hit: dict[str | None, set[date]] = {}
    for who, _, when in rows:
        assert when is not None
        began = unit_of[unit](when.astimezone(berlin))
        if when <= at and began >= first:
            hit.setdefault(who, set()).add(began)
    assert len(compared) == sum(len(each) >= periods for each in hit.values())


@pytest.mark.parametrize("unit", ["minute", "hour", "day", "week"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_of_two_in_order_the_second_is_found_up_to_the_last_instant_wherever_they_stand_in_time(zone: str, unit: str) -> None:
    store = open_store()
    workspace.change(store, zone_name=zone)
    span = timedelta(**{f"{unit}s": 1})
    firsts = [AT - timedelta(days=20) + timedelta(hours=7 * place, minutes=13 * place) for place in range(24)]
    late = timedelta(microseconds=1)
    rows = [
        (f"{who}{place}", event, first + after)
        for place, first in enumerate(firsts)
        for who, event, after in (
            ("in", "View", 0 * span),
            ("in", "Order", span),
            ("out", "View", 0 * span),
            ("out", "Order", span + late),
        )
    ]
    take(store, events(rows, message_ids=[f"m{place}" for place in range(len(rows))]), at=AT)
    rule = segments.parse(
        {
            "match": "all",
            "conditions": [{"sequence": [{"event": "View"}, {"event": "Order"}], "within": {"value": 1, "unit": unit}}],
        }
    )

    found = segments.people(store, rule, at=AT).keys().tolist()

    assert sorted(profiles.get(store, key).user_id or "" for key in found) == sorted(f"in{place}" for place in range(24))
    store.close()
