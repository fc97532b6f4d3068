"""Events: each message once for ever, totals that follow from the events, and a table that keeps itself in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.random_worlds import begun, recipe
from tests.worlds import AT, events, take, users
from user360 import events as event_room
from user360 import ingest, profiles
from user360.errors import Unknown
from user360.events import clustering, summing
from user360.events.appending import PIECE
from user360.people import People
from user360.sql import Sql, sql
from user360.store import open_store

if TYPE_CHECKING:
    from user360.store import Store

DAY = timedelta(days=1)


def _naive(at: datetime) -> datetime:
    return at.replace(tzinfo=None)


def test_a_message_id_is_taken_once_whenever_it_comes_again(store: Store) -> None:
    first = take(store, events([("a", "Order", AT), ("a", "Order", AT)], message_ids=["m1", "m1"]))
    again = take(store, events([("a", "Order", AT + 400 * DAY), ("a", "Order", AT)], message_ids=["m1", "m2"]))

    assert (first.stored, first.known, again.stored, again.known) == (1, 1, 1, 1)


def test_a_message_of_somebody_deleted_stays_known(store: Store) -> None:
    take(store, events([("a", "Order", AT)], message_ids=["m1"]))
    profiles.delete(store, profiles.everyone(store), by="Mira", source="Users", at=AT)

    assert take(store, events([("a", "Order", AT)], message_ids=["m1"])).known == 1


def test_the_same_rows_without_ids_are_stored_once_and_equal_rows_of_one_file_are_both_kept(store: Store) -> None:
    batch = events([("a", "Order", AT), ("a", "Order", AT), ("a", "View", AT)])

    assert [(each.stored, each.known) for each in (take(store, batch), take(store, batch))] == [(3, 0), (0, 3)]


def test_last_session_and_channel_follow_the_newest_event_only(store: Store) -> None:
    take(store, users([{"userId": "a"}]))
    take(store, events([("a", "Order", AT), ("a", "View", AT - DAY)], channels=["whatsapp", "web"]))
    take(store, events([("a", "View", AT - 2 * DAY)], channels=["email"]))
    found = profiles.get(store, 0).values

    assert (found["lastSession"], found["lastChannel"]) == (AT, "whatsapp")
    assert profiles.history(store, 0) == []


@pytest.mark.parametrize("about", [AT, AT - 400 * DAY, AT + 20 * DAY, AT + 400 * DAY])
def test_the_newest_event_is_found_wherever_it_is_looked_for_and_as_it_is_now(store: Store, about: datetime) -> None:
    assert event_room.newest(store, about=about) is None
    for when in (AT - 2 * DAY, AT - DAY, AT):
        take(store, events([("a", "Order", when)]))
        assert event_room.newest(store, about=about) == when
    take(store, events([("b", "Order", AT - DAY)]))
    profiles.delete(store, People.of([0]), by="Mira", source="Users", at=AT - DAY)

    left = store.rows(Sql("SELECT max(occurred_at) FROM events"))[0][0]
    assert event_room.newest(store, about=about) == left.replace(tzinfo=UTC) == AT - DAY


def test_an_event_of_somebody_unknown_makes_the_user_as_of_that_event(store: Store) -> None:
    receipt = take(store, events([("new", "Order", AT - DAY)]))

    assert (receipt.created, profiles.get(store, 0).values["createdAt"]) == (1, AT - DAY)


def test_somebody_met_in_an_event_still_to_come_was_made_when_it_arrived(store: Store) -> None:
    take(store, events([("a", "Order", AT + DAY)]))

    assert profiles.get(store, 0).values["createdAt"] == AT


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ((None, "Order", AT), "propertiesRequired"),
        (("null", "Order", AT), "propertiesRequired"),
        (("a", None, AT), "propertiesRequired"),
        (("a", "Order", None), "propertiesRequired"),
        (("a", "USER_CREATE", AT), "invalidProperty"),
        (("a", "x" * 201, AT), "invalidProperty"),
    ],
)
def test_an_event_that_says_too_little_is_refused_and_its_neighbour_stored(
    store: Store, row: tuple[str | None, str | None, datetime | None], code: str
) -> None:
    receipt = take(store, events([row, ("a", "View", AT)]))

    assert ([each.code for each in receipt.rejected], [each.position for each in receipt.rejected], receipt.stored) == (
        [code],
        [1],
        1,
    )


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from(["Order", "View"]), st.integers(0, 400), st.sampled_from(["web", "app", None])
        ),
        max_size=30,
    )
)
def test_first_last_and_total_are_those_of_the_events_themselves(rows: list[tuple[str, str, int, str | None]]) -> None:
    store = open_store()
    take(store, users([{"userId": each} for each in "abc"]))
    for start in range(0, len(rows), 7):
        batch = rows[start : start + 7]
        timed = [(who, name, AT - hours * timedelta(hours=1)) for who, name, hours, _ in batch]
        take(
            store,
            events(timed, channels=[each[3] for each in batch], message_ids=[f"m{start + place}" for place in range(len(batch))]),
        )
    event_room.tidy(store)
    found = {
        (key, row["event"]): (row["first_at"], row["last_at"], row["total"])
        for key in range(3)
        for row in event_room.totals(store, key).to_pylist()
        if not row["system"]
    }
    expected = {}
    for key, user_id in enumerate("abc"):
        for name in ("Order", "View"):
            times = [_naive(AT - hours * timedelta(hours=1)) for who, what, hours, _ in rows if (who, what) == (user_id, name)]
            if times:
                expected[(key, name)] = (min(times), max(times), len(times))
    store.close()

    assert expected == found


def test_the_latest_events_of_a_card_are_those_of_its_timeline(store: Store) -> None:
    rows = [("a" if each % 3 else "b", "View", AT - timedelta(hours=each // 4)) for each in range(300)]
    take(store, events(rows, message_ids=[f"m{each}" for each in range(300)]))

    for key in (0, 1):
        latest = event_room.engagement(store, key, latest=20).latest
        assert latest == event_room.timeline(store, key, limit=20).select(latest.column_names)


def test_the_catalogue_counts_users_and_events(store: Store) -> None:
    take(store, events([("a", "Order", AT), ("a", "Order", AT - DAY), ("b", "Order", AT), ("b", "View", AT)]))
    found = {row["event"]: (row["users"], row["total"]) for row in event_room.catalogue(store).to_pylist()}

    assert (found["Order"], found["View"], found["USER_CREATE"], found["USER_MERGE"]) == ((2, 3), (1, 1), (2, 2), (0, 0))


def plainly_counted(store: Store) -> list[tuple[str, bool, int, int, datetime | None, datetime | None]]:
    return store.rows(
        Sql(
            "SELECT name, system, count(DISTINCT profile_key), count(profile_key), min(occurred_at), max(occurred_at) FROM event_names "
            "LEFT JOIN events USING (event_id) GROUP BY name, system ORDER BY system, count(profile_key) DESC, name"
        )
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_catalogue_is_what_the_events_say_after_whatever_happens(seed: int) -> None:
    """Among it merges, undone merges, deletions, and rows that come to stand elsewhere; it is asked in between, now and then."""
    random = Random(seed)  # noqa: S311 - chance, not secrets
    made = recipe(random)
    found = begun(made)
    moves = 0
    for each in made.steps[1:]:
        found.tell(each)
        if random.random() < 0.3:
            event_room.recluster(found.store, *(bucket.week for bucket in event_room.buckets(found.store)))
            found.store.checkpoint()
        if random.random() < 0.7:
            moves += 1
            assert [tuple(row.values()) for row in event_room.catalogue(found.store).to_pylist()] == plainly_counted(found.store)

    assert moves
    assert [tuple(row.values()) for row in event_room.catalogue(found.store).to_pylist()] == plainly_counted(found.store)
    found.store.close()


def test_the_catalogue_goes_on_from_what_it_knew_and_begins_anew_where_events_went(store: Store) -> None:
    take(store, events([("a", "Order", AT), ("b", "Order", AT - DAY), ("b", "View", AT)]))
    first = summing.sums(store)
    take(store, events([("c", "Order", AT + DAY)]))
    second = summing.sums(store)
    profiles.delete(store, People.of([1]), by="Mira", source="Users", at=AT)
    third = event_room.catalogue(store).to_pylist()
    view, order = (event_room.numbers(store)[each] for each in ("View", "Order"))

    assert second[view] is first[view]
    assert (first[order].total, second[order].total, second[order].users, second[order].last_at) == (2, 3, 3, _naive(AT + DAY))
    assert [(row["event"], row["users"], row["total"]) for row in third if not row["system"]] == [("Order", 2, 2), ("View", 0, 0)]


def test_who_did_what_is_counted_without_bitmaps_where_they_would_not_fit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summing, "MOST_BITMAP_BYTES", 0)
    monkeypatch.setattr(summing, "MOST_KEPT_BYTES", 0)
    take(store, events([("a", "Order", AT), ("a", "Order", AT - DAY), ("b", "View", AT)]))

    for _ in range(2):
        assert [tuple(row.values()) for row in event_room.catalogue(store).to_pylist()] == plainly_counted(store)


def test_the_stream_can_be_paged_without_losing_events_of_one_instant(store: Store) -> None:
    take(store, events([("a", "View", AT)] * 7, message_ids=[f"m{each}" for each in range(7)]))
    seen: list[str] = []
    before = None
    while True:
        page = event_room.stream(store, names=["View"], limit=3, before=before).to_pylist()
        if not page:
            break
        seen += [row["messageId"] for row in page]
        before = (page[-1]["at"].replace(tzinfo=UTC), page[-1]["messageId"])

    assert sorted(seen) == [f"m{each}" for each in range(7)]


def test_the_stream_filters_by_event_channel_people_time_and_text(store: Store) -> None:
    take(
        store,
        events(
            [("a", "Order", AT), ("b", "Order", AT - DAY), ("a", "View", AT)],
            channels=["web", "app", None],
            properties=['{"sku": "Teal kurta"}', None, None],
        ),
    )
    ask = event_room.stream

    assert [
        ask(store, names=["Order"]).num_rows,
        ask(store, channels=["app"]).num_rows,
        ask(store, names=["Order", "View"], within=People.of([0])).num_rows,
        ask(store, names=["Order"], since=AT - DAY, until=AT).num_rows,
        ask(store, text="teal").num_rows,
    ] == [2, 1, 2, 1, 1]


def test_the_schema_of_an_event_shows_types_share_and_commonest_values(store: Store) -> None:
    texts = ['{"amount": 12.5, "sku": "x", "gift": true}', '{"amount": "12", "sku": "x"}', None, "{}"]
    take(store, events([("a", "Order", AT + each * DAY) for each in range(4)], properties=texts))
    found = {each.name: each for each in event_room.schema(store, "Order")}

    assert (found["amount"].types, found["sku"].known_share, found["sku"].commonest) == (("number", "text"), 0.5, (("x", 2),))
    with pytest.raises(Unknown, match="Did you mean “Order”"):
        event_room.schema(store, "Ordr")


def test_properties_come_back_as_they_went_in(store: Store) -> None:
    text = '{"a":1,"b":1.0,"c":"é\\u0001","d":[1,{"e":null}],"f":true,"n":12345678901234567890}'
    take(store, events([("a", "Order", AT)], properties=[text]))

    assert event_room.stream(store, names=["Order"])["properties"].to_pylist() == [text]


def test_sorting_a_week_changes_no_answer_and_leaves_it_in_order(store: Store) -> None:
    take(store, events([("a", name, AT - hours * timedelta(hours=1)) for hours in range(60) for name in ("View", "Order")]))
    before = event_room.stream(store, limit=500).to_pylist()
    for bucket in event_room.buckets(store):
        event_room.recluster(store, bucket.week)
    order = store.rows(Sql("SELECT date_trunc('week', occurred_at), event_id, occurred_at FROM events ORDER BY rowid"))

    assert event_room.stream(store, limit=500).to_pylist() == before
    assert [each.tail for each in event_room.buckets(store)] == [0, 0]
    assert order == sorted(order)


def _some(count: int, word: str) -> ingest.Events:
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    rows = [("a", ("View", "Order")[each % 2], monday + (each * 7 % 1_000) * timedelta(minutes=1)) for each in range(count)]
    return events(rows, message_ids=[f"{word}{each}" for each in range(count)])


def test_a_week_is_sorted_whole_once_it_has_doubled_and_what_came_in_between_by_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clustering, "WORTH_IT", 10)
    seen = []
    for word, count in (("first", 50), ("few", 9), ("some", 20), ("many", 40)):
        take(store, _some(count, word))
        event_room.tidy(store)
        (bucket,) = [each for each in event_room.buckets(store) if each.total >= 50]
        seen.append((bucket.total, bucket.tail, bucket.whole))
    own = "SELECT event_id, occurred_at FROM events WHERE event_id >= 4 ORDER BY rowid"
    whole = store.rows(Sql(own))
    take(store, _some(40, "more"))
    event_room.tidy(store)
    pieces = store.rows(Sql(own))

    assert seen == [(51, 0, 51), (60, 9, 51), (80, 0, 51), (120, 0, 120)]  # with USER_CREATE
    assert (whole, pieces[:119], pieces[119:]) == (sorted(whole), whole, sorted(pieces[119:]))
    assert event_room.untidy(store) == 0


def test_many_events_of_a_week_are_stored_in_order_at_once_and_few_of_another_wait(store: Store) -> None:
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    rows = [
        (f"u{each % 50}", ("View", "Order")[each % 2], monday + (each * 7 % 10_000) * timedelta(minutes=1))
        for each in range(PIECE)
    ]
    few = [("u1", "View", monday - 20 * DAY), ("u1", "Order", monday - 21 * DAY)]
    batch = events([*rows, *few])
    receipt = take(store, batch, in_order=True)
    again = take(store, batch, in_order=True)
    people = profiles.key_of(store, "u1")
    assert people is not None
    mine = "SELECT date_trunc('week', occurred_at), event_id, occurred_at FROM events WHERE event_id >= 4 ORDER BY rowid"
    order = store.rows(Sql(mine))
    plain = open_store()
    take(plain, batch)
    totals = [event_room.engagement(each, people).totals.sort_by("event") for each in (store, plain)]
    plain.close()

    assert (receipt.stored, again.stored, again.known) == (PIECE + 2, 0, PIECE + 2)
    assert [(each.total - each.tail) for each in event_room.buckets(store)] == [0, PIECE]
    assert order == sorted(order)
    assert totals[0] == totals[1]


def test_days_are_those_of_the_zone_asked_for(store: Store) -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    take(store, events([("a", "View", late)]))
    days = event_room.daily(store, since=late - DAY, zone="Europe/Berlin")

    assert [str(row["day"]) for row in days.to_pylist() if row["event"] == "View"] == ["2026-11-23"]


def test_the_day_of_a_zone_begins_on_its_own_quarter_of_an_hour(store: Store) -> None:
    midnight = datetime(2026, 11, 22, 18, 15, tzinfo=UTC)  # in Kathmandu, 5:45 ahead
    take(store, events([("a", "View", midnight - timedelta(microseconds=1)), ("a", "View", midnight), ("b", "View", midnight)]))
    days = event_room.daily(store, since=midnight - DAY, zone="Asia/Kathmandu").to_pylist()

    assert [(str(row["day"]), row["total"]) for row in days if row["event"] == "View"] == [("2026-11-22", 1), ("2026-11-23", 2)]


def _figures(store: Store, table: str = "events") -> list[tuple[float | None, ...]]:
    return store.rows(sql("SELECT figure1, figure2, figure3 FROM {} WHERE event_id >= 4 ORDER BY message_id", Sql(table)))


def test_numbers_of_an_event_of_which_there_are_many_stand_beside_whenever_a_row_comes(store: Store) -> None:
    documents = ['{"tax": 2, "amount": 5, "note": "x"}', '{"tax": "1_000", "amount": " 7 "}', '{"tax": 1, "amount": true}', None]
    four = [("a", "Order", AT)] * 3 + [("b", "Order", AT)]
    take(store, events(four, message_ids=["m1", "m2", "m3", "m4"], properties=documents))
    take(store, events([("a", "View", AT)], message_ids=["m5"], properties=['{"amount": 9}']))
    event_room.figures.choose(store, many=4)
    take(store, events([("a", "Order", AT)], message_ids=["m6"], properties=['{"amount": "11", "tax": 0.5}']))

    assert event_room.figures.find(store) == {("Order", "amount"): "figure1", ("Order", "tax"): "figure2"}
    assert _figures(store) == [
        (5, 2, None),
        (7, None, None),
        (None, 1, None),
        (None, None, None),
        (None, None, None),
        (11, 0.5, None),
    ]


def test_numbers_beside_go_where_their_event_goes(store: Store) -> None:
    take(store, events([("a", "Order", AT)], message_ids=["m1"], properties=['{"amount": 5}']))
    profiles.delete(store, profiles.everyone(store), by="Mira", source="Users", at=AT)
    take(store, events([("b", "Order", AT)] * 2, message_ids=["m2", "m3"], properties=['{"amount": 6}', '{"amount": 7}']))
    event_room.figures.choose(store, many=2)
    event_room.recluster(store, *(each.week for each in event_room.buckets(store)))
    profiles.delete(store, profiles.everyone(store), by="Mira", source="Users", at=AT)

    assert _figures(store, "deleted_events") == [(5, None, None), (6, None, None), (7, None, None)]


def test_what_is_chosen_to_stand_beside_are_numbers_and_what_something_is_worth_before_the_rest(store: Store) -> None:
    document = '{"a": 1, "b": 2, "c": 3, "value": 4, "Total": 5, "flag": true, "word": "6", "list": [1]}'
    take(store, events([("a", "Order", AT)], properties=[document]))
    take(store, events([("a", "View", AT)], properties=['{"word": "x"}']))
    event_room.figures.choose(store, many=1)

    assert event_room.figures.find(store) == {
        ("Order", "Total"): "figure1",
        ("Order", "value"): "figure2",
        ("Order", "a"): "figure3",
    }


def test_an_event_without_numbers_is_looked_at_again_at_twice_as_many(store: Store) -> None:
    take(store, events([("a", "Order", AT)] * 2, message_ids=["m1", "m2"]))
    event_room.figures.choose(store, many=1)
    take(store, events([("a", "Order", AT)], message_ids=["m3"], properties=['{"amount": 6}']))
    event_room.figures.choose(store, many=1)
    assert event_room.figures.find(store) == {}

    take(store, events([("a", "Order", AT)], message_ids=["m4"], properties=['{"amount": 6}']))
    event_room.figures.choose(store, many=1)
    assert event_room.figures.find(store) == {("Order", "amount"): "figure1"}
