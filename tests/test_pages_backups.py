"""The page of backups: none, some, one put back, one refused, and when they are made by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.addresses import at_address
from tests.serving import PATIENCE_SECONDS
from tests.worlds import AT, take, users
from user360 import backup, doors, jobs, profiles, schedules

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from user360.store import Store

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def shop() -> Store:
    store = doors.current_store()
    take(store, users([{"userId": "u1", "firstName": "Asha"}]))
    return store


def _open() -> AppTest:
    return at_address("backups")


def test_without_a_backup_the_page_says_what_one_is(shop: Store) -> None:
    at = _open()

    assert "No backups yet" in "".join(str(each.value) for each in at.markdown)
    at.button(key="backups.make").click().run()
    for each in jobs.running():
        jobs.wait(each.id, PATIENCE_SECONDS)
    assert [each.why for each in backup.find(shop)] == [backup.BY_HAND]


def test_backups_stand_in_a_table_newest_first(shop: Store) -> None:
    for day in range(3):
        backup.write(shop, by="Mira", at=AT + timedelta(days=day))
    at = _open()

    assert at.dataframe[0].value["Users"].tolist() == [1, 1, 1]
    assert at.dataframe[0].value["Made"].tolist()[0].startswith("25 Nov")
    assert not at.exception


def test_a_schedule_is_kept_from_its_drawer(shop: Store) -> None:
    at = _open()
    at.button(key="backup schedule.change").click().run()
    at.selectbox[0].set_value("week").run()
    next(each for each in at.button if each.label == "Save").click().run()

    assert schedules.get(shop, jobs.BACKUP, "")[0].every == "week"
    assert "Every Monday" in "".join(str(each.value) for each in at.markdown)
    assert profiles.count(shop) == 1
