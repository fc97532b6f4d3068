"""Backups: whole, of one moment, verified, kept for a while, and put back."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.serving import until
from tests.worlds import AT, events, take, users
from user360 import activity, backup, profiles
from user360 import events as event_room
from user360.errors import Conflict, Invalid, StoreUnavailable, Unknown
from user360.store import Store, open_store

if TYPE_CHECKING:
    from pathlib import Path


def _fill(store: Store, count: int = 50) -> None:
    take(store, users([{"userId": f"u{each}", "firstName": f"N{each}"} for each in range(count)]))
    take(store, events([(f"u{each}", "Order", AT) for each in range(count)], properties=['{"a": 1}'] * count))


def test_a_copy_holds_what_the_original_held_and_opens(store_file: Store) -> None:
    _fill(store_file)
    target = store_file.folder("backups") / "one.duckdb"
    found = store_file.copy_to(target)
    copy = open_store(target, read_only=True)

    assert copy.prints() == found == store_file.prints()
    assert profiles.get(copy, 7).user_id == "u7"
    assert event_room.totals(copy, 7)["event"].to_pylist() == event_room.totals(store_file, 7)["event"].to_pylist()
    copy.close()


def test_a_copy_is_of_one_moment_while_others_write(store_file: Store) -> None:
    """Each write adds a user and their event together: no copy may hold one without the other."""
    _fill(store_file, 5)
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        while not stop.is_set():
            take(store_file, users([{"userId": f"w{len(written)}"}]))
            written.append(len(written))

    def copied(target: Path) -> dict[str, tuple[int, int]]:
        """A copy while somebody writes; another user was written since the one before."""
        before = len(written)
        until(lambda: len(written) > before, "nobody writes")
        return store_file.copy_to(target)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [store_file.folder("backups") / f"{each}.duckdb" for each in range(3)]
        found = [copied(each) for each in copies]
    finally:
        stop.set()
        writer.join()
    for target, prints in zip(copies, found, strict=True):
        copy = open_store(target, read_only=True)
        assert copy.prints() == prints
        assert prints["profiles"][0] == prints["user_ids"][0]
        copy.close()
    assert found[0]["profiles"][0] < found[-1]["profiles"][0]


def test_a_copy_cannot_be_written_anywhere_else(store_file: Store, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"ermission|not allowed|disabled"):
        store_file.copy_to(tmp_path / "elsewhere.duckdb")


def test_another_file_takes_the_place_of_the_present_one_under_every_reader(store_file: Store, tmp_path: Path) -> None:
    _fill(store_file)
    newcomer = tmp_path / "newcomer.duckdb"
    store_file.copy_to(store_file.folder("backups") / "copy.duckdb")
    (store_file.folder("backups") / "copy.duckdb").replace(newcomer)
    take(store_file, users([{"userId": "later"}]))
    before = store_file.revision("profiles")

    store_file.swap(newcomer, tmp_path / "aside.duckdb")

    assert profiles.count(store_file) == 50
    assert store_file.revision("profiles") > before
    aside = open_store(tmp_path / "aside.duckdb", read_only=True)
    assert profiles.count(aside) == 51
    aside.close()


def test_a_file_that_cannot_be_opened_takes_no_place(store_file: Store, tmp_path: Path) -> None:
    _fill(store_file)
    newcomer = tmp_path / "newcomer.duckdb"
    newcomer.write_bytes(b"no database" * 1_000)

    with pytest.raises(StoreUnavailable, match="damaged"):
        store_file.swap(newcomer, tmp_path / "aside.duckdb")
    assert profiles.count(store_file) == 50
    assert newcomer.exists()


# -- backups ------------------------------------------------------------------------------------


def test_a_backup_is_whole_private_and_told(store_file: Store) -> None:
    _fill(store_file)
    made = backup.write(store_file, by="Mira", at=AT)

    assert (made.users, made.why, made.by) == (50, backup.BY_HAND, "Mira")
    assert backup.find(store_file) == [made]
    assert backup.file_of(store_file, made).stat().st_mode & 0o777 == 0o600
    assert {each.suffix for each in store_file.folder("backups").iterdir()} == {".duckdb", ".json"}
    assert activity.find(store_file, kinds=("backup",))["subject"].to_pylist() == [made.id]


def test_restoring_brings_everything_back_and_keeps_what_it_replaced(store_file: Store) -> None:
    _fill(store_file)
    made = backup.write(store_file, by="Mira", at=AT)
    profiles.delete(store_file, profiles.everyone(store_file), by="Mira", source="t", at=AT)
    before = store_file.prints()

    kept = backup.restore(store_file, made.id, by="Mira", at=AT + timedelta(minutes=1))

    held = store_file.prints()
    assert {each: held[each] for each in made.tables if each not in {"activity", "counters"}} == {
        each: made.tables[each] for each in made.tables if each not in {"activity", "counters"}
    }
    assert (kept.why, dict(kept.tables)) == (backup.BEFORE, before)
    assert activity.find(store_file, kinds=("restore",))["subject"].to_pylist() == [made.id]
    backup.restore(store_file, kept.id, by="Mira", at=AT + timedelta(minutes=2))
    assert profiles.count(store_file) == 0


def test_the_last_seven_of_each_kind_are_kept(store_file: Store) -> None:
    by_hand = backup.write(store_file, by="Mira", at=AT)
    made = [
        backup.write(store_file, why=backup.SCHEDULED, by="schedule", at=AT + timedelta(days=each))
        for each in range(1, backup.KEPT + 3)
    ]

    assert backup.find(store_file) == [*made[:1:-1], by_hand]


@pytest.mark.parametrize("damage", ["cut", "flip", "none of ours"])
def test_a_damaged_backup_is_refused_and_nothing_changes(store_file: Store, damage: str) -> None:
    _fill(store_file)
    made = backup.write(store_file, by="Mira", at=AT)
    file = backup.file_of(store_file, made)
    whole = file.read_bytes()
    half = len(whole) // 2
    flipped = whole[:half] + bytes([whole[half] ^ 0xFF]) + whole[half + 1 :]
    file.write_bytes({"cut": whole[:half], "flip": flipped, "none of ours": b"x" * len(whole)}[damage])
    take(store_file, users([{"userId": "later"}]))

    with pytest.raises(StoreUnavailable, match="damaged"):
        backup.restore(store_file, made.id, by="Mira", at=AT)
    assert profiles.count(store_file) == 51


def test_a_file_from_outside_is_kept_once_it_could_be_read(store_file: Store, tmp_path: Path) -> None:
    other = open_store(tmp_path / "other.duckdb")
    take(other, users([{"userId": "x"}]))
    other.close()
    (tmp_path / "text.duckdb").write_bytes(b"no database" * 100)

    brought = backup.bring(store_file, tmp_path / "other.duckdb", by="Mira", at=AT)
    assert (brought.users, brought.why) == (1, backup.BROUGHT)
    with pytest.raises((Invalid, StoreUnavailable)):
        backup.bring(store_file, tmp_path / "text.duckdb", by="Mira", at=AT)
    assert backup.find(store_file) == [brought]


def test_a_database_that_cannot_be_opened_is_moved_aside_for_a_backup(store_file: Store, tmp_path: Path) -> None:
    _fill(store_file)
    file = backup.file_of(store_file, backup.write(store_file, by="Mira", at=AT))
    database = tmp_path / "broken.duckdb"
    database.write_bytes(b"broken" * 1_000)

    moved = backup.replace_damaged(database, file, at=AT)

    assert moved.read_bytes() == b"broken" * 1_000
    mended = open_store(database)
    assert profiles.count(mended) == 50
    mended.close()


def test_no_room_for_a_backup_is_told_before_it_is_begun(store_file: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))

    with pytest.raises(StoreUnavailable, match="no room for a backup"):
        backup.write(store_file, by="Mira", at=AT)
    assert list(store_file.folder("backups").iterdir()) == []


def test_what_a_sudden_end_left_half_done_goes_and_is_no_backup(store_file: Store) -> None:
    (store_file.folder("backups") / "part-x.duckdb").write_bytes(b"half")

    assert backup.find(store_file) == []
    assert (backup.sweep(store_file), backup.sweep(store_file)) == (True, False)


def test_a_backup_nobody_knows_and_a_database_in_memory_are_refused(store: Store, store_file: Store) -> None:
    with pytest.raises(Unknown):
        backup.restore(store_file, "../../etc/passwd", by="Mira", at=AT)
    with pytest.raises(Conflict, match="memory"):
        backup.restore(store, "x", by="Mira", at=AT)


def test_a_backup_in_memory_is_a_file_all_the_same(store: Store) -> None:
    _fill(store)

    assert backup.write(store, by="Mira", at=AT).users == 50
