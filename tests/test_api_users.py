"""Users, properties and events over HTTP: made, changed, read, listed, deleted, refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.worlds import AT, events, take, users
from user360 import doors, identities, keys, profiles, properties, segments, web
from user360.segments import saved

EVERYONE = {"version": 1, "match": "all", "conditions": []}

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def client():
    with TestClient(Starlette(routes=web.routes(), lifespan=web.lifespan), raise_server_exceptions=False) as opened:
        store = doors.current_store()
        properties.define(store, "orders", "number", by="ann", at=AT)
        take(
            store,
            users(
                [{"userId": f"u{each}", "country": "DE" if each < 3 else "FR", "firstName": f"N{each}"} for each in range(1, 5)]
            ),
        )
        rows = [("u1", "Order", AT + timedelta(minutes=each)) for each in range(5)] + [("u1", "View", AT), ("u2", "View", AT)]
        take(
            store,
            events(rows, channels=["web", "app", "web", "app", "web", "web", None], properties=['{"amount": 5}'] + [None] * 6),
        )
        opened.headers["Authorization"] = f"Bearer {keys.create(store, 'write', 'test', by='ann', at=AT)}"
        yield opened


def shown(instant):
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def of(client, user_id, **parameters):
    answer = client.get(f"/api/users/{quote(user_id, safe='')}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


# -- one user -----------------------------------------------------------------------------------


def test_a_user_is_made_read_and_found_under_the_address_answered(client):
    given = {"firstName": "Åsa", "orders": 12, "emailOptin": True, "tags": ["vip", "gift"], "dob": "1990-02-28"}
    made = client.post("/api/users", json={"userId": "new", "properties": given})

    assert (made.status_code, made.headers["location"]) == (201, "/api/users/new")
    told = made.json()
    assert (told["userId"], told["identified"], told["segments"]) == ("new", True, [])
    assert told["properties"].items() >= (given | {"tags": ["gift", "vip"]}).items()
    assert client.get(made.headers["location"]).json() == told


def test_a_user_without_an_id_is_unidentified_and_addressed_by_their_stable_id(client):
    made = client.post("/api/users", json={"properties": {"firstName": "Nobody"}})

    assert made.status_code == 201
    told = made.json()
    assert (told["userId"], told["identified"]) == (None, False)
    assert made.headers["location"] == f"/api/users/id%3A{told['id']}"
    assert client.get(made.headers["location"]).json() == told
    assert client.put(made.headers["location"], json={"properties": {"city": "Oslo"}}).json()["properties"]["city"] == "Oslo"
    assert client.delete(made.headers["location"]).json() == {"userId": None, "id": told["id"], "events": 2}


@pytest.mark.parametrize("user_id", ["a/b", "a/events", "ü ñ 日本", "50%", "a?b#c", "a+b", "%2F", "query"])
def test_any_id_can_stand_in_an_address(client, user_id):
    assert client.post("/api/users", json={"userId": user_id, "properties": {"city": "Oslo"}}).status_code == 201
    there = f"/api/users/{quote(user_id, safe='')}"

    assert of(client, user_id)["userId"] == user_id
    assert client.put(there, json={"properties": {"city": "Bergen"}}).json()["properties"]["city"] == "Bergen"
    assert [each["event"] for each in client.get(f"{there}/events").json()["items"]] == ["USER_UPDATE", "USER_CREATE"]
    assert client.delete(there).json()["userId"] == user_id
    assert client.get(there).status_code == 404


def test_a_slash_at_the_end_of_an_address_says_nothing_unless_it_is_of_the_id(client):
    for path in ("/api/users", "/api/users/u1", "/api/users/u1/events"):
        assert client.get(f"{path}/").json() == client.get(path).json()

    assert client.get("/api/users/u1%2F").status_code == 404
    assert client.get("/api/").status_code == 404


@pytest.mark.parametrize("path", ["/api/users", "/api/users/u1"])
def test_a_property_that_is_none_is_refused_where_it_was_asked_for(client, path):
    answer = client.get(path, params={"properties": "firstName,nothing"})

    assert (answer.status_code, answer.json()["path"]) == (422, "$.properties")


def test_an_id_that_cannot_be_read_is_refused_and_makes_nobody(client):
    before = client.get("/api/users").json()["total"]
    answer = client.post("/api/users", json={"userId": "a\0b", "properties": {"city": "Oslo"}})

    assert (answer.status_code, answer.json()["path"]) == (422, "$.userId")
    assert client.get("/api/users").json()["total"] == before


def test_an_id_that_is_taken_is_a_conflict_and_changes_nothing(client):
    answer = client.post("/api/users", json={"userId": "u1", "properties": {"country": "XX"}})

    assert (answer.status_code, answer.json()["code"]) == (409, "identityConflict")
    assert of(client, "u1")["properties"]["country"] == "DE"


def test_of_many_who_make_the_same_user_at_once_one_does(client):
    with ThreadPoolExecutor(6) as pool:
        made = list(
            pool.map(lambda each: client.post("/api/users", json={"userId": "x", "properties": {"city": str(each)}}), range(6))
        )

    assert sorted(each.status_code for each in made) == [201] + [409] * 5
    winner = next(each for each in made if each.status_code == 201)
    assert of(client, "x")["properties"]["city"] == winner.json()["properties"]["city"]
    assert profiles.count(doors.current_store()) == 5


def test_given_values_change_null_makes_unknown_and_all_others_stay(client):
    changed = client.put("/api/users/u1", json={"userId": "u1", "properties": {"country": None, "city": "Oslo"}})

    assert changed.status_code == 200
    told = changed.json()["properties"]
    assert (told.get("country"), told["city"], told["firstName"]) == (None, "Oslo", "N1")


def test_a_change_of_nothing_is_none(client):
    before = of(client, "u1")

    assert client.put("/api/users/u1", json={"properties": {"country": "DE"}}).json() == before
    assert client.put("/api/users/u1", json={}).json() == before


def test_a_user_id_never_changes(client):
    answer = client.put("/api/users/u1", json={"userId": "u9"})

    assert (answer.status_code, answer.json()["code"]) == (409, "immutable")


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"properties": {"city": "Oslo", "orders": "many"}}, "$.properties.orders", "invalidDataType"),
        ({"properties": {"city": "Oslo", "orders": [1]}}, "$.properties.orders", "invalidDataType"),
        ({"properties": {"city": "Oslo", "orders": {"a": 1}}}, "$.properties.orders", "invalidDataType"),
        ({"properties": {"city": "Oslo", "orders": 10**40 + 1}}, "$.properties.orders", "invalidDataType"),
        ({"properties": {"city": "Oslo", "email": "nobody"}}, "$.properties.email", "invalidDataType"),
        ({"properties": {"city": "Oslo", "phone": "9.19E+11"}}, "$.properties.phone", "invalidDataType"),
        ({"properties": {"city": "Oslo", "tags": [["a"]]}}, "$.properties.tags", "invalidDataType"),
        (
            {"properties": {"city": "Oslo", "lastSession": "2015-2-02T00:30:08.276Z"}},
            "$.properties.lastSession",
            "invalidDataType",
        ),
        ({"properties": {"city": "a\0b"}}, "$.properties.city", "invalidDataType"),
        ({"properties": {"city": "Oslo", "createdAt": "2026-01-01T00:00:00Z"}}, "$.properties.createdAt", "invalidProperty"),
        ({"properties": {"city": "Oslo", "userId": "u8"}}, "$.properties.userId", "invalidProperty"),
        ({"properties": {"city": "Oslo", "contry": "DE"}}, "$.properties", "invalidRequest"),
        ({"properties": ["city"]}, "$.properties", "invalidRequest"),
        ({"propertis": {}}, "$.propertis", "invalidRequest"),
    ],
)
def test_a_refused_value_is_named_and_nothing_of_the_call_is_stored(client, body, path, code):
    before = of(client, "u1")

    for answer in (client.put("/api/users/u1", json=body), client.post("/api/users", json=body | {"userId": "fresh"})):
        told = answer.json()
        assert (answer.status_code, told["path"], told["code"]) == (422, path, code)
    assert of(client, "u1") == before
    assert client.get("/api/users/fresh").status_code == 404


def test_every_refused_property_is_named(client):
    told = client.put("/api/users/u1", json={"properties": {"email": "x", "phone": "y", "orders": "z"}}).json()

    assert all(each in f"{told['message']} {told['hint']}" for each in ("email", "phone", "orders"))


@pytest.mark.parametrize("user_id", ["null", "undefined", "0", "00000000-0000-0000-0000-000000000000", "x" * 401, " "])
def test_an_id_that_is_none_makes_nobody(client, user_id):
    answer = client.post("/api/users", json={"userId": user_id, "properties": {}})

    assert (answer.status_code, answer.json()["path"]) == (422, "$.userId")
    assert profiles.count(doors.current_store()) == 4


def test_instants_may_be_given_as_milliseconds_and_lists_made_empty(client):
    given = {"lastSession": 1795456800000, "tags": ["a"], "orders": 5.0}
    client.put("/api/users/u1", json={"properties": given})
    told = client.put("/api/users/u1", json={"properties": {"tags": []}}).json()["properties"]

    assert (told["lastSession"], told["tags"], told["orders"]) == ("2026-11-23T18:00:00Z", [], 5)


def test_only_what_is_asked_for_is_answered(client):
    assert of(client, "u1", properties="country,city") == {
        "userId": "u1",
        "id": "0",
        "identified": True,
        "properties": {"country": "DE", "city": None},
    }
    assert of(client, "u1", properties="segments")["segments"] == []


def test_a_deleted_user_is_gone_and_their_id_free(client):
    assert client.delete("/api/users/u1").json() == {"userId": "u1", "id": "0", "events": 7}

    assert [client.request(each, "/api/users/u1").status_code for each in ("GET", "PUT", "DELETE")] == [404, 404, 404]
    again = client.post("/api/users", json={"userId": "u1"}).json()
    assert (again["id"], "country" in again["properties"]) == ("4", False)


# -- lists --------------------------------------------------------------------------------------


def test_users_are_listed_by_page_searched_and_sorted(client):
    first = client.get("/api/users", params={"limit": 3, "sort": "-firstName", "properties": "firstName"}).json()
    rest = client.get("/api/users", params={"limit": 3, "sort": "-firstName", "cursor": first["cursor"]}).json()

    assert [each["properties"] for each in first["items"]] == [{"firstName": f"N{each}"} for each in (4, 3, 2)]
    assert [each["userId"] for each in rest["items"]] == ["u1"]
    assert (first["total"], rest["total"], rest["cursor"]) == (4, 4, None)
    found = client.get("/api/users", params={"search": "n2"}).json()
    assert (found["total"], [each["userId"] for each in found["items"]]) == (1, ["u2"])


def test_a_page_past_the_end_is_empty(client):
    for path in ("users", "users/u1/events", "users/u1/history", "properties", "events", "segments"):
        told = client.get(f"/api/{path}", params={"offset": 2**31}).json()
        assert (told["items"], told["cursor"]) == ([], None)


def test_null_is_the_same_as_not_given_but_among_the_properties(client):
    told = client.post("/api/users/query", json={"definition": EVERYONE, "limit": None, "cursor": None, "as_of": None}).json()
    made = client.post("/api/users", json={"userId": None, "properties": None})

    assert (told["total"], made.status_code) == (4, 201)
    assert client.post("/api/users/query", json={"definition": None}).json()["path"] == "$.definition"
    assert client.post("/api/users", json={"nothing": None}).status_code == 422


@pytest.mark.parametrize(
    ("path", "methods"),
    [("users", "GET, HEAD, POST"), ("users/u1", "DELETE, GET, HEAD, PUT"), ("segments/preview", "POST"), ("docs", "GET, HEAD")],
)
def test_a_wrong_method_is_told_all_that_the_address_takes(client, path, methods):
    answer = client.request("TRACE", f"/api/{path}")

    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "methodNotAllowed", methods)


# -- the card -----------------------------------------------------------------------------------


def test_events_are_answered_newest_first_and_pages_do_not_move_when_more_happens(client):
    first = client.get("/api/users/u1/events", params={"events": "Order", "limit": 2}).json()
    take(doors.current_store(), events([("u1", "Order", AT + timedelta(days=1))]))
    second = client.get("/api/users/u1/events", params={"events": "Order", "limit": 2, "cursor": first["cursor"]}).json()
    third = client.get("/api/users/u1/events", params={"events": "Order", "limit": 2, "cursor": second["cursor"]}).json()

    stamps = [each["timestamp"] for page in (first, second, third) for each in page["items"]]
    assert stamps == [shown(AT + timedelta(minutes=each)) for each in (4, 3, 2, 1, 0)]
    assert (first["total"], second["total"], third["cursor"]) == (5, 6, None)
    last = third["items"][0]
    assert (last["channel"], last["source"], last["properties"], last["context"]) == ("web", "test", {"amount": 5}, {})


def test_events_are_filtered_by_channel_and_time_and_passed_over(client):
    def found(**parameters):
        return [each["event"] for each in client.get("/api/users/u1/events", params=parameters).json()["items"]]

    assert found(channels="app") == ["Order", "Order"]
    assert found(**{"from": shown(AT + timedelta(minutes=3))}) == ["Order", "Order"]
    assert found(to=shown(AT), offset=0) == []
    assert found(events="Order", offset=4) == ["Order"]


@pytest.mark.parametrize("cursor", ["x", "%00", "WzFd", "WyIyMDI2IiwgMV0", "MTA"])
def test_a_cursor_of_other_pages_is_refused(client, cursor):
    answer = client.get("/api/users/u1/events", params={"cursor": cursor})

    assert (answer.status_code, answer.json()["path"]) == (422, "$.cursor")


def test_segments_identities_and_history_of_a_user(client):
    store = doors.current_store()
    rule = segments.parse(
        {"version": 1, "match": "all", "conditions": [{"property": "country", "operator": "is", "values": ["DE"]}]}
    )
    saved.save(store, "Germans", rule, by="ann", at=AT)
    client.put("/api/users/u1", json={"properties": {"orders": 3, "lastName": "Berg"}})
    client.put("/api/users/u1", json={"properties": {"orders": None}})

    assert [each["name"] for each in client.get("/api/users/u1/segments").json()["items"]] == ["Germans"]
    assert client.get("/api/users/u3/segments").json()["items"] == []
    assert of(client, "u1")["segments"] == ["s1"]
    ids = client.get("/api/users/u1/identities").json()
    assert (ids["total"], ids["items"]) == (1, [{"kind": identities.USER, "id": "u1", "since": None, "source": None}])
    told = client.get("/api/users/u1/history").json()
    assert [(each["property"], each["from"], each["to"]) for each in told["items"]] == [
        ("orders", 3, None),
        ("lastName", None, "Berg"),
        ("orders", None, 3),
    ]
    assert {(each["by"], each["source"]) for each in told["items"]} == {("test (API)", "HTTP call")}
    assert client.get("/api/users/u1/history", params={"limit": 1, "offset": 1}).json()["items"] == told["items"][1:2]


@pytest.mark.parametrize("nobody", ["u9", "id:99", "id:x", "id:", "id:4294967296", "%00", "%ED%A0%80", "a%0Ab"])
def test_who_is_not_there_is_not_found(client, nobody):
    for of_card in ("", "/events", "/segments", "/identities", "/history"):
        answer = client.get(f"/api/users/{nobody}{of_card}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown"), of_card


# -- properties ---------------------------------------------------------------------------------


def test_a_property_is_made_listed_and_described(client):
    made = client.post("/api/properties", json={"name": "plan", "type": "string", "description": "What they pay for."})

    assert made.status_code == 201
    assert made.json().items() >= {"name": "plan", "type": "string", "visibility": True, "system": False}.items()
    changed = client.patch(
        "/api/properties/plan", json={"description": "Tariff.", "visibility": False, "searchable": True, "order": 0}
    ).json()
    assert (changed["description"], changed["visibility"], changed["searchable"], changed["order"]) == ("Tariff.", False, True, 0)
    listed = client.get("/api/properties", params={"limit": 2}).json()
    assert ([each["name"] for each in listed["items"]], listed["total"]) == (["plan", "userId"], 24)


def test_what_stands_in_a_property_is_told(client):
    told = client.get("/api/properties/country").json()

    assert (told["total"], told["known"], told["distinct"]) == (4, 4, 2)
    assert told["commonest"] == [{"value": "DE", "users": 2}, {"value": "FR", "users": 2}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "", {"name": "Orders", "type": "string"}, 409),
        ("POST", "", {"name": "1st", "type": "string"}, 422),
        ("POST", "", {"name": "plan", "type": "text"}, 404),
        ("POST", "", {"name": "plan"}, 422),
        ("PATCH", "/orders", {"name": "purchases"}, 409),
        ("PATCH", "/orders", {"type": "string", "description": "New."}, 409),
        ("PATCH", "/orders", {"searchable": True}, 422),
        ("PATCH", "/orders", {"order": -1}, 422),
        ("PATCH", "/orders", {"visibility": "yes"}, 422),
        ("PATCH", "/nothing", {"description": "x"}, 404),
        ("DELETE", "/orders", None, 409),
        ("DELETE", "/country", None, 409),
        ("DELETE", "/nothing", None, 404),
    ],
)
def test_what_cannot_change_of_a_property_is_refused(client, method, path, body, status):
    before = client.get("/api/properties").json()

    assert client.request(method, f"/api/properties{path}", json=body).status_code == status
    assert client.get("/api/properties").json() == before


# -- events -------------------------------------------------------------------------------------


def test_the_catalogue_of_events_and_one_of_them(client):
    listed = client.get("/api/events").json()

    assert [(each["event"], each["users"], each["total"]) for each in listed["items"][:2]] == [("Order", 1, 5), ("View", 2, 2)]
    assert {each["event"] for each in listed["items"] if each["system"]} == {
        "USER_CREATE",
        "USER_UPDATE",
        "USER_DELETE",
        "USER_MERGE",
    }
    told = client.get("/api/events/Order").json()
    assert (told["firstAt"], told["lastAt"]) == (shown(AT), shown(AT + timedelta(minutes=4)))
    assert told["properties"] == [
        {"name": "amount", "types": ["number"], "knownShare": 0.2, "commonest": [{"value": "5", "total": 1}]}
    ]


def test_an_event_with_a_slash_in_its_name_is_found_and_a_misspelt_one_is_not(client):
    take(doors.current_store(), events([("u1", "Page/ä", AT)]))

    assert client.get("/api/events/Page%2F%C3%A4").json()["total"] == 1
    answer = client.get("/api/events/Oder")
    assert (answer.status_code, answer.json()["hint"]) == (404, "Did you mean “Order”?")


def test_everything_held_on_a_user_is_answered_whole(client):
    held = client.get("/api/users/u1/everything").json()

    assert held["properties"]["firstName"] == "N1"
    assert sorted(each["event"] for each in held["events"] if not each["system"]) == ["Order"] * 5 + ["View"]
    assert client.get("/api/users/nobody/everything").status_code == 404


def test_a_user_is_erased_by_an_admin_who_repeats_the_id_and_does_not_come_back(client):
    assert client.post("/api/users/u1/erase", json={"confirm": "u1"}).status_code == 403
    client.headers["Authorization"] = f"Bearer {keys.create(doors.current_store(), 'admin', 'boss', by='ann', at=AT)}"
    refused = client.post("/api/users/u1/erase", json={"confirm": "u2"})
    assert (refused.status_code, refused.json()["path"]) == (422, "$.confirm")

    receipt = client.post("/api/users/u1/erase", json={"confirm": "u1"}).json()

    assert receipt["counts"]["profiles"] == 1
    assert "u1" not in str(receipt)
    assert client.get("/api/users/u1").status_code == 404
    again = client.post("/api/users", json={"userId": "u1"})
    assert (again.status_code, again.json()["code"]) == (422, "erased")


# -- computed properties ------------------------------------------------------------------------


SPENT = {"function": "sum", "property": "amount", "event": "Order"}


def test_a_computed_property_is_made_changed_read_and_deleted(client):
    made = client.post("/api/properties", json={"name": "spent", "calculation": SPENT})
    assert (made.status_code, made.json()["type"], made.json()["computed"]) == (201, "number", True)
    assert made.json()["calculation"] == SPENT | {"version": 1}
    assert of(client, "u1")["properties"]["spent"] == 5

    counted = {"function": "count", "event": "Order"}
    assert client.patch("/api/properties/spent", json={"calculation": counted}).json()["calculation"] == counted | {"version": 1}
    assert client.delete("/api/properties/spent").json() == {"name": "spent", "deleted": True}
    assert client.get("/api/properties/spent").status_code == 404


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"type": "number", "calculation": SPENT},
        {"calculation": {"function": "sum", "event": "Order"}},
        {"calculation": {"function": "guess", "event": "Order"}},
        {"calculation": {"function": "count", "event": "Nothing"}},
        {"calculation": []},
    ],
)
def test_a_property_without_either_type_or_calculation_or_with_a_faulty_one_is_refused(client, given):
    answer = client.post("/api/properties", json={"name": "spent", **given})

    assert answer.status_code == 422, answer.text
    assert client.get("/api/properties/spent").status_code == 404


def test_a_property_that_is_given_is_there_for_good(client):
    assert client.delete("/api/properties/orders").status_code == 409
    assert client.patch("/api/properties/orders", json={"calculation": SPENT}).status_code in {409, 422}
