"""Jobs: work that goes on by itself, tells how far it is, can be stopped, and fails in plain words."""

from __future__ import annotations

import os
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.serving import PATIENCE_SECONDS
from tests.worlds import AT, events, take, users
from user360 import clock, exports, imports, jobs, profiles, records, workspace
from user360 import events as event_room
from user360.errors import Conflict, InvalidFile, Unknown
from user360.events import summing
from user360.imports import reading

if TYPE_CHECKING:
    from pathlib import Path

    from user360.jobs import Progress
    from user360.store import Store


def test_a_job_tells_how_far_it_is_while_it_runs(store: Store) -> None:
    told, go_on = threading.Event(), threading.Event()

    def work(progress: Progress) -> None:
        progress.tell(3, 10, "Counting")
        told.set()
        go_on.wait(PATIENCE_SECONDS)

    number = jobs.submit(store, "count", work)
    told.wait(PATIENCE_SECONDS)
    job = jobs.get(number)
    during = (job.status, job.progress.done, job.progress.total, job.progress.doing, job in jobs.running())
    go_on.set()

    assert during == ("running", 3, 10, "Counting", True)
    assert (jobs.wait(number, PATIENCE_SECONDS).status, job in jobs.running()) == ("done", False)


def test_what_all_events_and_days_come_to_is_added_up_before_the_first_page_asks(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)
    day = AT - timedelta(days=2)
    take(store, events([("a", "Order", day)]))
    event_room.tally(store)
    before = store in summing._kept
    jobs.get_ready(store)

    assert (before, store in summing._kept) == (False, True)
    kept = event_room.tallies(store)
    assert kept is not None
    assert kept.people[clock.calendar_day(day, workspace.get(store).zone)].events == 1


def test_a_stopped_job_ends_at_its_next_step(store: Store) -> None:
    steps: list[int] = []
    started = threading.Event()

    def work(progress: Progress) -> None:
        while True:
            steps.append(len(steps))
            progress.tell(len(steps))
            started.set()

    number = jobs.submit(store, "endless", work)
    started.wait(PATIENCE_SECONDS)
    jobs.stop(number)

    assert jobs.wait(number, PATIENCE_SECONDS).status == "stopped"


def test_a_job_stopped_while_it_waits_never_begins(store: Store) -> None:
    go_on, begun = threading.Event(), threading.Event()
    first = jobs.submit(store, "work", lambda _: go_on.wait(PATIENCE_SECONDS) and None)
    second = jobs.submit(store, "work", lambda _: begun.set())
    jobs.stop(second)
    go_on.set()

    assert (jobs.wait(first, PATIENCE_SECONDS).status, jobs.wait(second, PATIENCE_SECONDS).status, begun.is_set()) == (
        "done",
        "stopped",
        False,
    )


def test_a_refusal_is_told_in_its_own_words_and_a_bug_by_a_number(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: Progress) -> None:
        raise InvalidFile("The file is empty.", "Export it again.")

    def break_(_: Progress) -> None:
        raise ZeroDivisionError("secret detail")

    refused = jobs.wait(jobs.submit(store, "refused", refuse), PATIENCE_SECONDS)
    broken = jobs.wait(jobs.submit(store, "broken", break_), PATIENCE_SECONDS)

    assert (refused.status, refused.message) == ("failed", "The file is empty. Export it again.")
    assert broken.status == "failed"
    assert "secret detail" not in broken.message
    assert broken.message.split()[-1].rstrip(".") in caplog.text


def test_an_unknown_job_is_refused() -> None:
    with pytest.raises(Unknown):
        jobs.get("nothing-0")


def test_an_import_and_an_export_go_on_by_themselves(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("userId,city\na,Goa\nb,Pune\n", "utf-8")
    plan = imports.Plan(mapping={"userId": "userId", "city": "city"})
    number, job = jobs.start_import(store, path, plan, by="Mira")
    taken = jobs.wait(job, PATIENCE_SECONDS)
    made, job = jobs.start_export(
        store, exports.Users(("userId", "city")), exports.Layout("csv"), file_name="users.csv", by="Mira"
    )
    written = jobs.wait(job, PATIENCE_SECONDS)

    assert (taken.status, imports.get(store, number).counts.created, profiles.count(store)) == ("done", 2, 2)
    assert (written.status, exports.get(store, made).rows) == ("done", 2)


def test_a_wrong_plan_is_refused_before_a_job_begins(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("userId\na\n", "utf-8")

    with pytest.raises(InvalidFile):
        jobs.start_import(store, path, imports.Plan(mapping={}), by="Mira")


def test_what_ran_when_the_program_ended_is_marked_once_it_starts(store: Store) -> None:
    take(store, users([{"userId": "a"}]))
    number = records.begin_export(store, "csv", "users.csv", {}, by="Mira", at=AT)

    assert (jobs.begin(store), records.get_export(store, number).status, jobs.begin(store)) == (1, "interrupted", 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux knows a priority for one thread")
def test_background_work_steps_back_behind_pages_and_they_keep_their_place(store: Store) -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    found: list[int] = []

    job = jobs.submit(store, "test", lambda _: found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
    jobs.wait(job, PATIENCE_SECONDS)

    assert found == [jobs.NICE]
    assert before == os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def _long_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a thousand batches."""
    monkeypatch.setattr(reading, "BATCH", 1)
    path = folder / "long.csv"
    path.write_text("userId\n" + "".join(f"u{each}\n" for each in range(1_000)))
    return path


def test_a_paused_import_goes_on_and_can_be_undone(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    number, job = jobs.start_import(
        store, _long_file(tmp_path, monkeypatch), imports.Plan(mapping={"userId": "userId"}), by="Mira"
    )
    jobs.pause(job)
    jobs.wait(job, PATIENCE_SECONDS)
    paused = imports.get(store, number)
    monkeypatch.setattr(reading, "BATCH", 1_000)
    jobs.wait(jobs.resume_import(store, number), PATIENCE_SECONDS)
    done = imports.get(store, number)
    jobs.wait(jobs.undo_import(store, number, by="Mira"), PATIENCE_SECONDS)

    assert (paused.status, paused.counts.position < 1_000) == ("paused", True)
    assert (done.status, done.counts.created) == ("completed", 1_000)
    assert (imports.get(store, number).status, profiles.count(store)) == ("undone", 0)


def test_a_stopped_import_keeps_what_is_in_and_never_goes_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, job = jobs.start_import(
        store, _long_file(tmp_path, monkeypatch), imports.Plan(mapping={"userId": "userId"}), by="Mira"
    )
    jobs.stop(job)
    jobs.wait(job, PATIENCE_SECONDS)
    record = imports.get(store, number)

    assert (record.status, profiles.count(store)) == ("stopped", record.counts.created)
    with pytest.raises(Conflict, match="at its end"):
        jobs.resume_import(store, number)


def test_what_nobody_waits_for_after_a_start_is_removed(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("userId\na\n", "utf-8")
    number = imports.start(store, path, imports.Plan(mapping={"userId": "userId"}), by="Mira", at=AT)
    left = [store.folder("uploads") / "x.csv", store.folder("trials") / "failed.csv", store.folder("imports") / "incoming-1"]
    for each in left:
        each.write_text("private")
    jobs.begin(store)

    assert [each.exists() for each in left] == [False, False, False]
    assert imports.file_of(store, number, "users.csv").exists()


def test_events_that_came_one_by_one_are_sorted_by_themselves_once_hardly_any_come(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "UNTIDY", 8)
    monkeypatch.setattr(jobs, "FEW", 3)

    def come(word: str, count: int) -> list[str]:
        take(store, events([("a", "View", AT)] * count, message_ids=[f"{word}{each}" for each in range(count)]))
        return jobs.run_due(store, at=AT)

    busy = [come("m", 2), come("n", 5), come("o", 5)]
    (job,) = come("p", 1)

    assert busy == [[], [], []]
    assert (jobs.wait(job, PATIENCE_SECONDS).kind, jobs.get(job).status, event_room.untidy(store)) == (jobs.TIDYING, "done", 0)
    assert come("q", 2) == []
