"""The calls about insights: the table behind a chart, the users behind a mark, and what is refused where."""

from __future__ import annotations

import pytest

from tests.test_api import client as client  # noqa: PLC0414 - the same server
from tests.test_api import server as server  # noqa: PLC0414

ORDERS = {"series": [{"of": {"event": "Order"}}], "period": {"last": 3, "unit": "month"}, "granularity": "month"}

pytestmark = pytest.mark.usefixtures("workspace")


def test_the_kinds_there_are_are_told_with_their_definitions(client):
    items = client.get("/api/insights").json()["items"]

    assert {"active", "trend"} <= {each["kind"] for each in items}
    assert all(each["definition"] for each in items)


def test_the_table_behind_a_chart_says_what_its_columns_are_and_which_times_are_over(client):
    answer = client.post("/api/insights/trend", json={"question": ORDERS}).json()

    assert sum(row["users"] for row in answer["rows"]) == 2
    assert {each["name"]: each["role"] for each in answer["columns"]} == {
        "series": "dimension",
        "time": "time",
        "value": "measure",
        "users": "measure",
    }
    assert [each["finished"] for each in answer["times"]] == [True, True, False]
    assert "SELECT" in answer["sql"][0]


def test_behind_every_row_are_as_many_users_as_it_says(client):
    answer = client.post("/api/insights/trend", json={"question": ORDERS}).json()
    marks = [each["name"] for each in answer["columns"] if each["role"] != "measure"]

    for row in answer["rows"]:
        cell = {each: row[each] for each in marks}
        people = client.post("/api/insights/trend/people", json={"question": ORDERS, "cell": cell, "columns": ["country"]}).json()
        assert people["total"] == row["users"] == len(people["items"])
        assert set(people["items"][0]["properties"]) == {"country"}


def test_a_formula_is_answered_after_its_series_and_its_people_are_theirs(client):
    question = {**ORDERS, "formula": "A/2"}
    answer = client.post("/api/insights/trend", json={"question": question}).json()
    rows = {each: [row for row in answer["rows"] if row["series"] == each] for each in (0, 1)}

    assert answer["question"]["formula"] == "A / 2"
    assert [row["value"] for row in rows[1]] == [row["value"] / 2 for row in rows[0]]
    for row in rows[1]:
        cell = {"series": 1, "time": row["time"]}
        people = client.post("/api/insights/trend/people", json={"question": question, "cell": cell}).json()
        assert people["total"] == row["users"] > 0


@pytest.mark.parametrize(
    "kind", ["overview", "channels", "top_events", "overlap", "switching", "engagement", "reachability", "geography"]
)
def test_behind_the_marks_of_any_kind_are_as_many_users_as_they_say(client, kind):
    question = {"period": {"last": 3, "unit": "month"}, **({"granularity": "month"} if kind in {"overview", "channels"} else {})}
    answer = client.post(f"/api/insights/{kind}", json={"question": question}).json()
    marks = [each["name"] for each in answer["columns"] if each["role"] != "measure"]

    for row in answer["rows"][:8]:
        cell = {each: row[each] for each in marks}
        people = client.post(f"/api/insights/{kind}/people", json={"question": question, "cell": cell}).json()
        assert people["total"] == row["users"], cell


def test_an_earlier_instant_counts_only_what_had_happened(client):
    body = {"question": {"period": {"last": 2, "unit": "day"}}, "as_of": "2020-01-01T00:00:00Z"}

    assert client.post("/api/insights/active", json=body).json()["rows"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "fault"),
    [
        ("trend", {"question": {}}, 422, "$.series"),
        ("trend", {"question": {"series": [{"of": {"event": "Gone"}}]}}, 422, "$.series[0].of.event"),
        ("trend", {"question": {**ORDERS, "formula": "A / 0 /"}}, 422, "$.formula"),
        ("trend", {"question": {**ORDERS, "formula": "A / B"}}, 422, "$.formula"),
        ("trend", {"question": []}, 422, "$.question"),
        ("trend", {"question": {"kind": "active"}}, 422, "$.question.kind"),
        ("active", {"querstion": {}}, 422, "$.querstion"),
        ("activ", {}, 404, ""),
        ("active/people", {"cell": {"step": 1}}, 422, "$.cell.step"),
        ("active/people", {"cell": {"time": [1]}}, 422, "$.cell"),
        ("active/people", {"cell": {"time": 1}}, 422, "$.cell.time"),
        ("active/people", {"cell": {"breakdown": "=web"}}, 422, "$.cell.breakdown"),
        ("active/people", {"cell": {}, "columns": ["nme"]}, 422, "$.columns"),
    ],
)
def test_what_cannot_be_asked_is_refused_where_the_fault_is(client, path, body, status, fault):
    answer = client.post(f"/api/insights/{path}", json=body)

    assert (answer.status_code, answer.json().get("path")) == (status, fault)


def test_without_a_key_nothing_is_answered(server):
    assert server.post("/api/insights/active", json={}).status_code == 401
