"""The calls under `/api`: who is admitted, what is taken, what is answered."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from tests.worlds import events, take, users
from user360 import api, clock, doors, keys, profiles, segments, web
from user360.api import calls
from user360.people import People

NOW = clock.now().replace(microsecond=0)  # noqa: TID251 - the server asks the clock itself

pytestmark = pytest.mark.usefixtures("workspace")


def days(back):
    return NOW - timedelta(days=back)


def definition(*conditions, match="all"):
    return {"version": 1, "match": match, "conditions": list(conditions)}


def lives_in(*countries):
    return definition({"property": "country", "operator": "is", "values": list(countries)})


DE, FR = lives_in("DE"), lives_in("FR")


@pytest.fixture
def server():
    application = Starlette(routes=web.routes(), lifespan=web.lifespan, middleware=web.middleware())
    with TestClient(application, raise_server_exceptions=False) as opened:
        store = doors.current_store()
        rows = [{"userId": f"u{each}", "country": "DE" if each < 3 else "FR", "latitude": each} for each in range(1, 7)]
        take(store, users(rows), at=days(30))
        take(store, events([("u1", "Order", days(2)), ("u4", "Order", days(40))]), at=days(2))
        yield opened


@pytest.fixture
def client(server):
    """Calls with a key of the scope write."""
    server.headers["Authorization"] = f"Bearer {keys.create(doors.current_store(), 'write', 'test', by='ann', at=NOW)}"
    return server


def saved(client, name="Germans", what=DE):
    answer = client.post("/api/segments", json={"name": name, "definition": what})
    assert answer.status_code == 201, answer.text
    return answer.json()


def user_ids(answer):
    assert answer.status_code == 200, answer.text
    return sorted(each["userId"] for each in answer.json()["items"])


# -- who is admitted ----------------------------------------------------------------------------


def every_call():
    return [(method, route.path) for route in api.calls_with_key() for method in sorted((route.methods or set()) - {"HEAD"})]


BAD_KEYS = [None, "Bearer ", "Bearer wrong", "Basic dTM2MDo=", "u360_bare"]


def test_no_call_is_answered_without_a_good_key(server):
    for (method, path), header in itertools.product(every_call(), BAD_KEYS):
        answer = server.request(method, f"/api{path}", headers={"Authorization": header} if header else {}, content=b"{not json")

        told = answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]
        assert told == (401, "unauthorized", "Bearer"), (method, path, header)


READING = ("/preview", "/explain", "/query", "/exports", "/exports/{id}/stop", "/insights/{kind}", "/insights/{kind}/people")


def test_a_key_to_read_changes_nothing(server):
    secret = keys.create(doors.current_store(), "read", "reader", by="ann", at=NOW)
    for method, path in every_call():
        address = f"/api{path}".replace("{id}", "s1").replace("{kind}", "trend")
        answer = server.request(method, address, headers={"Authorization": f"bearer {secret}"}, json={})

        reads = (method == "GET" and "/backups" not in path) or path.endswith(READING)
        assert (answer.status_code == 403) == (not reads), (method, path)
    assert segments.saved.find(doors.current_store(), archived=None) == ()


def test_a_revoked_key_is_refused_at_once(client):
    assert client.get("/api/segments").status_code == 200

    keys.revoke(doors.current_store(), "test", by="ann", at=NOW)

    assert client.get("/api/segments").status_code == 401


def test_who_calls_is_named_in_what_was_done(client):
    assert saved(client)["createdBy"] == "test (API)"


# -- what is taken ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b'"text"', b'{"name": NaN}', b'{"name": "\\ud800"}', b"\xff", b"[" * 100_000, b'{"a": ' * 5_000]
)
def test_a_body_that_is_no_object_of_json_is_refused(client, body):
    answer = client.post("/api/segments", content=body)

    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")


def test_a_body_too_large_is_refused_before_it_is_read_whole(client):
    answer = client.post("/api/segments/preview", content=b" " * (calls.MOST_BYTES + 1))

    assert answer.status_code == 413
    assert sorted(answer.json()) == ["code", "hint", "message", "path"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$.definition"),
        ({"definition": DE, "limit": 0}, "$.limit"),
        ({"definition": DE, "limit": 1001}, "$.limit"),
        ({"definition": DE, "limit": "ten"}, "$.limit"),
        ({"definition": DE, "limit": True}, "$.limit"),
        ({"definition": DE, "offset": -1}, "$.offset"),
        ({"definition": DE, "cursor": "x"}, "$.cursor"),
        ({"definition": DE, "cursor": 7}, "$.cursor"),
        ({"definition": DE, "columns": ["contry"]}, "$.columns"),
        ({"definition": DE, "columns": [1]}, "$.columns"),
        ({"definition": DE, "sort": ["-contry"]}, "$.sort"),
        ({"definition": DE, "as_of": "yesterday"}, "$.as_of"),
        ({"definition": DE, "as_of": 5}, "$.as_of"),
        ({"definition": DE, "colums": []}, "$.colums"),
        ({"definition": "no rule"}, "$"),
        ({"definition": definition({"property": "contry", "operator": "is", "values": ["DE"]})}, "$.conditions[0].property"),
        (
            {"definition": definition(DE["conditions"][0], {"property": "latitude", "operator": "is", "values": ["x"]})},
            "$.conditions[1].values[0]",
        ),
        ({"definition": definition({"segment": "s99"})}, "$.conditions[0].segment"),
        ({"definition": {**DE, "version": 2}}, "$.version"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_path(client, body, path):
    answer = client.post("/api/users/query", json=body)

    assert (answer.status_code, answer.json()["path"]) == (422, path)
    assert answer.json()["message"]


# -- users/query --------------------------------------------------------------------------------


def test_a_query_answers_the_users_it_finds(client):
    saved(client)
    answer = client.post("/api/users/query", json={"definition": definition({"event": "Order"}, DE["conditions"][0])})

    found = answer.json()
    assert (found["total"], found["cursor"], len(found["items"])) == (1, None, 1)
    one = found["items"][0]
    assert (one["userId"], one["id"], one["identified"], one["segments"]) == ("u1", "0", True, ["s1"])
    assert one["properties"]["country"] == "DE"
    assert one["properties"]["latitude"] == 1
    assert one["properties"]["tags"] == []
    assert one["properties"]["createdAt"] == shown(days(30))
    assert "city" not in one["properties"]


def shown(instant):
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_columns_and_sort_are_as_asked_and_unknown_values_null(client):
    body = {"definition": definition(), "columns": ["city", "latitude"], "sort": ["-latitude"], "limit": 2}

    items = client.post("/api/users/query", json=body).json()["items"]

    assert items == [
        {"userId": "u6", "id": "5", "identified": True, "properties": {"city": None, "latitude": 6}},
        {"userId": "u5", "id": "4", "identified": True, "properties": {"city": None, "latitude": 5}},
    ]


@pytest.mark.parametrize("how", ["offset", "cursor"])
def test_pages_follow_each_other_without_a_gap(client, how):
    body = {"definition": definition(), "columns": [], "sort": ["userId"], "limit": 4}
    first = client.post("/api/users/query", json=body).json()
    rest = client.post("/api/users/query", json=body | ({"offset": 4} if how == "offset" else {"cursor": first["cursor"]})).json()

    assert [each["userId"] for each in [*first["items"], *rest["items"]]] == [f"u{each}" for each in range(1, 7)]
    assert (first["total"], rest["total"], rest["cursor"]) == (6, 6, None)


def test_as_of_asks_how_things_stood(client):
    store = doors.current_store()
    take(store, users([{"userId": "u1", "country": "FR"}]), at=days(5))

    assert user_ids(client.post("/api/users/query", json={"definition": DE})) == ["u2"]
    assert user_ids(client.post("/api/users/query", json={"definition": DE, "as_of": shown(days(6))})) == ["u1", "u2"]
    assert user_ids(client.post("/api/users/query", json={"definition": DE, "as_of": shown(days(60))})) == []


def test_who_is_gone_is_not_listed_as_of_a_day_they_were_there(client):
    store = doors.current_store()
    profiles.delete(store, People.of([0]), by="ann", source="test", at=days(1))
    body = {"definition": DE, "as_of": shown(days(2))}

    assert user_ids(client.post("/api/users/query", json=body)) == ["u2"]
    assert client.post("/api/segments/preview", json=body).json()["count"] == 2


# -- segments -----------------------------------------------------------------------------------


def test_a_segment_is_made_read_and_listed(client):
    made = client.post("/api/segments", json={"name": "Germans", "definition": DE, "description": "From Germany."})

    assert (made.status_code, made.headers["location"]) == (201, "/api/segments/s1")
    known = {"id": "s1", "name": "Germans", "kind": "dynamic", "description": "From Germany.", "version": 1, "definition": DE}
    assert made.json().items() >= known.items()
    one = client.get("/api/segments/s1").json()
    assert one.items() >= (known | {"count": 2, "sentence": "People whose country is “DE”.", "archived": False}).items()
    listed = client.get("/api/segments").json()
    assert (listed["total"], listed["items"]) == (1, [made.json()])
    assert datetime.fromisoformat(one["createdAt"]) >= NOW - timedelta(seconds=1)


def test_a_list_is_made_of_user_ids_and_strangers_are_told(client):
    answer = client.post("/api/segments", json={"name": "Guests", "userIds": ["u1", "u5", "stranger", "u1"]}).json()

    assert (answer["kind"], answer["definition"], answer["version"], answer["count"]) == ("static", None, 0, 2)
    assert answer["unknown"] == ["stranger"]
    assert user_ids(client.get("/api/segments/s1/users")) == ["u1", "u5"]


@pytest.mark.parametrize("body", [{"name": "x"}, {"name": "x", "definition": DE, "userIds": []}, {"definition": DE}, {"name": 5}])
def test_a_segment_needs_a_name_and_one_of_two(client, body):
    assert client.post("/api/segments", json=body).status_code == 422


def test_a_name_that_is_taken_is_a_conflict(client):
    saved(client)
    answer = client.post("/api/segments", json={"name": "GERMANS", "definition": FR})

    assert (answer.status_code, answer.json()["code"]) == (409, "nameTaken")


def test_a_new_definition_makes_a_version_and_the_difference_is_told(client):
    saved(client)

    changed = client.put("/api/segments/s1", json={"definition": lives_in("DE", "AT"), "note": "and Austria", "version": 1})

    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    told = client.get("/api/segments/s1/versions").json()
    assert [(each["version"], each["note"], each["changes"]) for each in told["items"]] == [
        (2, "and Austria", ["Changed: whose country is “DE” → “AT” or “DE”"]),
        (1, "", []),
    ]
    assert told["items"][1]["definition"] == DE


def test_an_older_version_is_no_ground_to_change_on(client):
    saved(client)
    client.put("/api/segments/s1", json={"definition": FR})

    answer = client.put("/api/segments/s1", json={"name": "Other", "definition": DE, "version": 1})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert client.get("/api/segments/s1").json()["name"] == "Germans"


def test_of_a_refused_change_nothing_is_kept(client):
    saved(client)
    answer = client.put(
        "/api/segments/s1", json={"name": "Other", "description": "New.", "definition": definition({"segment": "s1"})}
    )

    assert (answer.status_code, answer.json()["path"]) == (422, "$.conditions[0].segment")
    assert client.get("/api/segments/s1").json().items() >= {"name": "Germans", "description": "", "version": 1}.items()


def test_a_name_can_change_alone(client):
    saved(client)

    changed = client.put("/api/segments/s1", json={"name": "Deutsche"}).json()

    assert (changed["name"], changed["version"], changed["definition"]) == ("Deutsche", 1, DE)


def test_what_is_in_use_is_not_archived_and_the_archive_can_be_listed(client):
    saved(client)
    saved(client, "Others", definition({"segment": "s1"}, match="none"))

    refused = client.post("/api/segments/s1/archive")
    assert (refused.status_code, refused.json()["code"]) == (409, "inUse")
    assert "Others" in refused.json()["message"]

    assert client.post("/api/segments/s2/archive").json()["archived"] is True
    assert [each["id"] for each in client.get("/api/segments").json()["items"]] == ["s1"]
    assert [each["id"] for each in client.get("/api/segments?archived=true").json()["items"]] == ["s2"]
    assert client.get("/api/segments?archived=all&text=oth").json()["total"] == 1
    assert client.post("/api/segments/s2/restore").json()["archived"] is False


def test_what_is_not_there_is_not_found(client):
    client.headers["Authorization"] = f"Bearer {keys.create(doors.current_store(), 'admin', 'all', by='ann', at=NOW)}"
    for method, path in [each for each in every_call() if "{id}" in each[1]]:
        answer = client.request(method, f"/api{path}".replace("{id}", "s99"), json={"name": "x"} if method == "PUT" else None)

        assert (answer.status_code, answer.json()["code"]) == (404, "unknown"), (method, path)


def test_the_users_of_a_segment_are_listed_by_page(client):
    saved(client, what=FR)

    first = client.get("/api/segments/s1/users?limit=3&columns=latitude,segments&sort=-latitude").json()

    assert [(each["userId"], each["properties"], each["segments"]) for each in first["items"]] == [
        (f"u{each}", {"latitude": each}, ["s1"]) for each in (6, 5, 4)
    ]
    assert user_ids(client.get(f"/api/segments/s1/users?limit=3&sort=-latitude&cursor={first['cursor']}")) == ["u3"]


def test_the_history_tells_sizes_and_who_moved_and_why(client):
    store = doors.current_store()
    saved(client, what=lives_in("DE"))
    take(
        store,
        users([{"userId": "u3", "country": "DE"}, {"userId": "u1", "country": "FR"}, {"userId": "new", "country": "DE"}]),
        at=days(3),
    )

    told = client.get("/api/segments/s1/history?days=10&points=5").json()

    assert (told["items"][0]["count"], told["items"][-1]["count"]) == (2, 3)
    assert told["entered"] == {
        "count": 2,
        "causes": [
            {"cause": "created", "condition": "", "count": 1},
            {"cause": "property changed", "condition": "whose country is “DE”", "count": 1},
        ],
    }
    assert (told["left"]["count"], told["stayed"]["count"]) == (1, 1)
    later = client.get(f"/api/segments/s1/history?from={shown(days(2))}").json()
    assert (later["entered"]["count"], later["left"]["count"]) == (0, 0)


def test_a_history_that_ends_before_it_begins_is_refused(client):
    saved(client)
    answer = client.get(f"/api/segments/s1/history?from={shown(days(2))}&to={shown(days(5))}")

    assert (answer.status_code, answer.json()["path"]) == (422, "$.from")


def test_a_preview_tells_count_sentence_query_sample_and_steps(client):
    what = definition(DE["conditions"][0], {"event": "Order"})

    told = client.post("/api/segments/preview", json={"definition": what}).json()

    assert (told["count"], told["total"]) == (1, 6)
    assert told["sentence"] == "People whose country is “DE” and who did “Order”."
    assert "profile_key" in told["sql"]
    assert [each["userId"] for each in told["sample"]] == ["u1"]
    assert [(each["path"], each["alone"], each["after"], each["without"]) for each in told["steps"]] == [
        ("$.conditions[0]", 2, 2, 2),
        ("$.conditions[1]", 2, 1, 2),
    ]
    assert segments.saved.find(doors.current_store()) == ()


def test_a_preview_of_another_instant_is_of_that_instant(client):
    what = definition({"event": "Order", "during": {"last": 20, "unit": "day"}})

    ahead = client.post("/api/segments/preview", json={"definition": what, "as_of": shown(NOW + timedelta(days=30))}).json()
    behind = client.post("/api/segments/preview", json={"definition": what, "as_of": shown(days(25))}).json()

    assert (ahead["count"], behind["count"]) == (0, 1)


def test_the_sample_has_ten_at_most(client):
    take(doors.current_store(), users([{"userId": f"x{each}"} for each in range(30)]))

    assert len(client.post("/api/segments/preview", json={"definition": definition()}).json()["sample"]) == 10


def test_a_wrong_method_is_told_the_right_ones(client):
    answer = client.delete("/api/segments/s1")

    assert answer.status_code == 405
    assert answer.json()["code"] == "methodNotAllowed"


def test_answers_are_kept_by_nobody_on_the_way(client):
    assert client.get("/api/segments").headers["cache-control"] == "no-store"


def test_a_call_can_be_declared_by_scope_alone():
    route = calls.route("GET", "/x", "read", lambda asked: calls.Answer(asked.by), says="Who asks", answers={})

    assert isinstance(route, Route)
    with TestClient(Starlette(routes=[Mount("/", routes=[route])]), raise_server_exceptions=False) as client:
        assert client.get("/x").status_code == 500  # nobody translates the refusal here, and still nothing is answered


def test_what_is_answered_is_plain_json(client):
    saved(client)
    text = client.get("/api/segments/s1/users").text

    assert json.loads(text)["total"] == 2


# -- why ----------------------------------------------------------------------------------------


def test_why_a_user_is_not_in_a_segment_is_told_with_what_each_condition_saw(client):
    twice = {"event": "Order", "times": {"operator": "at_least", "values": [2]}, "during": {"last": 30, "unit": "day"}}
    told = client.post("/api/segments/explain", json={"definition": definition(*DE["conditions"], twice), "userId": "u1"}).json()
    country, orders = told["tree"]["conditions"]

    assert (told["userId"], told["member"], told["short"]) == ("u1", False, 1)
    assert told["missing"].startswith("1 more “Order” before ")
    assert (country["truth"], country["value"], country["origin"]["source"]) == ("true", "DE", "test")
    assert (orders["truth"], orders["found"], orders["atLeast"]) == ("false", 1, 2)
    assert [each["timestamp"] for each in orders["events"]] == [shown(days(2))]
    assert told["forecast"] == {"at": None, "member": False, "sentence": "", "lookedTo": None}


def test_why_may_be_asked_of_a_saved_segment_a_profile_and_another_instant(client):
    made = saved(client, "Bought lately", definition({"event": "Order", "during": {"last": 30, "unit": "day"}}))
    key = str(profiles.key_of(doors.current_store(), "u4"))
    asked = {"segment": made["id"], "id": key}

    now = client.post("/api/segments/explain", json=asked).json()
    then = client.post("/api/segments/explain", json=asked | {"as_of": shown(days(20))}).json()

    assert (now["member"], then["member"]) == (False, True)
    assert then["forecast"]["member"] is False
    assert then["forecast"]["at"] < now["at"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"userId": "u1"}, 422),
        ({"userId": "u1", "segment": "s1", "definition": DE}, 422),
        ({"definition": DE}, 422),
        ({"definition": DE, "userId": "u1", "id": 1}, 422),
        ({"definition": DE, "userId": "nobody"}, 404),
        ({"definition": DE, "id": 4_000}, 404),
        ({"segment": "s99", "userId": "u1"}, 404),
        ({"definition": lives_in(), "userId": "u1"}, 422),
    ],
)
def test_why_is_refused_where_it_cannot_be_said(client, body, status):
    assert client.post("/api/segments/explain", json=body).status_code == status


# -- samples and splits -------------------------------------------------------------------------


def test_a_segment_is_dealt_out_into_lists_the_same_way_again(client):
    everyone = saved(client, "Everyone", definition())["id"]
    halves = {"shares": [{"name": "A", "percent": 50}, {"name": "B", "percent": 50}], "seed": "spring"}
    made = client.post(f"/api/segments/{everyone}/split", json=halves)
    assert made.status_code == 201, made.text
    parts = [user_ids(client.get(f"/api/segments/{each['id']}/users")) for each in made.json()["items"]]
    assert [len(each) for each in parts] == [each["count"] for each in made.json()["items"]]
    assert sorted(parts[0] + parts[1]) == [f"u{each}" for each in range(1, 7)]

    sample = client.post(f"/api/segments/{everyone}/split", json={"shares": [{"name": "C", "percent": 50}], "seed": "spring"})
    assert user_ids(client.get(f"/api/segments/{sample.json()['items'][0]['id']}/users")) == parts[0]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"shares": [], "seed": "x"},
        {"shares": [{"name": "A", "percent": 50}]},
        {"shares": [{"name": "A", "percent": "50"}], "seed": "x"},
        {"shares": [{"name": "", "percent": 50}], "seed": "x"},
        {"shares": [{"name": "A", "percent": 60}, {"name": "B", "percent": 60}], "seed": "x"},
        {"shares": [{"name": "A", "percent": -1}], "seed": "x"},
        {"shares": {"A": 50}, "seed": "x"},
        {"shares": [{"name": "A", "percent": 1e309}], "seed": "x"},
        {"shares": [{"name": "A", "percent": 10}, {"name": "a", "percent": 10}], "seed": "x"},
    ],
)
def test_a_faulty_split_is_refused_and_makes_no_list(client, given):
    everyone = saved(client, "Everyone", definition())["id"]
    answer = client.post(f"/api/segments/{everyone}/split", content=json.dumps(given))

    assert answer.status_code in {400, 422}, answer.text
    assert client.get("/api/segments").json()["total"] == 1


# -- the ends of the calendar -------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [
        {"event": "Order", "during": {"last": 100_000, "unit": "month"}},
        {"event": "Order", "during": {"last": 100_000, "unit": "week"}},
        {"event": "Order", "during": {"on": "9999-12-31"}},
        {"event": "Order", "during": {"after": "0001-01-01"}},
        {"event": "Order", "during": {"from": "0001-01-02", "to": "9999-12-31"}},
        {"event": "Order", "regularity": {"periods": 1, "of": 1_000, "unit": "month"}},
        {"property": "createdAt", "operator": "in_the_last", "values": [100_000, "month"]},
        {"property": "createdAt", "operator": "not_in_the_next", "values": [100_000, "month"]},
        {"property": "createdAt", "operator": "not_between", "values": ["9999-12-31", "9999-12-31"]},
        {"property": "country", "operator": "is", "values": ["DE"], "held": {"for": 100_000, "unit": "month"}},
    ],
)
def test_a_window_wider_than_the_calendar_reaches_to_its_end(client, condition):
    asked = {"definition": definition(condition)}
    counted = client.post("/api/segments/preview", json=asked)
    why = client.post("/api/segments/explain", json=asked | {"userId": "u1"})

    assert (counted.status_code, why.status_code) == (200, 200), why.text
    assert why.json()["member"] == (condition.get("during", {}).get("on") != "9999-12-31" and "held" not in condition)


def test_a_share_too_small_to_be_counted_is_refused(client):
    rank = {"rank": "top", "percent": 1e-300, "property": "latitude"}

    assert client.post("/api/segments/preview", json={"definition": definition(rank)}).status_code == 422
