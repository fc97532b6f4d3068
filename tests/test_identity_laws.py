"""Laws of identity: batches, replays, orders, undoing, and the past.

All cases of a law share one database: the ids of each case begin with a number of its own, and what
is compared is what those ids lead to.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT
from user360 import events, identities, ingest, profiles, properties, resolution, segments
from user360.ingest import Message
from user360.sql import sql
from user360.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from user360.store import Store

SHOWN = ("firstName", "city", "gender", "tags", "createdAt", "lastSession", "lastChannel")
_numbers = count()


@pytest.fixture(scope="module")
def world() -> Iterator[Store]:
    opened = open_store()
    yield opened
    opened.close()


def told(said: dict[str, Any], case: int, number: int, *, at: datetime = AT) -> Message:
    """A message of a case: what is said, with the ids of the case."""
    ids: dict[str, Any] = {each: f"{case}-{said[each]}" for each in ("user_id", "anonymous_id", "previous_id") if said.get(each)}
    rest: dict[str, Any] = {each: said[each] for each in ("event", "channel", "traits") if each in said}
    kind: Any = "alias" if "previous_id" in ids else "track" if "event" in rest else "identify"
    return Message(kind, f"{case}-m{number}", at - timedelta(minutes=said["ago"]), said.get("source", "shop"), **ids, **rest)


def tell(store: Store, said: Sequence[dict[str, Any]], case: int, *, batch: int = 100, first: int = 0, at: datetime = AT) -> None:
    messages = [told(each, case, said_number(each, first + place)) for place, each in enumerate(said)]
    for start in range(0, len(messages), batch):
        ingest.receive_messages(store, messages[start : start + batch], by="test", at=at)


def said_number(said: dict[str, Any], place: int) -> int:
    return said.get("number", place)


def state(store: Store, case: int) -> list[Any]:
    """Everybody a case is about: their ids, what is known of them, what they did."""
    start = f"{case}-"
    found = []
    for (key,) in store.rows(
        sql(
            "SELECT profile_key FROM user_ids WHERE user_id LIKE {} UNION SELECT profile_key FROM other_ids WHERE id LIKE {}",
            *[f"{start}%"] * 2,
        )
    ):
        ids = sorted((row["kind"], row["id"]) for row in identities.of(store, key).to_pylist())
        one = profiles.get(store, key)
        values = {each: one.values[each] for each in SHOWN if each in one.values}
        rows = events.timeline(store, key, limit=1_000).to_pylist()
        did = sorted((row["event"], row["at"]) for row in rows if not row["system"])
        found.append(
            ([(kind, text.removeprefix(start)) for kind, text in ids], (one.user_id or "").removeprefix(start), values, did)
        )
    return sorted(found, key=repr)


TRAITS = st.fixed_dictionaries(
    {},
    optional={
        "firstName": st.sampled_from(["Ann", "Bob"]),
        "city": st.sampled_from(["Pune", "Goa", None]),
        "tags": st.sampled_from([["x"], ["x", "y"], ["z"]]),
    },
)
IDS = st.sampled_from(
    [
        *({"anonymous_id": each} for each in "abc"),
        *({"user_id": each} for each in "uv"),
        *({"anonymous_id": one, "user_id": two} for one in "abc" for two in "uv"),
        *({"previous_id": one, "user_id": two} for one in "abv" for two in "u"),
    ]
)


def message_of(
    ids: st.SearchStrategy[dict[str, str]], traits: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda who, said, rest: {**who, **rest, "traits": said},
        ids,
        traits,
        st.fixed_dictionaries(
            {"ago": st.integers(0, 500)},
            optional={
                "event": st.sampled_from(["View", "Order"]),
                "channel": st.sampled_from(["web", "app"]),
                "source": st.sampled_from(["shop", "bot"]),
            },
        ),
    )


MESSAGES = st.lists(message_of(IDS, TRAITS), min_size=1, max_size=8)


@pytest.mark.slow
@given(said=MESSAGES, batch=st.integers(1, 4))
def test_a_batch_means_what_its_messages_mean_one_by_one(world, said, batch):
    whole, parts = next(_numbers), next(_numbers)
    tell(world, said, whole)
    tell(world, said, parts, batch=batch)

    assert state(world, parts) == state(world, whole)


@given(said=MESSAGES, again=st.data())
def test_telling_any_messages_again_changes_nothing(world, said, again):
    case = next(_numbers)
    numbered = [{**each, "number": place} for place, each in enumerate(said)]
    tell(world, numbered, case, batch=3)
    before = state(world, case)
    tell(world, again.draw(st.lists(st.sampled_from(numbered), max_size=12)), case, batch=5, at=AT + timedelta(hours=1))

    assert state(world, case) == before


# Each device belongs to one person, and nobody says two things of one property: what has one meaning has it in every order.
OF_ONE_PERSON = st.sampled_from(
    [
        *({"anonymous_id": each} for each in "abc"),
        *({"user_id": each} for each in "uv"),
        *({"anonymous_id": one, "user_id": two} for one, two in ("au", "bu", "cv")),
        *({"previous_id": one, "user_id": two} for one, two in ("au", "bu", "cv")),
    ]
)


@pytest.mark.slow
@given(said=st.lists(message_of(OF_ONE_PERSON, st.just({})), min_size=1, max_size=9), order=st.randoms(use_true_random=False))
def test_the_order_of_messages_changes_nothing_where_they_do_not_contradict(world, said, order):
    numbered = [{**each, "number": place} for place, each in enumerate(said)]
    shuffled = order.sample(numbered, len(numbered))
    one, other = next(_numbers), next(_numbers)
    tell(world, numbered, one, batch=2)
    tell(world, shuffled, other, batch=3)

    assert people_of(state(world, other)) == people_of(state(world, one))


def people_of(found: list[Any]) -> list[Any]:
    """Who is who and did what; when somebody was made rests on which message came first."""
    return [(ids, user, values.get("lastSession"), did) for ids, user, values, did in found]


LATER_TRAITS = st.fixed_dictionaries({}, optional={"city": st.sampled_from(["Delhi", "Agra"]), "tags": st.just(["w"])})
LATER_IDS = st.sampled_from(
    [
        {"anonymous_id": "a"},
        {"anonymous_id": "b"},
        {"user_id": "v"},
        {"anonymous_id": "d", "user_id": "u"},
        {"anonymous_id": "e", "user_id": "v"},
        {"anonymous_id": "e"},
    ]
)
LATER = st.lists(st.one_of(message_of(st.just({"user_id": "u"}), LATER_TRAITS), message_of(LATER_IDS, st.just({}))), max_size=6)


@given(first=MESSAGES, later=LATER, both=st.booleans())
def test_a_merge_undone_is_as_if_it_had_never_been_and_what_came_later_stays(world, first, later, both):
    merged, never = next(_numbers), next(_numbers)
    start = [
        {"user_id": "u", "ago": 600, "traits": {"gender": "f"}},
        {"user_id": "v", "anonymous_id": "b", "ago": 700, "event": "View"},
    ]
    for case in (merged, never):
        tell(world, [*start, *first], case)
    keys = [identities.key_of(world, f"{merged}-{each}") for each in "uv"]
    keep, absorb = keys if both else reversed(keys)
    assert keep is not None
    assert absorb is not None
    done = resolution.merge(world, keep, absorb, by="ana", at=AT)
    for case in (merged, never):
        tell(
            world, later if both else [each for each in later if not each["traits"]], case, first=100, at=AT + timedelta(hours=1)
        )
    resolution.undo(world, done.id, by="ana", at=AT + timedelta(hours=2))

    assert state(world, merged) == state(world, never)


RULES = [
    {"property": "city", "operator": "is", "values": ["Pune"]},
    {"property": "firstName", "operator": "is_not_known"},
    {"property": "tags", "operator": "contains_any", "values": ["x"]},
    {"property": "userId", "operator": "is_known"},
    {"property": "lastChannel", "operator": "is", "values": ["web"]},
    {"property": "lastSession", "operator": "in_the_last", "values": [30, "minute"]},
    {"property": "createdAt", "operator": "in_the_last", "values": [90, "minute"]},
    {"event": "Order", "times": {"operator": "at_least", "values": [2]}},
    {"event": "View"},
]
WHO = st.sampled_from(
    [
        *({"anonymous_id": one, "user_id": two} for one in "abc" for two in "uv"),
        *({"anonymous_id": each} for each in "abc"),
        {"user_id": "u"},
    ]
)
MOMENTS = st.lists(
    st.one_of(
        st.lists(message_of(WHO, TRAITS).map(lambda said: {**said, "ago": said["ago"] % 59}), min_size=1, max_size=4),
        st.sampled_from(["merge", "merge back", "undo", "undo"]),
    ),
    min_size=3,
    max_size=9,
)


@pytest.mark.slow
@given(steps=MOMENTS, some=st.lists(st.sampled_from(RULES), min_size=2, max_size=3, unique_by=str))
def test_the_past_is_answered_as_it_was_then_whatever_was_merged_and_undone_since(world, steps, some):
    case = next(_numbers)
    rules = [segments.parse({"match": "all", "conditions": [each]}) for each in some]
    answers = []
    for hour, step in enumerate(
        [[{"user_id": "u", "ago": 1, "event": "View"}, {"user_id": "v", "anonymous_id": "a", "ago": 2, "event": "Order"}], *steps]
    ):
        at = AT + timedelta(days=case + 1, hours=hour)
        if isinstance(step, list):
            messages = [told(each, case, 100 * hour + place, at=at) for place, each in enumerate(step)]
            ingest.receive_messages(world, messages, by="test", at=at)
        else:
            decide(world, step, case, at)
        answers.append((at, [segments.people(world, each, at=at).keys().tolist() for each in rules]))

    then = [(at, [segments.people(world, each, at=at, past=True).keys().tolist() for each in rules]) for at, _ in answers]
    assert then == answers


def decide(store: Store, step: str, case: int, at: datetime) -> None:
    """What an analyst does, where it can be done."""
    keep, absorb = (identities.key_of(store, f"{case}-{each}") for each in ("uv" if step == "merge" else "vu"))
    assert keep is not None
    assert absorb is not None
    if step != "undo" and keep != absorb:
        resolution.merge(store, keep, absorb, by="ana", at=at)
    standing = [each for each in resolution.find(store, profile_key=keep, status="done") if each.kept == keep]
    if step == "undo" and standing:
        resolution.undo(store, standing[-1].id, by="ana", at=at)


# What is said of one person who is known by a user id from the first message on, each at an instant of its own.
SAID_OF_ONE = st.lists(
    st.builds(
        lambda who, traits, rest: {**who, **rest, "traits": traits},
        st.sampled_from([{"user_id": "u"}, {"user_id": "u", "anonymous_id": "a"}, {"user_id": "u", "anonymous_id": "b"}]),
        st.fixed_dictionaries(
            {},
            optional={
                "firstName": st.sampled_from(["Ann", "Bob", None]),
                "city": st.sampled_from(["Pune", "Goa", None]),
                "score": st.integers(0, 3),
                "likes": st.sampled_from([["x"], ["x", "y"], None]),
                "tags": st.sampled_from([["x"], ["y", "z"]]),
            },
        ),
        st.fixed_dictionaries({"ago": st.integers(0, 500)}, optional={"source": st.sampled_from(["shop", "bot"])}),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda said: said["ago"],
)


@given(said=SAID_OF_ONE, order=st.randoms(use_true_random=False), batch=st.integers(1, 8))
def test_of_what_is_said_of_somebody_the_newest_counts_in_whatever_order_it_arrives(world, said, order, batch):
    for each, datatype in (("score", "number"), ("likes", "list")):
        if all(one.name != each for one in properties.find(world)):
            properties.define(world, each, datatype, by="ann", at=AT)
    numbered = [{**each, "number": place} for place, each in enumerate(said)]
    case = next(_numbers)
    tell(world, order.sample(numbered, len(numbered)), case, batch=batch)
    expected: dict[str, Any] = {}
    for each in sorted(said, key=lambda one: -one["ago"]):
        expected |= {name: value for name, value in each["traits"].items() if name != "tags"}
    key = identities.key_of(world, f"{case}-u")
    assert key is not None
    one = profiles.get(world, key)

    found: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in one.values.items()}

    assert {name: found.get(name) for name in expected} == expected
    assert set(found.get("tags") or ()) == {tag for each in said for tag in each["traits"].get("tags", ())}
