"""Duplicates: planted ones are found, strangers are not, and what was decided is remembered."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serving import PATIENCE_SECONDS
from tests.worlds import AT, take, users
from user360 import activity, duplicates, jobs, profiles
from user360.duplicates import linking
from user360.errors import Interrupted, Stopped, Unknown
from user360.people import People

if TYPE_CHECKING:
    from pathlib import Path

    from user360.store import Store

FIRST = [
    f"{head}{tail}" for head in ("as", "pri", "jo", "an", "mar", "lu", "so", "ni") for tail in ("ha", "ya", "vi", "tin", "cas")
]
LAST = [
    f"{head}{tail}" for head in ("ber", "gup", "mul", "lin", "ros", "kle", "wei") for tail in ("ta", "ler", "es", "son", "mann")
]


def strangers(count: int, seed: int = 1) -> list[dict[str, object]]:
    """People as they come: names and cities repeat, everything else is their own."""
    dice = np.random.default_rng(seed)
    names = zip(dice.choice(FIRST, count), dice.choice(LAST, count), strict=True)
    return [
        {
            "userId": f"u{number}",
            "firstName": str(first),
            "lastName": str(last),
            "email": f"{first}.{last}{number}@example.com",
            "phone": f"+49151{dice.integers(10**7, 10**8)}",
            "dob": (date(1950, 1, 1) + timedelta(days=int(dice.integers(20_000)))).isoformat(),
            "city": f"City {dice.integers(40)}",
        }
        for number, (first, last) in enumerate(names)
    ]


def again(person: dict[str, object], number: int, **changed: object) -> dict[str, object]:
    """The same person under another id, known only as far as `changed` leaves it."""
    return {**person, "userId": f"again{number}", **changed}


def planted(people: list[dict[str, object]]) -> list[dict[str, object]]:
    """One second record of each of the first five, each different in another way."""
    one, two, three, four, five = people[:5]
    return [
        again(one, 0, email=None, firstName=f"  {str(one['firstName']).upper()} "),
        again(two, 1, phone=None, email=str(two["email"]).replace("example.com", "mail.org")),
        again(three, 2, email=None, lastName=f"{str(three['lastName'])[:-1]}x"),
        again(four, 3, email=None, phone=None),
        again(five, 4, firstName=five["lastName"], lastName=five["firstName"], phone=None, email=None),
    ]


def found(store: Store, **how: object) -> set[frozenset[str]]:
    ids = dict(zip(*_ids(store), strict=True))
    return {frozenset((ids[each.left], ids[each.right])) for each in duplicates.find(store, limit=1_000, **how)}  # type: ignore[arg-type]


def _ids(store: Store) -> tuple[list[int], list[str]]:
    table = profiles.find(store, columns=["userId"], limit=10_000)
    return table["profile_key"].to_pylist(), table["userId"].to_pylist()


TWINS = {frozenset((f"u{number}", f"again{number}")) for number in range(5)}


@pytest.mark.parametrize("count", [60, pytest.param(linking.LEARNED_FROM + 100, marks=pytest.mark.slow)])
def test_planted_duplicates_are_found_and_strangers_are_not(store: Store, count: int) -> None:
    people = strangers(count)
    take(store, users(people + planted(people)))

    search = duplicates.run(store, by="ann", at=AT)

    assert found(store) == TWINS
    assert (search.people, search.found, search.kept, search.crowded) == (count + 5, 5, 5, 0)
    assert duplicates.last_search(store) == search
    assert [each.probability for each in duplicates.find(store)] == sorted(
        (each.probability for each in duplicates.find(store)), reverse=True
    )


def test_the_bits_of_the_fields_add_up_to_the_weight_and_blanks_weigh_nothing(store: Store) -> None:
    people = strangers(40)
    take(store, users([*people, again(people[0], 0, email=None, city="Elsewhere")]))
    duplicates.run(store, by="ann", at=AT)

    (pair,) = duplicates.find(store)
    assert set(pair.parts) == {duplicates.PRIOR, *duplicates.PARTS}
    assert math.isclose(sum(pair.parts.values()), pair.weight, abs_tol=1e-6)
    assert pair.parts["email"] == 0
    assert pair.parts["city"] < 0 < pair.parts["phone"]
    assert pair.parts[duplicates.PRIOR] < 0


@pytest.mark.slow
def test_a_rare_name_weighs_more_than_a_common_one(store: Store) -> None:
    people = [each | {"lastName": "Gupta" if number % 2 else each["lastName"]} for number, each in enumerate(strangers(2_100))]
    rare, common = people[0] | {"firstName": "Zebulon", "lastName": "Quist"}, people[1]
    take(store, users([rare, *people[1:], again(rare, 0, email=None), again(common, 1, email=None)]))
    duplicates.run(store, by="ann", at=AT)

    ids = dict(zip(*_ids(store), strict=True))
    bits = {ids[each.left]: each.parts["name"] for each in duplicates.find(store)}
    assert bits["u0"] > bits["u1"]


def test_a_value_of_too_many_people_brings_nobody_together_and_is_counted(store: Store) -> None:
    crowd = [each | {"email": "info@example.com"} for each in strangers(linking.MOST_ALIKE + 1)]
    take(store, users(crowd))

    search = duplicates.run(store, by="ann", at=AT)

    assert search.crowded == 2  # the address, and the mailbox before its @
    assert found(store) == set()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_search_among_nobody_finds_nobody(store: Store, count: int) -> None:
    take(store, users([{"userId": f"u{each}"} for each in range(count)]))

    assert duplicates.run(store, by="ann", at=AT) == duplicates.Search(AT, "ann", count, 0, 0, 0)
    assert duplicates.find(store) == ()


def test_what_was_dismissed_stays_dismissed_over_searches_until_it_is_reopened(store: Store) -> None:
    people = strangers(40)
    take(store, users(people + planted(people)))
    duplicates.run(store, by="ann", at=AT)
    first, *_ = duplicates.find(store)

    gone = duplicates.dismiss(store, first.id, by="bo", at=AT)
    duplicates.run(store, by="ann", at=AT + timedelta(days=1))

    assert (gone.status, gone.decided_by, gone.decided_at) == ("dismissed", "bo", AT)
    assert (duplicates.count(store), duplicates.count(store, status="dismissed")) == (4, 1)
    assert {each.left for each in duplicates.find(store, status="dismissed")} == {first.left}
    duplicates.reopen(store, first.id, by="bo", at=AT)
    assert duplicates.count(store) == 5
    assert "dismiss duplicate" in activity.find(store)["kind"].to_pylist()


def test_a_pair_of_whom_one_is_gone_is_not_told_of(store: Store) -> None:
    people = strangers(40)
    take(store, users(people + planted(people)))
    duplicates.run(store, by="ann", at=AT)
    first, *_ = duplicates.find(store)

    profiles.delete(store, People.of([first.right]), by="ann", source="test", at=AT)

    assert duplicates.count(store) == 4
    assert all(each.id != first.id for each in duplicates.find(store))


def test_a_stopped_search_leaves_what_was_found_before(store: Store) -> None:
    people = strangers(40)
    take(store, users(people + planted(people)))
    before = duplicates.run(store, by="ann", at=AT)

    def stop(_done: int, _total: int, doing: str) -> None:
        if doing == "Comparing":
            raise Stopped("The job was stopped.")

    with pytest.raises(Interrupted):
        duplicates.run(store, by="ann", at=AT + timedelta(days=1), tell=stop)
    assert duplicates.last_search(store) == before
    assert duplicates.count(store) == 5


def test_a_search_is_a_job_that_tells_how_far_it_is(store: Store) -> None:
    take(store, users(strangers(40)))
    job = jobs.wait(jobs.start_duplicates(store, by="ann"), PATIENCE_SECONDS)

    assert (job.status, job.message, job.progress.done) == ("done", "", job.progress.total)
    assert duplicates.last_search(store) is not None


def test_a_pair_nobody_found_is_unknown(store: Store) -> None:
    with pytest.raises(Unknown):
        duplicates.dismiss(store, 7, by="ann", at=AT)


@given(weight=st.floats(-60, 60))
def test_more_bits_are_more_likely_and_none_are_even(weight: float) -> None:
    assert 0 <= duplicates.probability(weight) <= 1
    assert duplicates.probability(weight + 1) >= duplicates.probability(weight)
    assert duplicates.probability(0) == 0.5
    assert math.isclose(duplicates.probability(duplicates.weight(0.9)), 0.9)
    assert math.isclose(duplicates.probability(weight) + duplicates.probability(-weight), 1)


@given(text=st.text(max_size=20))
def test_texts_are_compared_without_case_accents_and_blanks(text: str) -> None:
    once = linking._bare(text)

    assert once is None or linking._bare(once) == once
    assert linking._bare(f"  {text.upper()} ") == linking._bare(f"{text.upper()}")
    assert linking._bare(" ÅSA  Müller ") == "asa muller"


def test_who_shares_nothing_to_begin_with_is_never_compared(store: Store) -> None:
    alone = [{"userId": f"u{each}", "city": "Oslo"} for each in range(20)]
    take(store, users(alone))

    assert duplicates.run(store, by="ann", at=AT).found == 0


def test_no_pair_is_proposed_twice_or_of_one_with_themselves(tmp_path: Path) -> None:
    people = strangers(30)
    rows = people + planted(people)
    table = pa.table(
        {"profile_key": pa.array(range(len(rows)), pa.uint32())}
        | {each: [row[each] for row in rows] for each in linking.FIELDS if each != "dob"}
        | {"dob": pa.array([date.fromisoformat(str(row["dob"])) for row in rows], pa.date32())}
    )
    pairs, _ = linking.link(table, scratch=tmp_path, tell=lambda *_: None)

    keys = [frozenset(each) for each in zip(pairs["left_key"].to_pylist(), pairs["right_key"].to_pylist(), strict=True)]
    assert len(set(keys)) == len(keys)
    assert all(len(each) == 2 for each in keys)
