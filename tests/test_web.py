"""What the server answers beside its pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import user360
from user360 import doors, errors, web
from user360.store import open_store


@pytest.fixture
def client():
    """The server without its pages: the same routes, middleware and lifespan that `app.py` gives to Streamlit."""
    server = Starlette(routes=web.routes(), lifespan=web.lifespan, middleware=web.middleware())
    with TestClient(server, raise_server_exceptions=False) as opened:
        yield opened


def every_refusal():
    found = [errors.User360Error]
    for branch in found:
        found.extend(branch.__subclasses__())
    return found


def an_instance_of(kind):
    if issubclass(kind, errors.InvalidRule | errors.InvalidInsight | errors.InvalidRequest):
        return kind("$.conditions[0]", "is no condition", "Make it one.")
    if kind is errors.InvalidValue:
        return kind("number", "abc", "is no number", "Write it in digits.")
    if kind is errors.InvalidSentence:
        return kind(7, "whoose", ("whose", "who did"))
    return kind("It cannot be done.", "Do something else.")


def test_health_tells_version_database_revision_and_lag_without_a_key(client):
    answer = client.get("/api/health")

    assert answer.status_code == 200
    told = answer.json()
    assert sorted(told) == ["database", "lag", "revision", "version"]
    assert (told["version"], told["database"], told["revision"]) == (user360.__version__, "ok", doors.current_store().revision())
    assert told["lag"] >= 0


def test_health_is_a_refusal_while_another_program_has_the_database(client, tmp_path, monkeypatch):
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(b"this is no database" * 1000)
    monkeypatch.setenv("USER360_DATABASE", str(damaged))

    answer = client.get("/api/health")

    assert answer.status_code == 503
    assert answer.json()["code"] == "storeUnavailable"
    assert answer.headers["retry-after"] == str(web.RETRY_AFTER_SECONDS)


def test_the_database_is_asked_for_again_after_a_refusal(client, tmp_path, monkeypatch):
    database = tmp_path / "later.duckdb"
    database.write_bytes(b"this is no database" * 1000)
    monkeypatch.setenv("USER360_DATABASE", str(database))
    assert client.get("/api/health").status_code == 503

    database.unlink()

    assert client.get("/api/health").status_code == 200


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/v1/typo", "/v1/", "/v1/typo/deep", "/files/", "/files/a/b"])
def test_an_unknown_address_is_refused_in_json(client, path):
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.json() == {
        "code": "unknown",
        "message": f"There is no GET {path}.",
        "hint": "Look at the address again.",
        "path": "",
    }


def test_a_wrong_method_is_refused_in_json_and_the_right_ones_are_named(client):
    answer = client.post("/api/health")

    assert answer.status_code == 405
    assert answer.json()["code"] == "methodNotAllowed"
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/api/health", "/api/nothing", "/files/nothing"])
def test_every_answer_carries_the_security_headers(client, path):
    answer = client.get(path)

    assert {name: answer.headers.get(name) for name in web.SECURITY_HEADERS} == web.SECURITY_HEADERS


def test_an_offered_file_is_downloaded_whole_under_its_name(client, tmp_path):
    rows = b"userId,firstName\nu1,=cmd()\n" * 10_000
    file = tmp_path / "7.csv"
    file.write_bytes(rows)

    answer = client.get(web.offer(file, "users – März.csv"))

    assert answer.status_code == 200
    assert answer.content == rows
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''users%20%E2%80%93%20M%C3%A4rz.csv"


def test_a_token_cannot_be_guessed_and_leads_nowhere_else(client, tmp_path):
    file = tmp_path / "export.csv"
    file.write_text("userId\n")
    address = web.offer(file, "export.csv")

    assert re.fullmatch(r"/files/[\w-]{43}", address)
    for guess in (address[:-1], address + "x", "/files/export.csv", "/files/..%2f..%2fREADME.md"):
        assert client.get(guess).status_code == 404


def test_an_address_is_good_once_and_every_offer_has_its_own(client, tmp_path):
    file = tmp_path / "export.csv"
    file.write_text("userId\n")
    first, second = web.offer(file, "export.csv"), web.offer(file, "export.csv")

    assert [client.get(address).status_code for address in (first, first, second)] == [200, 404, 200]


def test_looking_whether_a_file_is_there_does_not_use_its_address_up(client, tmp_path):
    file = tmp_path / "export.csv"
    file.write_text("userId\n")
    address = web.offer(file, "export.csv")

    assert [client.head(address).status_code, client.get(address).status_code] == [405, 200]


def test_a_link_that_was_passed_on_is_good_for_nothing_elsewhere(client, tmp_path):
    file = tmp_path / "export.csv"
    file.write_text("userId\n")
    mine = {web.BROWSER: "2|00000000|" + "ab" * 16 + "|1795456800"}
    masked_anew = {web.BROWSER: "2|ffffffff|" + "54" * 16 + "|1795456800"}
    address = web.offer(file, "export.csv", web.holder(mine))

    assert client.get(address).status_code == 403
    client.cookies.update(masked_anew)
    assert client.get(address).status_code == 200


def test_an_offer_ends_with_its_time(tmp_path):
    file = tmp_path / "export.csv"
    file.write_text("userId\n")
    passed = [0.0]
    offers = web.Offers(clock=lambda: passed[0])
    token = offers.put(file, "export.csv")
    passed[0] = web.OFFER_SECONDS - 1
    assert offers.take(token).path == file
    token = offers.put(file, "export.csv")

    passed[0] += web.OFFER_SECONDS

    with pytest.raises(errors.Unknown, match="no longer on offer"):
        offers.take(token)


def test_an_offer_ends_with_its_file(client, tmp_path):
    file = tmp_path / "export.csv"
    file.write_text("userId\n")
    address = web.offer(file, "export.csv")

    file.unlink()

    answer = client.get(address)
    assert (answer.status_code, answer.json()["hint"]) == (404, "Go back to the page and start it again.")


@pytest.mark.parametrize("kind", every_refusal(), ids=lambda kind: kind.__name__)
def test_every_refusal_has_a_status_and_is_told_in_full(kind):
    refusal = an_instance_of(kind)

    answer = web.refused(refusal)

    assert answer.status_code in {400, 401, 403, 404, 409, 413, 422, 429, 502, 503}
    more = {"failed": [], "accepted": 0} if kind is errors.NotAllTaken else {}
    assert json.loads(bytes(answer.body)) == more | {
        "code": kind.code,
        "message": refusal.message,
        "hint": refusal.hint,
        "path": "$.conditions[0]" if issubclass(kind, errors.InvalidRule | errors.InvalidInsight | errors.InvalidRequest) else "",
    }


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.InvalidValue, 422),
        (errors.InvalidRule, 422),
        (errors.InvalidMessage, 400),
        (errors.InvalidFile, 400),
        (errors.InvalidRequest, 422),
        (errors.UnreadableRequest, 400),
        (errors.KeyNeeded, 401),
        (errors.Forbidden, 403),
        (errors.Unknown, 404),
        (errors.InUse, 409),
        (errors.NameTaken, 409),
        (errors.Immutable, 409),
        (errors.StoreUnavailable, 503),
    ],
)
def test_a_refusal_has_the_status_of_its_branch(kind, status):
    assert web.status_of(kind) == status


def test_the_server_lets_go_of_the_database_when_it_stops_and_nobody_takes_it_up_again():
    server = Starlette(routes=web.routes(), lifespan=web.lifespan)
    with TestClient(server) as client:
        client.get("/api/health")

    assert not Path(f"{doors.database()}.wal").exists()
    open_store(doors.database()).close()
    with pytest.raises(errors.StoreUnavailable, match="shutting down"):
        doors.current_store()


def test_all_doors_share_one_store():
    assert doors.current_store() is doors.current_store()


def test_a_closed_store_is_opened_again_by_the_next_who_asks():
    before = doors.current_store()

    doors.close()

    assert doors.current_store() is not before
