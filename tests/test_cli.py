"""The same work from a terminal."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worlds import AT, events, take, users
from user360 import cli, doors, keys, profiles, properties, segments
from user360 import events as event_room
from user360.store import open_store

ROOT = Path(__file__).resolve().parent.parent

USERS = """\
userId,firstName,country,email
u1,Asha,IN,asha@example.com
u2,Ben,US,ben@example.com
u3,Chitra,IN,not an address
"""
EVENTS = """\
{"userId": "u1", "event": "Order Completed", "timestamp": "2026-11-20T10:00:00Z", "channel": "web", "properties": {"amount": 12}}
{"userId": "u2", "event": "Order Completed", "timestamp": "2026-11-21T10:00:00Z", "channel": "app", "properties": {"amount": 7}}
"""
FROM_INDIA = '{"version": 1, "match": "all", "conditions": [{"property": "country", "operator": "is", "values": ["IN"]}]}'


@pytest.fixture
def two_users():
    """The database of the process, with two users and an event each."""
    store = open_store(doors.database())
    take(store, users([{"userId": "u1", "country": "IN"}, {"userId": "u2", "country": "US"}]))
    take(store, events([("u1", "Order Completed", AT), ("u2", "Order Completed", AT)]))
    store.close()


@pytest.fixture
def users_file(tmp_path):
    file = tmp_path / "users.csv"
    file.write_text(USERS, "utf-8")
    return file


@pytest.fixture
def imported(users_file, capsys):
    """A database with two users, from a file of three rows."""
    status = cli.main(["import", str(users_file)])
    return status, capsys.readouterr()


def opened(question):
    store = open_store(doors.database())
    try:
        return question(store)
    finally:
        store.close()


def events_kept(store):
    return event_room.catalogue(store)["total"].to_pylist()


def test_help_names_every_command_and_every_exit_status():
    told = subprocess.run(
        [sys.executable, "-m", "user360", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    for word in ("demo", "import", "export", "query", "backup", "restore", "check", "exit status: 0", "USER360_DATABASE"):
        assert word in told


def test_without_a_command_it_says_how_it_is_used(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([])

    assert left.value.code == 2
    assert "usage: python -m user360" in capsys.readouterr().err


def test_a_rule_is_answered_with_count_sentence_and_users(two_users, capsys):
    file_status = cli.main(["query", FROM_INDIA])

    answer = json.loads(capsys.readouterr().out)
    assert file_status == cli.DONE
    assert (answer["count"], answer["total"]) == (1, 2)
    assert "country" in answer["sentence"]
    assert [user["userId"] for user in answer["users"]] == ["u1"]


def test_a_rule_can_stand_in_a_file(two_users, tmp_path, capsys):
    file = tmp_path / "rule.json"
    file.write_text(FROM_INDIA, "utf-8")

    cli.main(["query", f"@{file}"])

    assert json.loads(capsys.readouterr().out)["count"] == 1


def test_a_rule_with_a_fault_is_refused_with_its_path(capsys):
    status = cli.main(["query", FROM_INDIA.replace('"is"', '"resembles"')])

    told = capsys.readouterr()
    assert (status, told.out) == (cli.REFUSED, "")
    assert told.err.startswith("$.conditions[0]")


def test_check_reads_the_whole_database_and_says_what_is_in_it(two_users, capsys):
    status = cli.main(["check"])

    assert status == cli.DONE
    assert f"2 users, {sum(opened(events_kept))} events, {len(opened(properties.find))} properties." in capsys.readouterr().out


def test_a_database_another_process_has_is_refused_with_what_to_do(capsys):
    program = "import sys; from user360.store import open_store; s = open_store(sys.argv[1]); print('open', flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", program, doors.database()], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"

        status = cli.main(["check"])

        told = capsys.readouterr()
        assert (status, told.out) == (cli.REFUSED, "")
        assert f"process {other.pid}" in told.err
        for arguments, call in (
            (["export", "out.csv"], "POST /api/exports"),
            (["everything", "u1"], "GET /api/users/{userId}/everything"),
            (["erase", "u1"], "POST /api/users/{userId}/erase"),
        ):
            assert cli.main(arguments) == cli.REFUSED
            assert capsys.readouterr().err.endswith(f"Or call {call}.\n")
        other.communicate("\n")


def test_the_sample_shop_fills_an_empty_database(capsys):
    status = cli.main(["demo", "--users", "40", "--events", "200"])

    assert status == cli.DONE
    assert opened(profiles.count) == 40
    assert "40 users" in capsys.readouterr().out


def test_a_file_of_users_is_imported_and_the_row_that_failed_is_told(imported):
    status, told = imported

    assert status == cli.SOME_ROWS_FAILED
    assert "3 rows: 2 new, 0 updated, 0 unchanged, 1 failed, 0 empty" in told.out
    assert opened(profiles.count) == 2


def test_the_failed_rows_stand_in_a_file_that_is_named(imported):
    _, told = imported
    named = told.out.strip().rsplit(": ", 1)[1]

    assert "not an address" in Path(named).read_text("utf-8-sig")


def test_a_file_of_events_is_imported(imported, tmp_path, capsys):
    file = tmp_path / "events.jsonl"
    file.write_text(EVENTS, "utf-8")

    status = cli.main(["import", str(file), "--kind", "events"])

    assert status == cli.DONE, capsys.readouterr()
    assert opened(lambda store: event_room.totals(store, 0)["event"].to_pylist()).count("Order Completed") == 1


def test_a_tag_given_stands_on_everyone_imported(users_file, capsys):
    cli.main(["import", str(users_file), "--tag", "newsletter", "--tag", "autumn"])

    tags = opened(profiles.tags)
    assert {("newsletter", 2), ("autumn", 2)} <= set(tags)


def test_everyone_imported_is_put_on_the_segment_named(users_file, capsys):
    cli.main(["import", str(users_file), "--segment", "Newsletter"])

    people = opened(
        lambda store: segments.people(store, segments.parse({"match": "all", "conditions": [{"segment": "s1"}]}), at=AT)
    )
    assert len(people) == 2
    assert opened(segments.saved.find)[0].name == "Newsletter"


def test_a_file_that_is_not_there_is_refused(tmp_path, capsys):
    status = cli.main(["import", str(tmp_path / "missing.csv")])

    told = capsys.readouterr()
    assert (status, told.out) == (cli.REFUSED, "")
    assert "missing.csv" in told.err


def test_everybody_is_exported_and_can_be_imported_again(imported, tmp_path, capsys):
    file = tmp_path / "out.csv"

    status = cli.main(["export", str(file), "--columns", "userId,firstName"])

    assert (status, capsys.readouterr().out) == (cli.DONE, f"{file}: 2 users\n")
    assert file.read_text("utf-8-sig").splitlines()[0].replace('"', "") == "userId,firstName"
    assert cli.main(["import", str(file), "--tag", "back"]) == cli.DONE
    assert opened(profiles.count) == 2


def test_only_those_who_match_are_exported(imported, tmp_path, capsys):
    file = tmp_path / "out.jsonl"

    cli.main(["export", str(file), "--rule", FROM_INDIA])

    assert [json.loads(line)["userId"] for line in file.read_text("utf-8").splitlines()] == ["u1"]


def test_a_format_nobody_knows_is_refused(imported, tmp_path, capsys):
    status = cli.main(["export", str(tmp_path / "out.docx")])

    assert (status, "docx" in capsys.readouterr().err) == (cli.REFUSED, True)


def test_a_mapping_says_which_column_feeds_which_property(tmp_path):
    file = tmp_path / "renamed.csv"
    file.write_text("id,vorname\nu9,Ida\n", "utf-8")

    cli.main(["import", str(file), "--kind", "users", "--mapping", '{"id": "userId", "vorname": "firstName"}'])

    assert opened(lambda store: profiles.get(store, 0).values["firstName"]) == "Ida"


def test_an_existing_file_is_not_written_over(imported, tmp_path, capsys):
    file = tmp_path / "out.csv"
    file.write_text("precious")

    status = cli.main(["export", str(file)])

    assert (status, file.read_text()) == (cli.REFUSED, "precious")
    assert "is there already" in capsys.readouterr().err


def test_a_key_is_printed_alone_on_the_last_line_and_is_good(capsys):
    status = cli.main(["key", "create", "write", "nightly sync"])

    secret = capsys.readouterr().out.rstrip("\n").splitlines()[-1]
    assert (status, secret) == (cli.DONE, secret.strip())
    assert opened(lambda store: keys.check(store, secret, "write", at=AT)).name == "nightly sync"


def test_keys_are_listed_without_their_secret_and_can_be_revoked(capsys):
    cli.main(["key", "create", "read", "dashboard"])
    secret = capsys.readouterr().out.splitlines()[-1]
    cli.main(["key", "list"])
    listed = capsys.readouterr().out
    assert listed.startswith("dashboard: read, made ")
    assert listed.endswith("never used\n")
    assert secret not in listed

    cli.main(["key", "revoke", "dashboard"])
    cli.main(["key", "list"])

    assert capsys.readouterr().out.splitlines()[1:] == []


def test_a_key_that_is_not_there_cannot_be_revoked(capsys):
    assert cli.main(["key", "revoke", "dashbord"]) == cli.REFUSED
    assert "There is no key" in capsys.readouterr().err


def test_a_backup_is_made_listed_and_put_back(imported, capsys):
    assert cli.main(["backup"]) == cli.DONE
    assert "2 users" in capsys.readouterr().out
    cli.main(["restore", "--list"])
    made = capsys.readouterr().out.split(":")[0]
    opened(lambda store: profiles.delete(store, profiles.everyone(store), by="t", source="t", at=AT))

    assert cli.main(["restore", made]) == cli.DONE
    assert "2 users" in capsys.readouterr().out
    assert opened(profiles.count) == 2


def test_a_damaged_database_is_moved_aside_for_the_file_of_a_backup(imported, tmp_path, capsys):
    cli.main(["backup"])
    file = tmp_path / "kept.duckdb"
    shutil.copyfile(capsys.readouterr().out.split(": ")[0], file)
    database = Path(doors.database())
    database.write_bytes(b"broken" * 1_000)

    assert cli.main(["check"]) == cli.REFUSED
    assert cli.main(["restore", str(file)]) == cli.DONE

    assert "moved to" in capsys.readouterr().err
    assert opened(profiles.count) == 2
    assert [each.read_bytes()[:6] for each in tmp_path.glob("user360.duckdb.damaged-*")] == [b"broken"]


def test_a_backup_nobody_knows_is_refused(capsys):
    assert cli.main(["restore", "20260101-000000-000000"]) == cli.REFUSED
    assert "There is no backup" in capsys.readouterr().err


def test_an_import_can_be_tried_taken_and_taken_back(tmp_path, capsys):
    file = tmp_path / "users.csv"
    file.write_text("userId,firstName,dob\nc1,Ana,1990-02-01\nc2,Ben,never\n")

    assert cli.main(["import", str(file), "--dry-run"]) == 3
    told = capsys.readouterr().out
    assert "2 rows: 1 new, 0 updated, 0 unchanged, 1 failed" in told
    assert "such as “never”" in told
    assert told.endswith("Nothing was written.\n")
    assert cli.main(["query", '{"match": "all", "conditions": []}']) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 0

    assert cli.main(["import", str(file)]) == 3
    assert cli.main(["undo", "0"]) == 0
    assert "is undone. 0 values were changed since" in capsys.readouterr().out
    assert cli.main(["query", '{"match": "all", "conditions": []}']) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 0
    assert cli.main(["undo", "0"]) == 1


def test_one_person_is_told_whole_and_erased_only_where_that_is_said(tmp_path, capsys):
    file = tmp_path / "users.csv"
    file.write_text("userId,firstName\nc1,Ana\n")
    cli.main(["import", str(file)])
    capsys.readouterr()

    assert cli.main(["everything", "c1"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["firstName"] == "Ana"
    assert cli.main(["erase", "c1"]) == 1
    assert "--for-good" in capsys.readouterr().err
    assert cli.main(["erase", "c1", "--for-good"]) == 0
    assert cli.main(["everything", "c1"]) == 1
    assert cli.main(["import", str(file)]) == 3
