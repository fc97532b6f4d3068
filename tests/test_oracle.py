"""The sentences of the segment format as examples: what each says of one small person, asked of the plain reading and of the compiler."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from tests import oracle
from tests.oracle import Event
from tests.random_worlds import KINDS
from tests.steps import Happened, Left, Listing, Telling, Told, telling
from tests.worlds import AT
from user360 import segments

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
BERLIN = ZoneInfo("Europe/Berlin")
DAY, HOUR, MINUTE, TICK = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)
LONG_AGO = AT - 1_000 * DAY
NAMES = ("Order", "View", "Call")
NUMBER = count()


class Case(NamedTuple):
    """One claim: of a person with these values, later changes and events the node holds, or does not."""

    claim: str
    node: Json
    expected: bool
    values: Json | None = None
    changes: tuple[tuple[datetime, Json], ...] = ()
    events: tuple[Event, ...] = ()
    at: datetime = AT
    made: datetime = LONG_AGO


def berlin(text: str) -> datetime:
    """An instant as the wall in Berlin shows it; `fold` hours that come twice end in a second `!`."""
    return datetime.fromisoformat(text.rstrip("!")).replace(tzinfo=BERLIN, fold=text.endswith("!")).astimezone(UTC)


def order(at: datetime = AT - DAY, **properties: Any) -> Event:
    return Event("Order", at, f"m{next(NUMBER):04}", properties=properties)


def view(at: datetime = AT - DAY, **properties: Any) -> Event:
    return Event("View", at, f"m{next(NUMBER):04}", properties=properties)


def on(channel: str | None, at: datetime = AT - DAY) -> Event:
    return Event("Order", at, f"m{next(NUMBER):04}", channel=channel)


def is_(name: str, operator: str, *values: Any, **more: Any) -> Json:
    return {"property": name, "operator": operator, **({"values": list(values)} if values else {}), **more}


def did(**more: Any) -> Json:
    return {"event": "Order", **more}


def where(*conditions: Json, match: str = "all") -> Json:
    return did(where={"match": match, "conditions": list(conditions)})


def times(operator: str, *values: int, **more: Any) -> Json:
    return did(times={"operator": operator, "values": list(values)}, **more)


def last(amount: int, unit: str) -> Json:
    return did(during={"last": amount, "unit": unit})


def figure(function: str, operator: str, *values: float, of: str = "amount", **more: Any) -> Json:
    given = {"values": list(values)} if values else {}
    return did(measure={"function": function, "property": of}, operator=operator, **given, **more)


def moment(occurrence: str, operator: str, *values: Any, **more: Any) -> Json:
    return did(occurrence=occurrence, operator=operator, **({"values": list(values)} if values else {}), **more)


def occasion(occurrence: str, condition: Json, match: str = "all") -> Json:
    return did(occurrence=occurrence, having={"match": match, "conditions": [condition]})


def regular(periods: int, of: int, unit: str = "day") -> Json:
    return did(regularity={"periods": periods, "of": of, "unit": unit})


def held(condition: Json, **how: Any) -> Json:
    return {**condition, "held": how}


def follows(*names: str | None, **more: Any) -> Json:
    return {"sequence": [{"event": each} for each in names], **more}


def within(value: int, unit: str) -> Json:
    return {"within": {"value": value, "unit": unit}}


def group(match: str, *conditions: Json) -> Json:
    return {"match": match, "conditions": list(conditions)}


def moved(*changes: tuple[datetime, Any]) -> tuple[tuple[datetime, Json], ...]:
    return tuple((at, {"nick": value}) for at, value in changes)


ANN = is_("nick", "is", "Ann")
NOT_ANN = is_("nick", "is_not", "Ann")
AS_NUMBER: Json = {"type": "number"}
AUTUMN = berlin("2026-10-25 12:00")  # the day with 25 hours; its 02:30 came twice
SPRING = berlin("2026-03-29 12:00")  # the day with 23 hours, without a 02:30

TWICE = Event("Order", AT - DAY, "the same message")
# One line a claim, as in a table.
# fmt: off
GROUPS = [
    Case("all of nothing is everyone", group("all"), True),
    Case("all needs each", group("all", ANN, is_("vip", "is_true")), False, {"nick": "Ann", "vip": False}),
    Case("any needs one", group("any", ANN, is_("vip", "is_true")), True, {"nick": "Ann", "vip": False}),
    Case("none needs that no one holds", group("none", ANN, is_("vip", "is_true")), False, {"nick": "Ann"}),
    Case("none of what is unknown holds", group("none", ANN), True),
]
VALUES = [
    Case("a positive of what is unknown is false", ANN, False),
    Case("its negative is true", NOT_ANN, True),
    Case("unless the unknown is left out", NOT_ANN | {"unknown": "leave_out"}, False),
    Case("leaving out keeps who has another value", NOT_ANN | {"unknown": "leave_out"}, True, {"nick": "Bob"}),
    Case("made unknown is as never set", is_("nick", "is_known"), False, {"nick": "Ann"}, moved((AT - DAY, None))),
    Case("several values mean any of them", is_("nick", "is", "Bob", "Ann"), True, {"nick": "Ann"}),
    Case("for a negative none of them", is_("nick", "is_not", "Bob", "Ann"), False, {"nick": "Ann"}),
    Case("is minds the case", is_("nick", "is", "ann"), False, {"nick": "Ann"}),
    Case("unless told not to", is_("nick", "is", "ann", case="ignored"), True, {"nick": "Ann"}),
    Case("contains does not mind", is_("nick", "contains", "NN"), True, {"nick": "Ann"}),
    Case("unless told to", is_("nick", "contains", "NN", case="exact"), False, {"nick": "Ann"}),
    Case("a percent sign is a percent sign", is_("nick", "contains", "%"), False, {"nick": "Ann"}),
    Case("a pattern may match anywhere", is_("nick", "matches", "n+$"), True, {"nick": "Ann"}),
    Case("both ends of between are in", is_("score", "between", 1, 2), True, {"score": 2.0}),
    Case("a list may have any", is_("likes", "contains_any", "x", "q"), True, {"likes": ["x"]}),
    Case("or need all", is_("likes", "contains_all", "x", "q"), False, {"likes": ["x"]}),
    Case("an empty list is unknown", is_("likes", "contains_none", "x", unknown="leave_out"), False, {"likes": None}),
    Case("is_empty is is_not_known", is_("likes", "is_empty"), True),
    Case("a birthday on 29 February is on the 28th in common years", is_("born", "anniversary_in_the_next", 0), True, {"born": date(2024, 2, 29)}, at=berlin("2027-02-28 10:00")),
    Case("and on the 29th in leap years", is_("born", "anniversary_in_the_next", 0), False, {"born": date(2024, 2, 29)}, at=berlin("2028-02-28 10:00")),
    Case("a date of an instant is the whole day", is_("seen", "is", "2026-11-22"), True, {"seen": berlin("2026-11-22 23:59:59")}),
    Case("after a day is after its end", is_("seen", "after", "2026-11-22"), False, {"seen": berlin("2026-11-22 23:59:59")}),
    Case("of instants the last of between is out", is_("seen", "between", "2026-11-01 10:00:00", "2026-11-02 10:00:00"), False, {"seen": berlin("2026-11-02 10:00")}),
    Case("of days both are in", is_("seen", "between", "2026-11-01", "2026-11-02"), True, {"seen": berlin("2026-11-02 23:59:59")}),
    Case("a week ago is that calendar week", is_("seen", "was_exactly", 1, "week"), True, {"seen": berlin("2026-11-16 00:00")}),
    Case("an hour ago is that hour on the wall", is_("seen", "was_exactly", 1, "hour"), True, {"seen": berlin("2026-11-23 12:00")}),
]
COUNTS = [
    Case("times counts distinct messages", times("exactly", 1), True, events=(TWICE, TWICE)),
    Case("an event is asked for at least once", did(), True, events=(order(),)),
    Case("other events are not it", did(), False, events=(view(),)),
    Case("null is any event", {"event": None}, True, events=(view(),)),
    Case("a user that was made has not done anything", {"event": None}, False),
    Case("exactly 0 includes who did it never", times("exactly", 0), True),
    Case("at most 2 includes who did it never", times("at_most", 2), True),
    Case("less than 1 includes who did it never", times("less_than", 1), True),
    Case("between 0 and 2 includes who did it never", times("between", 0, 2), True),
    Case("greater than 1 is not 1", times("greater_than", 1), False, events=(order(),)),
    Case("two events at one instant both count", times("exactly", 2), True, events=(order(), order())),
    Case("events later than now never count", times("exactly", 0), True, events=(order(AT + TICK),)),
    Case("an event of this very instant counts", did(), True, events=(order(AT),)),
    Case("nor does a stretch that goes on let later ones count", did(during={"after": "2026-11-01"}), False, events=(order(AT + TICK),)),
]
DURING = [
    Case("a rolling window begins after now - n", last(7, "day"), False, events=(order(AT - 7 * DAY),)),
    Case("and a tick later is in it", last(7, "day"), True, events=(order(AT - 7 * DAY + TICK),)),
    Case("hours go by the clock", last(24, "hour"), True, events=(order(berlin("2026-10-24 13:00:00.000001")),), at=AUTUMN),
    Case("days by the wall, also of 25 hours", last(1, "day"), True, events=(order(berlin("2026-10-24 12:00:00.000001")),), at=AUTUMN),
    Case("which is more than 24 hours then", last(24, "hour"), False, events=(order(berlin("2026-10-24 12:30")),), at=AUTUMN),
    Case("a month back from the 31st ends on the last day there is", last(1, "month"), False, events=(order(berlin("2026-02-28 12:00")),), at=berlin("2026-03-31 12:00")),
    Case("a wall time that came twice is the first", last(1, "day"), True, events=(order(berlin("2026-10-25 02:30!")),), at=berlin("2026-10-26 02:30")),
    Case("today begins at midnight of the zone", did(during={"calendar": "today"}), True, events=(order(berlin("2026-11-23 00:00")),)),
    Case("yesterday ends there", did(during={"calendar": "yesterday"}), False, events=(order(berlin("2026-11-23 00:00")),)),
    Case("a day with 25 hours still is one day", did(during={"on": "2026-10-25"}), True, events=(order(berlin("2026-10-25 23:59:59")),), at=AT),
    Case("weeks begin on Monday", did(during={"calendar": "last_week"}), True, events=(order(berlin("2026-11-22 23:00")),)),
    Case("last month is the whole of it", did(during={"calendar": "last_month"}), True, events=(order(berlin("2026-10-01 00:00")),)),
    Case("this year begins on 1 January", did(during={"calendar": "this_year"}), False, events=(order(berlin("2025-12-31 23:59")),)),
    Case("after a bare date is after that day's end", did(during={"after": "2026-11-22"}), False, events=(order(berlin("2026-11-22 23:59")),)),
    Case("before it is before its start", did(during={"before": "2026-11-22"}), False, events=(order(berlin("2026-11-22 00:00")),)),
    Case("from and to days are both included", did(during={"from": "2026-11-20", "to": "2026-11-21"}), True, events=(order(berlin("2026-11-21 23:59")),)),
    Case("of instants from is included", did(during={"from": "2026-11-20 10:00:00", "to": "2026-11-21 10:00:00"}), True, events=(order(berlin("2026-11-20 10:00")),)),
    Case("and to is not", did(during={"from": "2026-11-20 10:00:00", "to": "2026-11-21 10:00:00"}), False, events=(order(berlin("2026-11-21 10:00")),)),
    Case("an instant may name its offset", did(during={"after": "2026-10-25T01:00:00Z"}), False, events=(order(berlin("2026-10-25 02:00!")),)),
]
WHERE = [
    Case("a number kept as text compares as a number", where(is_("amount", "greater_than", 9, **AS_NUMBER)), True, events=(order(amount="10"),)),
    Case("also with blanks and a plus", where(is_("amount", "is", 10, **AS_NUMBER)), True, events=(order(amount=" +10 "),)),
    Case("what does not parse is unknown", where(is_("amount", "less_than", 9, **AS_NUMBER)), False, events=(order(amount="1_0"), order(amount="1,5"), order(amount={"a": 1}), order(amount=True), order(amount="NaN"), order(amount=[5]))),
    Case("so its negative is true", where(is_("amount", "is_not", 9, **AS_NUMBER)), True, events=(order(amount="abc"),)),
    Case("unless left out", where(is_("amount", "is_not", 9, unknown="leave_out", **AS_NUMBER)), False, events=(order(amount="abc"), order(amount=None), order())),
    Case("null, empty text and an empty list are unknown", where(is_("amount", "is_known", type="string")), False, events=(order(amount=None), order(amount=""), order(amount=[]))),
    Case("a number without a type is compared as one", where(is_("amount", "is", 10)), True, events=(order(amount="10.0"),)),
    Case("text that says true is true", where(is_("paid", "is_true")), True, events=(order(paid="TRUE"),)),
    Case("one is not", where(is_("paid", "is_true")), False, events=(order(paid=1), order(paid="yes"))),
    Case("items of a list are told apart once each", where(is_("items", "has_at_least", 2, type="list")), False, events=(order(items=["x", "x", None]),)),
    Case("an instant without an offset is of the zone", where(is_("due", "is", "2026-11-23 10:00:00", type="datetime")), True, events=(order(due="2026-11-23T10:00:00"),)),
    Case("one that came twice is the first", where(is_("due", "is", "2026-10-25T00:30:00Z", type="datetime")), True, events=(order(due="2026-10-25T02:30:00"),)),
    Case("one with an offset is of its own", where(is_("due", "is", "2026-11-23 10:00:00", type="datetime")), True, events=(order(due="2026-11-23T10:00:00+01:00"),)),
    Case("milliseconds since 1970 are an instant", where(is_("due", "is", "2026-11-23T18:00:00Z", type="datetime")), True, events=(order(due=1795456800000),)),
    Case("a channel is a condition on the event", where(is_("channel", "is", "web")), True, events=(on("web"),)),
    Case("no channel is not that channel", where(is_("channel", "is_not", "web")), True, events=(on(None),)),
    Case("unless left out there too", where(is_("channel", "is_not", "web", unknown="leave_out")), False, events=(on(None),)),
    Case("a source is one too", where(is_("source", "is", "test")), True, events=(order(),)),
    Case("one event has to meet all", where(is_("amount", "is", 1), is_("note", "is", "red")), False, events=(order(amount=1), order(note="red"))),
    Case("none is of one event as well", where(is_("amount", "is", 1), match="none"), True, events=(order(amount=1), order(amount=2))),
]
FIGURES = [
    Case("a sum over no events is 0", figure("sum", "is", 0), True),
    Case("a sum over events without a number is 0", figure("sum", "is", 0), True, events=(order(amount="abc"),)),
    Case("a number of values over no events is 0", figure("distinct", "is", 0), True),
    Case("an average over none is unknown", figure("average", "at_most", 0), False),
    Case("so its negative is true", figure("average", "is_not", 0), True),
    Case("unless left out", figure("average", "is_not", 0, unknown="leave_out"), False),
    Case("a sum of none is known", figure("sum", "is_not", 1, unknown="leave_out"), True),
    Case("numbers kept as text are summed", figure("sum", "is", 7.5), True, events=(order(amount="5"), order(amount=2.5), order(amount="x"))),
    Case("what is no number does not count for an average", figure("average", "is", 4), True, events=(order(amount=3), order(amount="5"), order(amount=None))),
    Case("true is no number", figure("max", "is_known"), False, events=(order(amount=True),)),
    Case("distinct values are told apart as text", figure("distinct", "is", 2), True, events=(order(amount=5), order(amount="5"), order(amount="6"), order(amount=None))),
    Case("5 and 5.0 are one value", figure("distinct", "is", 1), True, events=(order(amount=5), order(amount=5.0))),
    Case("the number of channels", figure("distinct", "is", 1, of="channel"), True, events=(on("web"), on("web"), on(None))),
    Case("a figure is over its stretch of time", figure("min", "is", 5, during={"last": 1, "unit": "day"}), True, events=(order(AT - 2 * DAY, amount=1), order(AT, amount=5))),
]
MOMENTS = [
    Case("the first time", moment("first", "before", "2026-11-22"), True, events=(order(berlin("2026-11-21 10:00")), order())),
    Case("is not the last", moment("last", "before", "2026-11-22"), False, events=(order(berlin("2026-11-21 10:00")), order())),
    Case("it did not happen: unknown, so the negative is true", moment("last", "not_in_the_last", 7, "day"), True),
    Case("unless left out", moment("last", "not_in_the_last", 7, "day", unknown="leave_out"), False),
    Case("several days mean any of them", moment("first", "is", "2026-11-20", "2026-11-22"), True, events=(order(berlin("2026-11-22 23:59")),)),
    Case("the first within a span is not the first within the stretch of time", moment("first", "is_today"), False, events=(order(), order(AT))),
    Case("of several at one instant the greatest id is the last", occasion("last", is_("amount", "is", 2)), True, events=(Event("Order", AT, "z9", properties={"amount": 2}), Event("Order", AT, "z10", properties={"amount": 1}))),
    Case("and the least is the first", occasion("first", is_("amount", "is", 1)), True, events=(Event("Order", AT, "y9", properties={"amount": 2}), Event("Order", AT, "y10", properties={"amount": 1}))),
    Case("the last was such, not any", occasion("last", is_("amount", "is", 1)), False, events=(order(AT - DAY, amount=1), order(AT, amount=2))),
    Case("who has none has no last that was not such", occasion("last", is_("amount", "is", 1), "none"), False),
    Case("on 2 of the last 2 days, today included", regular(2, 2), True, events=(order(berlin("2026-11-22 00:00")), order(AT))),
    Case("twice a day is one day", regular(2, 2), False, events=(order(AT - MINUTE), order(AT))),
    Case("the day before is out", regular(1, 1), False, events=(order(berlin("2026-11-22 23:59")),)),
    Case("this week and the one before", regular(2, 2, "week"), True, events=(order(berlin("2026-11-16 00:00")), order(AT))),
    Case("this month and the one before", regular(2, 2, "month"), True, events=(order(berlin("2026-10-01 00:00")), order(AT))),
]
HISTORY = [
    Case("held for so long", held(ANN, **{"for": 7, "unit": "day"}), True, {"nick": "Ann"}),
    Case("without a break", held(ANN, **{"for": 7, "unit": "day"}), False, {"nick": "Ann"}, moved((AT - 2 * DAY, "Bob"), (AT - DAY, "Ann"))),
    Case("a break that ended as the span began is none", held(ANN, **{"for": 7, "unit": "day"}), True, {"nick": "Bob"}, moved((AT - 7 * DAY, "Ann"))),
    Case("a tick later it is one", held(ANN, **{"for": 7, "unit": "day"}), False, {"nick": "Bob"}, moved((AT - 7 * DAY + TICK, "Ann"))),
    Case("who was made later has not held it so long", held(ANN, **{"for": 7, "unit": "day"}), False, {"nick": "Ann"}, made=AT - 6 * DAY),
    Case("a negative is held by the unknown", held(NOT_ANN, **{"for": 7, "unit": "day"}), True, {}, moved((AT - DAY, "Bob"))),
    Case("unless left out", held(NOT_ANN | {"unknown": "leave_out"}, **{"for": 7, "unit": "day"}), False, {}, moved((AT - DAY, "Bob"))),
    Case("ever is at any moment so far", held(ANN, ever=True), True, {"nick": "Bob"}, moved((AT - 2 * DAY, "Ann"), (AT - DAY, "Cy"))),
    Case("also at the first", held(ANN, ever=True), True, {"nick": "Ann"}, moved((AT - DAY, None))),
    Case("and never is not", held(ANN, ever=True), False, {"nick": "Bob"}, moved((AT - DAY, "Cy"))),
    Case("changed lately", {"property": "nick", "held": {"changed_in_the_last": 1, "unit": "day"}}, True, {"nick": "Bob"}, moved((AT - HOUR, "Ann"))),
    Case("set when made is no change", {"property": "nick", "held": {"changed_in_the_last": 1, "unit": "day"}}, False, {"nick": "Bob"}, made=AT - HOUR),
    Case("set the first time later is one", {"property": "nick", "held": {"changed_in_the_last": 1, "unit": "day"}}, True, {}, moved((AT - HOUR, "Ann"))),
    Case("told the same again is none", {"property": "nick", "held": {"changed_in_the_last": 1, "unit": "day"}}, False, {"nick": "Bob"}, moved((AT - HOUR, "Bob"))),
    Case("so long ago is not lately", {"property": "nick", "held": {"changed_in_the_last": 1, "unit": "day"}}, False, {"nick": "Bob"}, moved((AT - DAY, "Ann"))),
]
ORDERS = [
    Case("one after the other", follows("View", "Order"), True, events=(view(AT - DAY), order(AT))),
    Case("not the other way round", follows("Order", "View"), False, events=(view(AT - DAY), order(AT))),
    Case("at one instant nothing is later", follows("View", "Order"), False, events=(view(AT), order(AT))),
    Case("nor is an event later than itself", follows("Order", "Order"), False, events=(order(AT),)),
    Case("all within the span from the first", follows("View", "Order", **within(1, "day")), True, events=(view(AT - DAY), order(AT))),
    Case("and not a tick longer", follows("View", "Order", **within(1, "day")), False, events=(view(AT - DAY), order(AT + TICK)), at=AT + DAY),
    Case("any first will do", follows("View", "Order", **within(1, "hour")), True, events=(view(AT - DAY), view(AT - MINUTE), order(AT))),
    Case("three in order, other events between", follows("View", "Order", "View"), True, events=(view(AT - 3 * HOUR), view(AT - 2 * HOUR), order(AT - HOUR), view(AT))),
    Case("the span is of all, not of each", follows("View", "Order", "View", **within(2, "hour")), False, events=(view(AT - 3 * HOUR), order(AT - 2 * HOUR), view(AT))),
    Case("days of a span go by the wall", follows("View", "Order", **within(1, "day")), True, events=(view(berlin("2026-10-24 12:00")), order(AUTUMN)), at=AUTUMN),
    Case("hours by the clock", follows("View", "Order", **within(24, "hour")), False, events=(view(berlin("2026-10-24 12:00")), order(AUTUMN)), at=AUTUMN),
    Case("a span ends at the first of a wall time that comes twice", follows("View", "Order", **within(1, "day")), False, events=(view(berlin("2026-10-24 02:30")), order(berlin("2026-10-25 02:30!"))), at=AUTUMN),
    Case("and reaches that", follows("View", "Order", **within(1, "day")), True, events=(view(berlin("2026-10-24 02:30")), order(berlin("2026-10-25 02:30"))), at=AUTUMN),
    Case("one that never comes is an hour on", follows("View", "Order", **within(1, "day")), True, events=(view(berlin("2026-03-28 02:30")), order(berlin("2026-03-29 03:30"))), at=SPRING),
    Case("a stretch of time holds for every step", follows("View", "Order", during={"last": 1, "unit": "day"}), False, events=(view(AT - DAY), order(AT))),
    Case("each step has properties of its own", {"sequence": [{"event": "View", "where": group("all", is_("note", "is", "red"))}, {"event": "Order"}]}, False, events=(view(AT - DAY, note="blue"), order(AT))),
]
# fmt: on
CASES = [*GROUPS, *VALUES, *COUNTS, *DURING, *WHERE, *FIGURES, *MOMENTS, *HISTORY, *ORDERS]


def _steps() -> Iterator[Told | Happened]:
    """Everybody of every case, each under the number of their case, told in the order of time."""
    told: dict[datetime, dict[str, Json]] = {}
    for number, case in enumerate(CASES):
        told.setdefault(case.made, {})[f"case {number}"] = case.values or {}
        for at, values in case.changes:
            told.setdefault(at, {})[f"case {number}"] = values
    for at in sorted(told):
        yield Told(at, told[at])
    yield Happened(AT + 9 * DAY, [(f"case {number}", each) for number, case in enumerate(CASES) for each in case.events])


@pytest.fixture(scope="module")
def everybody() -> Iterator[Telling]:
    found = telling(KINDS, zone=BERLIN, week_starts=0, at=LONG_AGO)
    found.tell(Happened(LONG_AGO, [("somebody else", Event(name, LONG_AGO, f"somebody's {name}")) for name in NAMES]))
    for each in _steps():
        found.tell(each)
    yield found
    found.store.close()


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{place} {each.claim}" for place, each in enumerate(CASES)])
def test_the_format_means_what_it_says(everybody: Telling, number: int) -> None:
    case = CASES[number]
    person = everybody.users[f"case {number}"]
    rule = case.node if "match" in case.node else group("all", case.node)
    asked = segments.people(everybody.store, segments.parse(rule), at=case.at)

    assert oracle.holds(rule, person, everybody.world, at=case.at) is case.expected
    assert (person.key in asked) is case.expected


@pytest.fixture
def few() -> Iterator[Telling]:
    """Five people, made a day after one another: scores 1, 2, 2, 3 and none; orders 0, 1, 1, 2 and 0."""
    found = telling(KINDS, zone=BERLIN, week_starts=0, at=LONG_AGO)
    for number, score in enumerate((1.0, 2.0, 2.0, 3.0, None)):
        found.tell(Told(AT - (10 - number) * DAY, {f"u{number}": {"score": score}}))
    orders = [order(AT - 4 * DAY, amount=amount) for amount in (5, 5, 1, "x")]
    found.tell(Happened(AT, list(zip(("u1", "u2", "u3", "u3"), orders, strict=True))))
    yield found
    found.store.close()


def _found(telling: Telling, node: Json, *, at: datetime = AT) -> list[int]:
    """Who the node holds for, by the plain reading and by the compiler, which have to agree."""
    asked = segments.people(telling.store, segments.parse(group("all", node)), at=at, past=True).keys().tolist()
    assert oracle.people(group("all", node), telling.world, at=at) == asked
    return oracle.people(group("all", node), telling.world, at=at)


@pytest.mark.parametrize(
    ("rank", "expected"),
    [
        ({"rank": "top", "count": 1, "property": "score"}, [3]),
        ({"rank": "top", "count": 2, "property": "score"}, [1, 3]),
        ({"rank": "bottom", "count": 2, "property": "score"}, [0, 1]),
        ({"rank": "bottom", "count": 9, "property": "score"}, [0, 1, 2, 3]),
        ({"rank": "top", "percent": 25, "property": "score"}, [3]),
        ({"rank": "top", "percent": 25.1, "property": "score"}, [1, 3]),
        ({"rank": "bottom", "percent": 40, "event": "Order"}, [0, 4]),
        ({"rank": "top", "percent": 1, "event": "Order"}, [3]),
        ({"rank": "bottom", "count": 3, **figure("sum", "is")}, [0, 3, 4]),
        ({"rank": "bottom", "count": 3, **figure("average", "is")}, [1, 2, 3]),
        ({"rank": "bottom", "count": 1, **figure("max", "is")}, [3]),
    ],
)
def test_a_rank_lines_up_all_whose_value_is_known_and_ties_go_by_profile(few: Telling, rank: Json, expected: list[int]) -> None:
    assert _found(few, {key: value for key, value in rank.items() if key not in {"operator", "values"}}) == expected


def test_a_rank_then_was_among_those_who_were_there_then(few: Telling) -> None:
    top = {"rank": "top", "count": 1, "property": "score"}
    few.tell(Told(AT - 2 * DAY, {"u0": {"score": 9.0}}))
    few.tell(Left(AT - DAY, ["u0"]))

    assert [_found(few, top, at=AT - days * DAY) for days in (9, 3, 2, 1, 0)] == [[1], [3], [0], [3], [3]]


def test_a_rank_then_was_not_of_who_was_made_later(few: Telling) -> None:
    few.tell(Told(AT - HOUR, {"new": {}}))
    few.tell(Happened(AT, [("new", order(AT - 4 * DAY, amount=100))]))
    top = {"rank": "top", "count": 1, "event": "Order", "measure": {"function": "max", "property": "amount"}}

    assert [_found(few, top, at=at) for at in (AT - DAY, AT)] == [[1], [5]]


def test_a_list_has_who_was_on_it_then_and_a_segment_who_its_rule_holds_for(few: Telling) -> None:
    listed = few.save_list("few", at=AT - 3 * DAY)
    ruled = few.save_rule("ruled", group("none", {"segment": listed}), at=AT - 3 * DAY)
    few.tell(Listing(AT - 2 * DAY, listed, ["u1", "u2"], on=True))
    few.tell(Listing(AT - DAY, listed, ["u1"], on=False))

    assert [_found(few, {"segment": listed}, at=AT - days * DAY) for days in (3, 2, 1)] == [[], [1, 2], [2]]
    assert [_found(few, {"segment": ruled}, at=AT - days * DAY) for days in (3, 2, 1)] == [
        [0, 1, 2, 3, 4],
        [0, 3, 4],
        [0, 1, 3, 4],
    ]


def test_the_past_has_who_was_deleted_later_and_events_from_the_moment_they_happened(few: Telling) -> None:
    few.tell(Left(AT, ["u1"]))
    few.tell(Happened(AT, [("u2", order(AT - 5 * DAY))]))

    assert _found(few, did()) == [2, 3]
    assert _found(few, did(), at=AT - TICK) == [1, 2, 3]
    assert _found(few, did(), at=AT - 5 * DAY) == [2]
    assert _found(few, group("none", did()), at=AT - 9 * DAY) == [0, 1]
