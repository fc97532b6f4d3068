"""Events put in order as numbers stand as they would sorted by their columns, however far apart people and instants lie."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from user360 import crowds, insights, ordering, processor, segments
from user360.errors import InvalidInsight
from user360.insight import Asked
from user360.people import People
from user360.sql import Sql, sql

SECOND = 1_000_000
INSTANTS = st.one_of(st.integers(0, 5), st.integers(0, 40 * 366 * 86_400 * SECOND))
PEOPLE = st.one_of(st.integers(0, 9), st.integers(0, 2**32 - 2))


@given(st.lists(st.tuples(PEOPLE, INSTANTS, st.integers(0, 9)), max_size=40))
def test_people_instants_and_what_stands_beside_are_sorted_by_all_three(rows):
    who, when, beside = (np.array([row[place] for row in rows], dtype=kind) for place, kind in enumerate(("u4", "i8", "u2")))

    found = ordering.in_order(who, when, beside)

    assert list(zip(*(each.tolist() for each in found), strict=True)) == sorted(rows)


LATEST = datetime(2026, 11, 23, tzinfo=UTC)
DAYS_100 = 100 * 86_400 * SECOND


def question(**period):
    return insights.parse({"kind": "switching", "period": period or {"last": 101, "unit": "day"}})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PEOPLE, st.integers(0, DAYS_100), st.integers(0, 9)), max_size=40), st.sampled_from([9, 2**19]))
def test_numbers_made_by_the_database_tell_people_instants_and_what_stands_beside_in_order(store, rows, most):
    packing = ordering.packing(question(), Asked(segments.load_catalog(store), LATEST), most)
    happened = pa.table(
        {
            "profile_key": pa.array([row[0] for row in rows], pa.uint32()),
            "occurred_at": pa.array(
                [LATEST.replace(tzinfo=None) - timedelta(microseconds=row[1]) for row in rows], pa.timestamp("us")
            ),
            "small": pa.array([row[2] for row in rows], pa.uint16()),
        }
    )
    read = store.read(sql("SELECT {} FROM happened", packing.columns(Sql("small")), happened=happened))

    slices = [each.in_order() for each in packing.parted(read["part"].to_numpy(), read["number"].to_numpy())]

    now = round(LATEST.timestamp() * SECOND)
    found = [
        (*row,) for each in slices for row in zip(each.who().tolist(), each.when().tolist(), each.beside().tolist(), strict=True)
    ]
    assert found == sorted((who, now - ago, beside) for who, ago, beside in rows)


def test_a_period_too_long_for_so_many_different_events_is_refused(store):
    whole = question(**{"from": "2000-01-01", "to": "2100-12-31"})
    asked = Asked(segments.load_catalog(store), datetime(2100, 12, 31, tzinfo=UTC))

    assert ordering.packing(whole, asked, 2**10).keys > 0
    with pytest.raises(InvalidInsight, match="too long"):
        ordering.packing(whole, asked, 2**17)


@given(
    st.lists(st.tuples(PEOPLE, INSTANTS, st.integers(0, 7), st.integers(0, 2**64 - 1)), max_size=40, unique_by=lambda row: row[3])
)
def test_events_of_one_instant_stand_by_the_first_step_they_match_and_then_by_hash(rows):
    who, when, mask, hashes = (
        np.array([row[place] for row in rows], dtype=kind) for place, kind in enumerate(("u4", "i8", "i4", "u8"))
    )

    found = ordering.sort(who, when, mask, hashes)

    def place(row):
        return row[0], row[1], next((bit for bit in range(3) if row[2] & 1 << bit), 15), row[3]

    assert found.row is not None
    assert [rows[each] for each in found.row[:-1]] == sorted(rows, key=place)
    assert (found.who[-1], found.mask[-1], found.row[-1]) == (-1, 0, -1)


@given(st.lists(st.tuples(PEOPLE, INSTANTS, st.sampled_from([0, 1, 2, 4, 8])), max_size=40))
def test_events_of_one_step_each_are_sorted_by_it_and_those_of_none_last(rows):
    who, when, mask = (np.array([row[place] for row in rows], dtype=kind) for place, kind in enumerate(("u4", "i8", "i4")))

    found = ordering.sort(who, when, mask, None)

    columns = zip(found.who.tolist(), found.when.tolist(), found.mask.tolist(), strict=True)
    expected = sorted(rows, key=lambda row: (row[0], row[1], row[2] or 16))
    assert list(columns) == [*expected, (-1, ordering.NEVER, 0)]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=20, unique=True), st.sampled_from([1, 86_400 * SECOND]), st.data())
def test_an_instant_lies_at_the_place_that_begins_last_before_it(edges, width, data):
    starts = sorted(each * width for each in edges)
    instants = data.draw(st.lists(st.integers(starts[0], 500 * width), max_size=30))

    found = ordering.spots(np.array(starts), np.array(instants, dtype=np.int64))

    assert found.tolist() == [max(place for place, start in enumerate(starts) if start <= each) for each in instants]


def test_places_too_uneven_for_a_table_are_looked_up_all_the_same():
    edges = np.array([0, 1, 40 * 366 * 86_400 * SECOND + 1])

    assert ordering.spots(edges, np.array([0, 1, 5, 2**60])).tolist() == [0, 1, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 4), st.one_of(st.integers(0, 5), st.integers(0, 2**50))), max_size=40))
def test_the_median_of_a_place_is_that_of_its_numbers(rows):
    place, numbers = (np.array([row[column] for row in rows], dtype=np.int64) for column in range(2))

    found = ordering.medians(place, numbers, np.bincount(place, minlength=5))

    expected = [[number for at, number in rows if at == each] for each in range(5)]
    assert [None if np.isnan(each) else each for each in found] == [median(each) if each else None for each in expected]


AMD = "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2 avx512f avx512vl\n\nprocessor\t: 1\nvendor_id\t: other\n"


@pytest.mark.parametrize(
    ("told", "chosen"),
    [
        (AMD, {processor.SETTING: "X86_V4"}),
        (AMD.replace(" avx512f avx512vl", ""), {}),
        (AMD.replace("AuthenticAMD", "GenuineIntel"), {}),
        ("Hardware\t: something else\n", {}),
        (None, {}),
    ],
    ids=["amd", "without the instructions", "intel", "another kind", "a system that does not tell"],
)
def test_wide_instructions_are_left_alone_where_they_are_slow(tmp_path, told, chosen):
    file, environment = tmp_path / "cpuinfo", {}
    if told is not None:
        file.write_text(told)

    processor.choose(environment, file)

    assert environment == chosen


def test_what_the_environment_says_of_instructions_stands(tmp_path):
    (tmp_path / "cpuinfo").write_text(AMD)
    environment = {processor.SETTING: ""}

    processor.choose(environment, tmp_path / "cpuinfo")

    assert environment == {processor.SETTING: ""}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 15)), max_size=60),
    st.lists(st.integers(0, 4), unique=True, max_size=5),
    st.booleans(),
)
def test_people_of_groups_are_counted_alike_marked_in_a_table_and_sorted(store, monkeypatch, rows, some, marked):
    monkeypatch.setattr(crowds, "_SPARSE", 1_000 if marked else 0)
    group, who = (pa.array([row[place] for row in rows], kind) for place, kind in enumerate((pa.uint16(), pa.uint32())))
    happened = pa.table({"part_of": group, "profile_key": who})
    asked = Asked(segments.load_catalog(store), LATEST, room=16, read=store.read)

    found = crowds.counted(asked, sql("happened", happened=happened), Sql("part_of"), 5)

    people = [{who for of, who in rows if of == each} for each in range(5)]
    assert found.users.tolist() == [len(each) for each in people]
    assert found.events.tolist() == [sum(of == each for of, _ in rows) for each in range(5)]
    assert found.together(some) == len(set().union(*(people[each] for each in some)))


@pytest.mark.parametrize("most", [ordering._MOST_ROWS, 3], ids=["at once", "stretch by stretch"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 69), st.integers(0, 9)), max_size=30))
def test_people_of_groups_are_those_of_their_rows_in_whatever_stretches_these_are_read(store, monkeypatch, rows, most):
    monkeypatch.setattr(ordering, "_MOST_ROWS", most)
    kinds = (pa.uint16(), pa.uint32(), pa.timestamp("us"))
    group, who, when = (pa.array([row[place] for row in rows], kind) for place, kind in enumerate(kinds))
    happened = pa.table({"part_of": group, "profile_key": who, "occurred_at": when})
    asked = Asked(segments.load_catalog(store), LATEST, room=72, read=store.read)
    such = sql("happened WHERE true", happened=happened)

    found = crowds.bitmaps(asked, such, Sql("part_of"), 3)

    people = [People.packed(each.tobytes()).keys().tolist() for each in found]
    assert people == [sorted({who for of, who, _ in rows if of == each}) for each in range(3)]
    assert crowds.who(asked, such).keys().tolist() == sorted({who for _, who, _ in rows})
