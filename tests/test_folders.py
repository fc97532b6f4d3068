"""Watched folders: what is new is imported once, from a directory, an SFTP server and an object store."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import pytest

from tests.serving import PATIENCE_SECONDS, free_port, until
from user360 import backup, folders, imports, jobs, places, profiles, schedules, watching
from user360.errors import Conflict, Forbidden, Interrupted, Invalid, NameTaken, Unknown, Unreachable, User360Error
from user360.schedules import Schedule

AT = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)
USERS = "userId,firstName\nu1,Asha\nu2,Ben\n"
EVENTS = "userId,event,timestamp\nu1,Order Completed,2026-11-20T10:00:00Z\n"
DAILY = Schedule("day", "02:00")


@pytest.fixture
def drop(tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def watched(store, place, *, plan=None, schedule=DAILY, host_key="", name="Drop"):
    return folders.make(store, name, str(place), host_key=host_key, plan=plan or {}, schedule=schedule, by="Ana", at=AT)


def looked(store, of):
    return watching.run(store, of.id, by="Ana", now=lambda: AT)


def told(store, of):
    return {name: (each.status, each.message) for name, each in folders.seen(store, of.id).items()}


# -- what is taken ------------------------------------------------------------------------------


def test_users_and_events_of_a_folder_are_imported_and_nothing_else_is_touched(store, drop):
    (drop / "userdata_1.csv").write_text(USERS)
    (drop / "events_1.csv").write_text(EVENTS)
    (drop / "notes.csv").write_text("a,b\n1,2\n")
    (drop / "userdata_below").mkdir()
    of = watched(store, drop)

    run = looked(store, of)

    assert (run.status, run.found, run.imported, run.failed) == ("completed", 2, 2, 0)
    assert told(store, of) == {"userdata_1.csv": ("imported", ""), "events_1.csv": ("imported", "")}
    assert profiles.count(store) == 2
    assert [each.kind for each in imports.find(store)] == ["users", "events"]
    assert sorted(each.name for each in drop.iterdir()) == ["events_1.csv", "notes.csv", "userdata_1.csv", "userdata_below"]


def test_a_file_is_taken_once_by_its_content_whatever_it_is_called(store, drop):
    of = watched(store, drop)
    (drop / "userdata_1.csv").write_text(USERS)
    looked(store, of)

    (drop / "userdata_2.csv").write_text(USERS)
    os.utime(drop / "userdata_1.csv", (1, 1))
    run = looked(store, of)

    assert (run.found, run.imported) == (2, 0)
    assert told(store, of)["userdata_2.csv"] == ("same", "The same as userdata_1.csv, which was imported.")
    assert len(imports.find(store)) == 1


def test_a_file_that_was_written_anew_is_taken_again(store, drop):
    of = watched(store, drop)
    (drop / "userdata_1.csv").write_text(USERS)
    looked(store, of)
    (drop / "userdata_1.csv").write_text(USERS + "u3,Cem\n")

    assert looked(store, of).imported == 1
    assert profiles.count(store) == 3


def test_what_cannot_be_read_is_told_once_and_tried_again_when_asked(store, drop):
    of = watched(store, drop)
    (drop / "userdata_bad.csv").write_text("colour,size\nred,2\n")
    (drop / "userdata_good.csv").write_text(USERS)

    run = looked(store, of)
    assert (run.status, run.imported, run.failed) == ("failed", 1, 1)
    assert told(store, of)["userdata_bad.csv"][0] == "refused"
    assert "userId" in told(store, of)["userdata_bad.csv"][1]

    again = looked(store, of)
    assert (again.status, again.imported, again.failed) == ("completed", 0, 0)
    folders.look_again(store, of.id, "userdata_bad.csv")
    assert looked(store, of).failed == 1


def test_a_file_that_is_still_being_written_waits(store, drop):
    (drop / "userdata_1.csv").write_text(USERS)
    with places.opened(places.parse(str(drop)), {}) as opened:
        (file,) = opened.files()
        with (drop / "userdata_1.csv").open("a") as more:
            more.write("u3,Cem\n")
        with pytest.raises(Conflict, match="still being written"):
            opened.fetch(file, drop / "copy")


def test_the_rules_of_a_folder_hold_for_its_files(store, drop):
    (drop / "userdata_1.csv").write_text(USERS)
    of = watched(store, drop, plan={"tags": ["fair"], "segment": "Autumn fair"})
    looked(store, of)

    (record,) = imports.find(store)
    assert record.plan["tags"] == ["fair"]
    assert record.plan["segment"] == "Autumn fair"
    assert profiles.tags(store) == [("fair", 2)]


def test_an_import_that_was_interrupted_goes_on_where_it_stood(store, drop):
    (drop / "userdata_1.csv").write_text(USERS)
    of = watched(store, drop)
    with places.opened(places.parse(str(drop)), {}) as opened:
        (file,) = opened.files()
    number = imports.start(store, drop / "userdata_1.csv", imports.Plan(mapping={"userId": "userId"}), by="Ana", at=AT)
    folders.note(store, of.id, folders.Seen(file.name, file.size, file.stamp, "x", "importing", number, "", AT))

    assert looked(store, of).imported == 1
    assert [each.status for each in imports.find(store)] == ["completed"]
    assert profiles.count(store) == 2


def test_a_look_can_be_stopped_and_the_rest_is_taken_the_next_time(store, drop):
    of = watched(store, drop)
    (drop / "userdata_1.csv").write_text(USERS)
    (drop / "userdata_2.csv").write_text("userId\nu9\n")

    def stop(done, _total, doing):
        if done == 1 and doing.startswith("Looking"):
            raise Interrupted("The job was stopped.")

    with pytest.raises(Interrupted):
        watching.run(store, of.id, by="Ana", now=lambda: AT, progress=stop)
    assert folders.runs(store, of.id)[0].status == "stopped"
    assert looked(store, of).imported == 1
    assert profiles.count(store) == 3


# -- by itself ----------------------------------------------------------------------------------


def test_a_folder_is_looked_at_when_it_is_due_once_for_all_that_was_missed(store_file, drop):
    (drop / "userdata_1.csv").write_text(USERS)
    of = watched(store_file, drop)

    (job,) = jobs.run_due(store_file, at=AT + timedelta(days=9))
    assert jobs.wait(job, PATIENCE_SECONDS).status == "done"
    assert len(folders.runs(store_file, of.id)) == 1
    assert jobs.run_due(store_file, at=AT + timedelta(days=9)) == []
    assert profiles.count(store_file) == 2


def test_a_look_the_program_ended_in_is_made_up_at_the_next_start(store, drop):
    of = watched(store, drop)
    folders.begin_run(store, of.id, by="schedule", at=AT)

    jobs.begin(store)

    assert folders.runs(store, of.id)[0].status == "interrupted"
    assert [each.subject for each in schedules.take_due(store, at=AT + timedelta(days=4000))] == [of.id]


# -- folders ------------------------------------------------------------------------------------


def test_names_are_unique_and_a_deleted_folder_leaves_nothing_that_opens_it(store, drop):
    of = watched(store, drop)
    folders.keep_secret(store, of.id, {"password": "s3cret"})
    file = store.folder("secrets") / f"{of.id}.json"
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(NameTaken):
        watched(store, drop, name=" drop ")

    assert folders.change(store, of.id, name="Other", by="Ana", at=AT).name == "Other"
    folders.delete(store, of.id, by="Ana", at=AT)

    assert not file.exists()
    assert folders.find(store) == []
    assert schedules.take_due(store, at=AT + timedelta(days=9)) == []
    with pytest.raises(Unknown):
        folders.get(store, of.id)


def test_what_opens_a_folder_is_in_no_backup(store_file, drop):
    of = watched(store_file, drop)
    folders.keep_secret(store_file, of.id, {"password": "correct horse battery"})

    made = backup.write(store_file, by="Ana", at=AT)

    assert b"correct horse battery" not in backup.file_of(store_file, made).read_bytes()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "from the root"),
        ("drop/here", "from the root"),
        ("ftp://host/x", "sftp://"),
        ("sftp://host/x", "user"),
        ("sftp://ana@host:99999/x", "22"),
        ("sftp://ana:secret@host/x", "field of its own"),
        ("s3://", "bucket"),
    ],
)
def test_an_address_that_is_none_is_refused_with_what_to_write(text, hint):
    with pytest.raises(Invalid) as refused:
        places.parse(text)
    assert hint in refused.value.hint
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["/srv/drop", "sftp://ana@files.example.com:2222/out", "sftp://ana@host/", "s3://bucket/drop"])
def test_an_address_reads_back_as_it_is_written(text):
    assert str(places.parse(text)) == text


def test_a_folder_that_is_gone_is_told(store, drop):
    of = watched(store, drop / "gone")
    with pytest.raises(Unreachable, match="no folder"):
        looked(store, of)
    assert folders.runs(store, of.id)[0].message.startswith("There is no folder")


def test_an_object_store_needs_no_directory(store):
    files = fsspec.filesystem("memory")
    files.pipe("/bucket/drop/userdata_1.csv", USERS.encode())
    of = watched(store, "memory://bucket/drop")
    try:
        assert looked(store, of).imported == 1
        assert looked(store, of).imported == 0
    finally:
        files.rm("/bucket", recursive=True)


def test_a_package_that_is_missing_is_named():
    with pytest.raises(Unreachable, match="package") as refused, places.opened(places.parse("az://container/x"), {}):
        pass
    assert "pip install adlfs" in refused.value.hint


# -- a real sshd --------------------------------------------------------------------------------


SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
NEEDS_SSHD = pytest.mark.skipif(SSHD is None and "CI" not in os.environ, reason="no sshd on this machine")


def _key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def _serve(folder, host_key, port=0):
    """An sshd of our own on loopback that lets one key in; answers its process and port."""
    assert SSHD is not None, "sshd is not installed"
    port = port or free_port()
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    settings = folder / "sshd_config"
    settings.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {folder / 'client.pub'}\nPasswordAuthentication no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
    )
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(settings)], stderr=subprocess.DEVNULL)
    until(lambda: process.poll() is not None or _listens(port), "sshd did not start")
    assert process.poll() is None, "sshd ended"
    return process, port


def _listens(port):
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0


def _end(process):
    process.terminate()
    process.wait(PATIENCE_SECONDS)


@NEEDS_SSHD
def test_an_sftp_folder_is_read_with_a_key_and_a_changed_server_is_refused(store, drop, tmp_path):
    client, host = _key(tmp_path / "client"), _key(tmp_path / "host")
    (drop / "userdata_1.csv").write_text(USERS)
    process, port = _serve(tmp_path, host)
    place = places.parse(f"sftp://{_me()}@127.0.0.1:{port}{drop}")
    try:
        shown = places.fingerprint(place)
        printed = subprocess.run(["ssh-keygen", "-lf", f"{host}.pub"], check=True, capture_output=True, text=True).stdout
        assert shown == printed.split()[1]

        of = watched(store, place, host_key=shown)
        with pytest.raises(Forbidden, match="does not let us in"):
            looked(store, of)
        folders.keep_secret(store, of.id, {"key": client.read_text()})
        assert looked(store, of).imported == 1
        assert looked(store, of).imported == 0
        assert profiles.count(store) == 2
    finally:
        _end(process)

    with pytest.raises(Unreachable, match="cannot be reached"):
        looked(store, of)
    process, _ = _serve(tmp_path, _key(tmp_path / "other"), port)
    try:
        with pytest.raises(Conflict, match="shows another key than before"):
            looked(store, of)
        assert "another key" in folders.runs(store, of.id)[0].message
    finally:
        _end(process)


class _Line:
    """A line to a server that can be cut: each connection ends once so many bytes came back over it."""

    def __init__(self, port):
        self.most, self._port = 1 << 40, port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._pass, args=(near, far, 1 << 40), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, self.most), daemon=True).start()

    def _pass(self, one, other, most):
        passed = 0
        with contextlib.suppress(OSError):
            while passed < most and (piece := one.recv(65_536)):
                other.sendall(piece)
                passed += len(piece)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def close(self):
        self._listening.close()


@NEEDS_SSHD
def test_a_network_that_goes_away_in_the_middle_of_a_file_is_tried_again_soon_and_the_file_taken_whole_and_once(
    store_file, drop, tmp_path
):
    client, host = _key(tmp_path / "client"), _key(tmp_path / "host")
    (drop / "userdata_1.csv").write_text("userId,firstName\n" + "".join(f"u{each},{'x' * 500}\n" for each in range(6_000)))
    process, port = _serve(tmp_path, host)
    line = _Line(port)
    place = places.parse(f"sftp://{_me()}@127.0.0.1:{line.port}{drop}")
    try:
        of = watched(store_file, place, host_key=places.fingerprint(place))
        folders.keep_secret(store_file, of.id, {"key": client.read_text()})
        line.most = 1_000_000
        run = looked(store_file, of)
        assert (run.status, run.found, run.imported, run.failed) == ("unreachable", 1, 0, 1)
        assert run.message == "A file could not be fetched. It is tried again by itself after 1 minute."
        assert profiles.count(store_file) == 0
        assert jobs.run_due(store_file, at=AT + timedelta(seconds=59)) == []

        line.most = 1 << 40
        (job,) = jobs.run_due(store_file, at=AT + timedelta(minutes=1))
        assert jobs.wait(job, PATIENCE_SECONDS).status == "done"
        assert folders.runs(store_file, of.id)[0].imported == 1
        assert profiles.count(store_file) == 6_000
        assert looked(store_file, of).imported == 0
        assert len(imports.find(store_file)) == 1
    finally:
        line.close()
        _end(process)


def test_a_place_that_stays_away_is_tried_less_and_less_often_and_then_as_its_schedule_says(store, tmp_path):
    weekly = Schedule("week", "02:00", weekday=6)
    of = watched(store, tmp_path / "gone", schedule=weekly)
    regular = schedules.get(store, folders.KIND, of.id)[1]
    waits, at = [], AT
    for _ in range(len(folders.RETRIED_AFTER) + 1):
        moments = iter([at, at])
        with pytest.raises(Unreachable):
            watching.run(store, of.id, by="schedule", now=moments.__next__)
        due = schedules.get(store, folders.KIND, of.id)[1]
        assert due is not None
        waits.append((due - at) / timedelta(minutes=1) if due != regular else None)
        at = due
        schedules.take_due(store, at=at)

    assert waits == [1, 5, 15, 60, None]
    assert folders.runs(store, of.id)[0].message.endswith("correct the address.")


def test_a_folder_that_is_looked_at_by_hand_alone_is_not_tried_again_by_itself(store, tmp_path):
    of = watched(store, tmp_path / "gone", schedule=Schedule("never"))
    with pytest.raises(Unreachable):
        looked(store, of)

    assert schedules.get(store, folders.KIND, of.id)[1] is None
    assert "by itself" not in folders.runs(store, of.id)[0].message


def test_a_key_that_is_none_is_refused_in_plain_words():
    with (
        pytest.raises(User360Error, match="private key cannot be read"),
        places.opened(places.parse("sftp://ana@127.0.0.1:1/x"), {"key": "-----BEGIN NONSENSE-----"}, "x"),
    ):
        pass


def _me():
    return subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()


def test_a_file_that_would_blank_half_of_all_people_is_held(store, drop):
    (drop / "userdata_1.csv").write_text("userId,firstName,city\nu1,Asha,Pune\nu2,Ben,Ulm\n")
    of = watched(store, drop, plan={"mode": "replace"})
    looked(store, of)
    (drop / "userdata_2.csv").write_text("userId,firstName\nu1,Asha\nu2,Ben\n")

    assert looked(store, of).failed == 1
    status, why = told(store, of)["userdata_2.csv"]
    assert (status, "2 of 2 people would lose a value" in why) == ("refused", True)
    assert [profiles.get(store, key).values.get("city") for key in map(int, profiles.everyone(store).keys())] == ["Pune", "Ulm"]
