"""The same work from a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worlds import AT, events, take, users
from user360 import cli, doors, profiles, properties
from user360 import events as event_room
from user360.store import open_store

ROOT = Path(__file__).resolve().parent.parent

FROM_INDIA = '{"version": 1, "match": "all", "conditions": [{"property": "country", "operator": "is", "values": ["IN"]}]}'


@pytest.fixture
def two_users():
    """The database of the process, with two users and an event each."""
    store = open_store(doors.database())
    take(store, users([{"userId": "u1", "country": "IN"}, {"userId": "u2", "country": "US"}]))
    take(store, events([("u1", "Order Completed", AT), ("u2", "Order Completed", AT)]))
    store.close()


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

    for word in ("demo", "query", "check", "exit status: 0", "USER360_DATABASE"):
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
        other.communicate("\n")


def test_the_sample_shop_fills_an_empty_database(capsys):
    status = cli.main(["demo", "--users", "40", "--events", "200"])

    assert status == cli.DONE
    assert opened(profiles.count) == 40
    assert "40 users" in capsys.readouterr().out
