"""The page of watched folders: none, one that is made, one that is looked at, refused and hostile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.serving import PATIENCE_SECONDS
from tests.test_pages_users import AT, HOSTILE, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import folders, jobs, profiles
from user360.schedules import Schedule

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from user360.folders import Folder
    from user360.store import Store

DAILY = Schedule("day", "02:00")


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "userdata_1.csv").write_text("userId\nu1\nu2\n")
    return folder


def made(store: Store, place: object, name: str = "Shop") -> Folder:
    return folders.make(store, name, str(place), host_key="", plan={}, schedule=DAILY, by="Ana", at=AT)


def turn(test: AppTest) -> str:
    return f"folder.{test.session_state['dialogs.open']['turn']}"


def test_without_folders_the_page_says_what_one_is_and_offers_one(opened: Store) -> None:
    test = shown("folders")

    assert "No folders yet" in said(test)
    lives(test.button(key="folders.first").click().run())
    assert f"{turn(test)}.name" in [each.key for each in test.text_input]


def test_a_folder_is_looked_at_before_it_is_watched(opened: Store, drop: Path) -> None:
    test = shown("folders")
    lives(test.button(key="folders.first").click().run())
    key = turn(test)
    test.text_input(key=f"{key}.name").set_value("Shop")
    test.text_input(key=f"{key}.path.local").set_value("drop")
    lives(test.button(key=f"{key}.save").click().run())
    assert "Write it from the root" in said(test)
    assert folders.find(opened) == []

    test.text_input(key=f"{key}.path.local").set_value(str(drop / "gone"))
    lives(test.button(key=f"{key}.look").click().run())
    assert "There is no folder" in said(test)

    test.text_input(key=f"{key}.path.local").set_value(str(drop))
    lives(test.button(key=f"{key}.look").click().run())
    assert "1 file of ours there now" in said(test)
    lives(test.button(key=f"{key}.save").click().run())

    (of,) = folders.find(opened)
    assert (of.name, of.place) == ("Shop", str(drop))


def test_a_chosen_folder_is_looked_at_now_and_shows_what_became_of_its_files(opened: Store, drop: Path) -> None:
    (drop / "userdata_bad.csv").write_text("colour\nred\n")
    of = made(opened, drop)
    test = shown("folders", folder=of.id)
    assert "None was seen yet." in said(test)

    lives(test.button(key="folders.look").click().run())
    for each in jobs.running():
        jobs.wait(each.id, PATIENCE_SECONDS)
    test = shown("folders", folder=of.id)

    files = next(each.value for each in test.dataframe if "File" in each.value)
    assert dict(zip(files["File"], files["What became of it"], strict=True)) == {
        "userdata_1.csv": "imported",
        "userdata_bad.csv": "refused",
    }
    assert profiles.count(opened) == 2


def test_a_folder_that_does_not_answer_says_why(opened: Store, drop: Path) -> None:
    of = made(opened, drop / "gone")
    lives(shown("folders", folder=of.id).button(key="folders.look").click().run())
    for each in jobs.running():
        jobs.wait(each.id, PATIENCE_SECONDS)

    assert any("There is no folder" in each.value for each in shown("folders", folder=of.id).warning)


def test_a_folder_is_deleted_only_after_it_was_said_in_words(opened: Store, drop: Path) -> None:
    of = made(opened, drop)
    test = shown("folders", folder=of.id)
    lives(test.button(key="folders.delete").click().run())
    key = f"delete folder.{test.session_state['dialogs.open']['turn']}"
    assert test.button(key=f"{key}.act").disabled
    test.text_input(key=f"{key}.typed").set_value("delete this folder")
    lives(test.run())
    lives(test.button(key=f"{key}.act").click().run())

    assert folders.find(opened) == []


def test_a_folder_in_the_address_that_is_gone_is_no_fault(opened: Store, drop: Path) -> None:
    made(opened, drop)
    assert "Choose a folder" in said(shown("folders", folder="f99"))


def test_many_files_and_hostile_names_are_only_data(opened: Store, drop: Path) -> None:
    of = made(opened, drop, HOSTILE)
    for each in range(300):
        folders.note(opened, of.id, folders.Seen(f"userdata_{each}{HOSTILE}.csv", 5, "x", "y", "refused", None, HOSTILE, AT))

    test = shown("folders", folder=of.id)

    assert len(next(each.value for each in test.dataframe if "File" in each.value)) == 300
    assert not any("](http" in each.value or "**bold**" in each.value for each in (*test.markdown, *test.caption))
