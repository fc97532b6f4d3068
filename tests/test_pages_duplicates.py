"""The page of duplicates: before a search, with none, with pairs, merged, taken back, dismissed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tests.addresses import at_address
from tests.serving import PATIENCE_SECONDS
from tests.test_duplicates import again, planted, strangers
from tests.worlds import AT, take, users
from user360 import doors, duplicates, jobs, profiles, resolution
from user360.duplicates.pairs import keep
from user360.people import People

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from user360.store import Store

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def shop() -> Store:
    store = doors.current_store()
    people = strangers(40)
    take(store, users(people + planted(people)))
    return store


@pytest.fixture
def searched(shop: Store) -> Store:
    duplicates.run(shop, by="ann", at=AT)
    return shop


def _open(**query: str) -> AppTest:
    return at_address("duplicates", **query)


def _text(at: AppTest) -> str:
    return " ".join(str(each.value) for kind in (at.markdown, at.caption, at.error) for each in kind)


def _button(at: AppTest, label: str) -> None:
    next(each for each in at.button if each.label == label).click().run()


def test_where_nobody_is_yet_there_is_nobody_to_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(doors.DATABASE, str(tmp_path / "empty.duckdb"))
    at = _open()

    assert "No users yet" in _text(at)
    assert [each.disabled for each in at.button if each.label == "Find duplicates"] == [True]


def test_before_a_search_the_page_says_what_one_does_and_begins_it(shop: Store) -> None:
    at = _open()

    assert "No search yet" in _text(at)
    _button(at, "Find duplicates")
    for each in jobs.running():
        jobs.wait(each.id, PATIENCE_SECONDS)
    assert duplicates.count(shop) == 5


def test_pairs_stand_in_a_table_the_likeliest_first_and_the_first_is_shown(searched: Store) -> None:
    at = _open()
    table = at.dataframe[0].value

    assert not at.exception
    assert len(table) == 5
    assert "phone" in table["Agree on"][0]
    first, *_ = duplicates.find(searched)
    assert profiles.get(searched, first.left).user_id in list(at.dataframe[1].value["One"])
    assert profiles.get(searched, first.right).user_id in list(at.dataframe[1].value["Other"])


def test_the_pair_of_the_address_is_the_one_shown(searched: Store) -> None:
    last = duplicates.find(searched)[-1]
    at = _open(pair=str(last.id))

    assert profiles.get(searched, last.right).user_id in list(at.dataframe[1].value["Other"])


def test_a_pair_is_merged_after_a_preview_and_the_merge_taken_back(searched: Store) -> None:
    first, *_ = duplicates.find(searched)
    before = profiles.count(searched)
    at = _open()

    _button(at, "Merge…")
    assert "nothing is overwritten" in _text(at)
    assert profiles.count(searched) == before
    _button(at, "Merge")
    assert not at.exception
    assert profiles.count(searched) == before - 1
    assert duplicates.count(searched) == 4
    assert resolution.find(searched)[0].status == "done"

    _button(at, "Undo the merge")
    assert (profiles.count(searched), duplicates.count(searched)) == (before, 5)
    assert profiles.get(searched, first.right).user_id is not None


def test_a_dismissed_pair_stands_apart_and_can_be_put_back(searched: Store) -> None:
    at = _open()
    _button(at, "They are two people")
    assert duplicates.count(searched) == 4

    at = _open(show="dismissed")
    assert len(at.dataframe[0].value) == 1
    _button(at, "Put back on the list")
    assert (duplicates.count(searched), duplicates.count(searched, status="dismissed")) == (5, 0)


def test_without_a_likely_pair_the_page_says_so(shop: Store) -> None:
    profiles.delete(shop, People.of(range(40, 45)), by="ann", source="test", at=AT)
    duplicates.run(shop, by="ann", at=AT)

    assert "No duplicates to decide on" in _text(_open())
    assert "Nothing was dismissed" in _text(_open(show="dismissed"))


def test_the_least_likelihood_of_the_address_narrows_the_list(searched: Store) -> None:
    at = _open(least="99")

    assert len(at.dataframe[0].value) == duplicates.count(searched, least=duplicates.weight(0.99))
    assert not _open(least="7", show="nonsense", pair="x").exception


def test_markup_in_names_stays_text() -> None:
    store = doors.current_store()
    evil = strangers(1)[0] | {"firstName": "**<b>Ann</b>**", "lastName": "[x](http://y)"}
    take(store, users([*strangers(20)[1:], evil, again(evil, 0, email=None)]))
    duplicates.run(store, by="ann", at=AT)

    at = _open()
    _button(at, "Merge…")

    assert all(option.startswith(r"\*\*\<b\>Ann") for option in at.radio[0].options)
    assert not at.exception


def test_many_pairs_are_turned_page_by_page(shop: Store) -> None:
    pairs = [(left, right) for left in range(30) for right in range(left + 1, 30)]
    numbers = {each: [float(len(pairs) - place) for place in range(len(pairs))] for each in ("weight", duplicates.PRIOR)}
    keys = {side: pa.array([pair[place] for pair in pairs], pa.uint32()) for place, side in enumerate(("left_key", "right_key"))}
    rows = pa.table(keys | numbers | {each: [0.0] * len(pairs) for each in duplicates.PARTS})
    keep(shop, rows, duplicates.Search(AT, "ann", 45, 20_000, len(pairs), 3))

    at = _open(page="2")

    assert len(at.dataframe[0].value) == 25
    assert "26–50 of 435" in _text(at)
    assert "the likeliest 435 of 20,000 pairs are kept" in _text(at)
    assert "3 values shared by too many" in _text(at)


def test_a_merge_with_somebody_who_is_gone_meanwhile_is_refused_in_words(searched: Store) -> None:
    first, *_ = duplicates.find(searched)
    at = _open()
    _button(at, "Merge…")

    profiles.delete(searched, People.of([first.right]), by="bo", source="test", at=AT)
    _button(at, "Merge")

    assert not at.exception
    assert "not there" in _text(at)
    assert resolution.find(searched) == ()
