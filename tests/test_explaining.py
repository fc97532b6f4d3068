"""Why: the verdict is the membership, each condition tells what it saw, and time changes what it says it will."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_segments_events import NODES
from tests.test_segments_events import world as world  # noqa: PLC0414 - the same six people
from tests.worlds import AT, events, take, users
from user360 import profiles, properties, segments, workspace
from user360.errors import InvalidRule, Unknown
from user360.events import figures
from user360.people import People
from user360.segments import breaks, lists, saved, windows
from user360.segments.frames import Frame
from user360.segments.needing import flattened, needs
from user360.segments.rules import During, Rank

if TYPE_CHECKING:
    from user360.segments import Explanation, Rule
    from user360.segments.needing import Needs
    from user360.store import Store

DAY = timedelta(days=1)


def rule(*conditions: dict[str, Any], match: str = "all") -> Rule:
    return segments.parse({"match": match, "conditions": list(conditions)})


def prop(name: str, *values: object, operator: str = "is", **more: object) -> dict[str, Any]:
    return {"property": name, "operator": operator, **({"values": list(values)} if values else {}), **more}


def did(event: str, least: int = 1, last: int = 0, **more: object) -> dict[str, Any]:
    during = {"during": {"last": last, "unit": "day"}} if last else {}
    return {"event": event, "times": {"operator": "at_least", "values": [least]}, **during, **more}


def at_path(found: Explanation, path: str) -> Any:
    return next(each for each in found.parts() if each.path == path)


GROUPS = st.recursive(
    st.sampled_from([node for node, _ in NODES.values()]),
    lambda inner: st.builds(
        lambda match, conditions: {"match": match, "conditions": conditions},
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
).map(lambda node: node if "match" in node else {"match": "all", "conditions": [node]})


# -- the verdict --------------------------------------------------------------------------------


@pytest.mark.parametrize("past", [False, True])
@given(what=GROUPS, back=st.integers(0, 5))
def test_the_verdict_on_anybody_is_their_membership(world: Store, past: bool, what: dict[str, Any], back: int) -> None:
    of, at = segments.parse(what), AT - back * DAY

    explained = [key for key in range(6) if segments.explain(world, of, key, at=at, past=past).holds]

    assert explained == segments.people(world, of, at=at, past=past).keys().tolist()


@given(what=GROUPS)
def test_as_many_conditions_are_missing_as_the_person_is_short_of(world: Store, what: dict[str, Any]) -> None:
    """And were they to change, the rule would hold."""
    of = segments.parse(what)
    for key in range(6):
        found = segments.explain(world, of, key, at=AT)
        missing = {each.path: each.holds for each in found.missing}
        leaves = {each.path: each.holds for each in found.parts() if not each.parts}

        assert found.holds == (not missing)
        assert found.holds or found.whole.short == len(missing)
        assert holds(segments.dump(of), leaves | missing)
        assert all(leaves[path] != wanted for path, wanted in missing.items())


def holds(node: dict[str, Any], truth: dict[str, bool], path: str = "$") -> bool:
    if "match" not in node:
        return truth[path]
    inner = [holds(each, truth, f"{path}.conditions[{place}]") for place, each in enumerate(node["conditions"])]
    return {"all": all(inner), "any": any(inner), "none": not any(inner)}[node["match"]]


def test_who_is_not_there_or_not_any_more_cannot_be_explained(store: Store) -> None:
    take(store, users([{"userId": "u1"}]), at=AT - DAY)

    with pytest.raises(Unknown):
        segments.explain(store, segments.EVERYONE, 7, at=AT)
    with pytest.raises(Unknown):
        segments.explain(store, segments.EVERYONE, 0, at=AT - 2 * DAY, past=True)
    with pytest.raises(InvalidRule):
        segments.explain(store, rule(prop("colour", "red")), 0, at=AT)

    profiles.delete(store, People.of([0]), by="ann", source="test", at=AT)

    with pytest.raises(Unknown):
        segments.explain(store, segments.EVERYONE, 0, at=AT)
    assert segments.explain(store, segments.EVERYONE, 0, at=AT - timedelta(hours=1), past=True).holds


# -- what is read -------------------------------------------------------------------------------


def needed(store: Store, *conditions: dict[str, Any]) -> Needs:
    catalog = segments.load_catalog(store)
    checked = segments.check(rule(*conditions), catalog)
    return needs([node for _, node in flattened(checked, catalog, "$")], Frame(catalog, AT, person=0))


def test_only_the_columns_and_the_time_that_a_condition_asks_for_are_read(store: Store) -> None:
    """Numbers kept beside need no documents; of a window nothing is read that lies well before it."""
    numbers: list[str | None] = [json.dumps({"amount": each, "note": "red"}) for each in (5, 50)]
    take(store, events([("u1", "Order", AT - DAY), ("u1", "Order", AT - 40 * DAY)], properties=numbers))
    figures.choose(store, many=1)
    dear = {"match": "all", "conditions": [prop("amount", 10, operator="at_least", type="number")]}
    red = {"match": "all", "conditions": [prop("note", "red", type="string")]}
    lately = needed(store, did("Order", last=7, where=dear))
    ever = needed(store, did("Order", where=dear), did("Order", last=7, where=red))

    assert (lately.figures, lately.documents, lately.ids, lately.properties) == (
        frozenset({"figure1"}),
        False,
        False,
        ("createdAt",),
    )
    assert lately.events.params[1] == (AT - 12 * DAY).replace(tzinfo=None)
    assert (ever.figures, ever.documents, ever.events.text) == (frozenset({"figure1"}), True, "event_id = ?")
    assert needed(store, {"event": "Order", "occurrence": "last", "having": dear}).ids
    explained = [
        segments.explain(store, rule(did("Order", least, last, where=dear)), 0, at=AT) for least, last in ((1, 0), (1, 7), (2, 0))
    ]
    assert [each.holds for each in explained] == [True, False, False]
    assert [at_path(each, "$.conditions[0]").facts.found for each in explained] == [1, 0, 1]


def test_what_rules_may_speak_of_is_read_anew_once_it_changes(store: Store) -> None:
    before = segments.load_catalog(store)
    take(store, users([{"userId": "u1"}]), at=AT)
    unchanged = segments.load_catalog(store)
    take(store, events([("u1", "Order", AT)]))
    properties.define(store, "shoe", "number", by="ann", at=AT)
    workspace.change(store, zone_name="Asia/Kolkata")
    saved.save(store, "Everyone", segments.EVERYONE, by="ann", at=AT)
    after = segments.load_catalog(store)

    assert unchanged is before
    assert (after.zone_name, "shoe" in after.properties, "Order" in after.events, len(after.segments)) == (
        "Asia/Kolkata",
        True,
        True,
        1,
    )


# -- what was seen ------------------------------------------------------------------------------


def test_a_property_tells_its_value_and_who_wrote_it_last(store: Store) -> None:
    properties.define(store, "plan", "string", by="t", at=AT)
    take(store, users([{"userId": "u1", "country": "DE", "plan": "free"}]), at=AT - 9 * DAY)
    take(store, users([{"userId": "u1", "plan": "pro"}]), at=AT - DAY)

    found = segments.explain(store, rule(prop("country", "DE"), prop("plan", "free"), prop("city", "Ulm")), 0, at=AT)
    country, plan, city = (at_path(found, f"$.conditions[{place}]") for place in range(3))

    assert [each.truth for each in (country, plan, city)] == ["true", "false", "unknown"]
    assert (country.facts.value, country.facts.origin) == ("DE", profiles.Origin(AT - 9 * DAY, "tester", "test", created=True))
    assert (plan.facts.value, plan.facts.origin) == ("pro", profiles.Origin(AT - DAY, "tester", "test"))
    assert found.sentence == "plan is “free”, and city is “Ulm”."

    then = segments.explain(store, rule(prop("plan", "free")), 0, at=AT - 2 * DAY, past=True)

    assert (then.holds, at_path(then, "$.conditions[0]").facts.value) == (True, "free")


def test_an_unknown_value_is_called_unknown_whatever_it_counts_as(store: Store) -> None:
    take(store, users([{"userId": "u1"}]))
    is_not = prop("city", "Ulm", operator="is_not")
    found = segments.explain(
        store, rule(is_not, {**is_not, "unknown": "leave_out"}, prop("city", operator="is_not_known")), 0, at=AT
    )
    parts = [at_path(found, f"$.conditions[{place}]") for place in range(3)]

    assert [(each.holds, each.truth) for each in parts] == [(True, "unknown"), (False, "unknown"), (True, "true")]


def test_a_count_tells_what_was_found_needed_and_when(store: Store) -> None:
    workspace.change(store, zone_name="UTC")
    take(store, users([{"userId": "u1"}]), at=AT - 100 * DAY)
    orders = [("u1", "Order", AT - days * DAY) for days in (95, 85, 12)]
    take(store, events(orders, channels=["web", "app", "whatsapp"], message_ids=["a", "b", "c"]))

    found = segments.explain(store, rule(did("Order", 3, last=90)), 0, at=AT)
    part = at_path(found, "$.conditions[0]")

    assert (part.facts.found, part.facts.least, part.facts.most) == (2, 3, None)
    assert part.facts.window == (AT - 90 * DAY, AT)
    assert [(each.message_id, each.channel, each.at) for each in part.facts.events] == [
        ("c", "whatsapp", AT - 12 * DAY),
        ("b", "app", AT - 85 * DAY),
    ]
    assert [(each.more, each.until) for each in found.missing] == [(1, AT + 5 * DAY)]
    assert found.sentence == "1 more “Order” before 28 Nov 2026, 12:50."


def test_of_many_events_the_newest_twenty_are_told(store: Store) -> None:
    take(store, users([{"userId": "u1"}]), at=AT - 100 * DAY)
    take(store, events([("u1", "Order", AT - hours * timedelta(hours=1)) for hours in range(1, 61)]))

    facts = at_path(segments.explain(store, rule(did("Order", 61)), 0, at=AT), "$.conditions[0]").facts

    assert (facts.found, facts.oldest, len(facts.events)) == (60, AT - timedelta(hours=60), 20)
    assert facts.events[0].at == AT - timedelta(hours=1)


def test_too_many_events_are_told_as_fewer(store: Store) -> None:
    take(store, users([{"userId": "u1"}]), at=AT - 100 * DAY)
    take(store, events([("u1", "Order", AT - hours * timedelta(hours=1)) for hours in range(1, 6)]))
    wanted = {"operator": "at_most", "values": [2]}

    found = segments.explain(store, rule({"event": "Order", "times": wanted, "during": {"last": 7, "unit": "day"}}), 0, at=AT)

    assert found.sentence == "3 fewer “Order” in the last 7 days."


def test_figures_moments_regularity_and_orders_tell_how_far_they_came(world: Store) -> None:
    """u3 ordered today, yesterday and the day before, for 30, 40 and 50, and viewed the day before that."""
    names = ["sum above", "last before", "in two of two weeks", "order then view", "top two by a property", "last was on web"]
    found = segments.explain(world, rule(*(NODES[each][0] for each in names), match="any"), 3, at=AT)
    total, last, weeks, order, rank, occasion = (at_path(found, f"$.conditions[{place}]").facts for place in range(6))

    assert total.value == 120.0
    assert last.value == AT
    assert (weeks.found, weeks.least) == (2, 2)
    assert (order.found, order.least, len(order.events)) == (1, 2, 4)
    assert rank.value == 30.0
    assert [each.channel for each in occasion.events][:1] == ["app"]


def test_a_segment_within_is_opened_and_a_list_tells_since_when(store: Store) -> None:
    take(store, users([{"userId": "u1", "country": "DE"}]), at=AT - 9 * DAY)
    inner = saved.save(store, "Germans in Ulm", rule(prop("country", "DE"), prop("city", "Ulm")), by="ann", at=AT)
    fixed = lists.save(store, "VIP", People.of([0]), source="a file", by="ann", at=AT - DAY)

    found = segments.explain(store, rule({"segment": inner.id}, {"segment": fixed.id}), 0, at=AT)

    assert [each.path for each in found.missing] == ["$.conditions[0].segment.conditions[1]"]
    assert (found.whole.short, found.sentence) == (1, "city is “Ulm”.")
    assert at_path(found, "$.conditions[1]").facts.origin == profiles.Origin(AT - DAY, "", "a file")


def test_of_several_ways_the_shortest_is_told(store: Store) -> None:
    take(store, users([{"userId": "u1", "country": "DE"}]))
    two_ways = {
        "match": "any",
        "conditions": [{"match": "all", "conditions": [prop("country", "FR"), prop("city", "Nice")]}, prop("city", "Ulm")],
    }
    neither = {"match": "none", "conditions": [prop("country", "DE")]}

    found = segments.explain(store, rule(two_ways, neither), 0, at=AT)

    assert (found.whole.short, found.sentence) == (2, "city is “Ulm”, and country is not “DE”.")


# -- many at once -------------------------------------------------------------------------------


@given(what=GROUPS, keys=st.sets(st.integers(0, 5)))
def test_the_grid_of_many_says_of_each_what_is_said_of_them_alone(world: Store, what: dict[str, Any], keys: set[int]) -> None:
    of = segments.parse(what)
    found = segments.grid(world, of, People.of([*keys, 900]), at=AT)

    assert found.people == People.of(keys)
    for key in keys:
        alone = segments.explain(world, of, key, at=AT)
        leaves = {each.path: each for each in alone.parts() if not each.parts}
        assert (key in found.holds) == alone.holds
        assert {each.path: key in each.holds for each in found.columns} == {path: each.holds for path, each in leaves.items()}
        for column in found.columns:
            turned = {path: each.holds != (path == column.path) for path, each in leaves.items()}
            assert (key in column.alone_out) == (not alone.holds and holds(segments.dump(of), turned))


def test_the_condition_that_alone_keeps_most_out_is_the_hardest(store: Store) -> None:
    rows = [
        {"userId": f"u{each}", "country": "DE" if each < 5 else "FR", "city": "Ulm" if each < 2 else None} for each in range(6)
    ]
    take(store, users(rows))

    found = segments.grid(store, rule(prop("country", "DE"), prop("city", "Ulm")), People.of(range(6)), at=AT)

    assert found.hardest is not None
    assert (found.hardest.path, len(found.hardest.alone_out), len(found.hardest.unknown)) == ("$.conditions[1]", 3, 4)
    assert segments.grid(store, segments.EVERYONE, People.of(range(6)), at=AT).hardest is None


# -- forecast -----------------------------------------------------------------------------------


@given(what=GROUPS, key=st.integers(0, 5))
def test_the_answer_stays_up_to_the_forecast_and_changes_there(world: Store, what: dict[str, Any], key: int) -> None:
    of = segments.parse(what)
    if any(isinstance(each, Rank) for each in segments.walk(of)):
        return
    now = segments.explain(world, of, key, at=AT).holds
    found = segments.forecast(world, of, key, at=AT)
    end = found.at or AT + 40 * DAY
    steps = [AT + (end - AT) * part / 12 for part in range(1, 12)] + [end - timedelta(microseconds=1)]

    assert [key in segments.people(world, of, at=each) for each in steps if each > AT] == [now] * len(
        [each for each in steps if each > AT]
    )
    if found.at is not None:
        assert found.holds != now
        assert (key in segments.people(world, of, at=found.at)) == found.holds


def test_an_event_that_leaves_its_window_is_forecast_to_the_instant(store: Store) -> None:
    workspace.change(store, zone_name="UTC")
    take(store, users([{"userId": "u1"}]), at=AT - 100 * DAY)
    take(store, events([("u1", "Order", AT - 85 * DAY), ("u1", "Order", AT - 12 * DAY)]))

    found = segments.forecast(store, rule(did("Order", 2, last=90)), 0, at=AT)

    assert (found.at, found.holds) == (AT + 5 * DAY, False)
    assert found.sentence == "On 28 Nov 2026, 12:50 the “Order” of 30 Aug 2026 leaves the last 90 days."


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe"])
@pytest.mark.parametrize("unit", ["minute", "hour", "day", "week", "month"])
@given(start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), amount=st.integers(1, 9))  # noqa: DTZ001
def test_a_rolling_window_is_left_where_its_own_reading_says_so(unit: str, zone: str, start: datetime, amount: int) -> None:
    catalog = segments.Catalog({}, zone, 0)
    moment, during = start.replace(tzinfo=UTC), During("last", (amount, unit))
    found = breaks.of_window(during, moment, catalog, after=moment)

    def inside(at: datetime) -> bool:
        first, last, closed = windows.during(during, at, catalog)
        return breaks.within(moment.replace(tzinfo=None), (first, last, closed))

    expected, edges = True, [*found, found[-1] + 3 * DAY]
    for before, after in zip([moment, *found], edges, strict=True):
        for part in range(8):
            assert inside(before + (after - before) * part / 8) == expected
        expected = not expected


@pytest.mark.parametrize(
    ("condition", "when", "holds"),
    [
        (prop("lastSession", 14, "day", operator="in_the_last"), "2026-12-05 18:00", False),
        (prop("lastSession", 14, "day", operator="not_in_the_last"), "2026-12-05 18:00", True),
        (prop("lastSession", "this_week", operator="in_period"), "2026-11-23 00:00", False),
        (prop("lastSession", "last_week", operator="in_period"), "2026-11-23 00:00", True),
        (prop("lastSession", "yesterday", operator="in_period"), "2026-11-23 00:00", False),
        (prop("lastSession", 1, "week", operator="was_exactly"), "2026-11-23 00:00", True),
        (prop("dob", 7, operator="anniversary_in_the_next"), "2027-02-21 00:00", True),
        (prop("dob", 3, "month", operator="in_the_next"), None, False),
        (prop("dob", "2020-01-01", operator="before"), None, True),
        (prop("country", "DE", held={"for": 30, "unit": "day"}), "2026-12-10 12:00", True),
        (prop("country", operator="", held={"changed_in_the_last": 30, "unit": "day"}), "2026-12-10 12:00", False),
    ],
)
def test_dates_and_histories_change_the_answer_when_their_time_comes(
    store: Store, condition: dict[str, Any], when: str | None, holds: bool
) -> None:
    """Born on 29 February; moved to DE on 10 November at noon, last seen on the 21st at 18:00, all by the clocks of Berlin."""
    take(store, users([{"userId": "u1", "country": "FR", "dob": "2000-02-29"}]), at=AT - 100 * DAY)
    take(store, users([{"userId": "u1", "country": "DE"}]), at=datetime(2026, 11, 10, 11, tzinfo=UTC))
    take(store, events([("u1", "View", datetime(2026, 11, 21, 17, tzinfo=UTC))]))
    condition = {key: value for key, value in condition.items() if value != ""}
    at = datetime(2026, 11, 22, 20, tzinfo=UTC)

    found = segments.forecast(store, rule(condition), 0, at=at)

    expected = None if when is None else datetime.fromisoformat(when).replace(tzinfo=workspace.get(store).zone).astimezone(UTC)
    assert (found.at, found.holds) == (expected, holds)
