"""The OpenAPI document and its page: every call stands in it, and what is answered is what it promises."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from tests.worlds import AT, events, take, users
from user360 import api, doors, duplicates, failed, keys, sources, tracking, web
from user360.api import document, fields, reading, sending

EVERYONE = {"version": 1, "match": "all", "conditions": []}

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture(scope="module")
def told():
    return document.describe([*(each.card for each in [*api.routes(), *api.yellow_routes()]), *sending.cards()])


@pytest.fixture
def client():
    server = Starlette(routes=web.routes(), lifespan=web.lifespan, middleware=web.middleware())
    with TestClient(server, raise_server_exceptions=False) as opened:
        yield opened


def test_the_document_describes_every_route_there_is_and_no_other(client, told):
    mounted = [each for each in web.routes() if isinstance(each, Mount) and each.path in {"/api", "/cdp"}]
    found = [(mount.path, each) for mount in mounted for each in mount.routes]
    there = {
        (f"{under}{each.path}", method)
        for under, each in found
        if isinstance(each, Route)
        for method in (each.methods or set()) - {"HEAD"}
    }

    sent = {(path, "POST") for path in told["paths"] if path.startswith("/v1/")}

    assert len(there) == len(found)
    assert {(path, method.upper()) for path, methods in told["paths"].items() for method in methods} - sent == there
    assert {path for path, _ in sent} == {f"/v1/{each}" for each in [*tracking.KINDS, "batch"]}
    assert client.get("/api/openapi.json").json() == told


def test_the_document_is_valid_and_every_shape_it_names_is_there(told):
    text = repr(told)
    names = set(re.findall(r"#/components/schemas/(\w+)", text))

    assert told["openapi"] == "3.1.0"
    assert names <= set(told["components"]["schemas"])
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    ids = [call["operationId"] for methods in told["paths"].values() for call in methods.values()]
    assert len(set(ids)) == len(ids)
    for path, methods in told["paths"].items():
        for call in methods.values():
            places = {each["name"] for each in call["parameters"] if each["in"] == "path"}
            assert places == set(re.findall(r"\{(\w+)\}", path))
            assert call["summary"]


def test_every_call_says_which_key_it_needs(told):
    scopes = {each.card.path: each.card.scope for each in api.routes()}

    assert {path for path, scope in scopes.items() if scope is None} == {"/health", "/openapi.json", "/docs"}
    for each in [*api.routes(), *api.yellow_routes()]:
        call = told["paths"][f"{each.card.under}{each.card.path}"][each.card.method.lower()]
        assert call["security"] == ([{"key": []}] if each.card.scope else [])


def reads():
    """Every call that answers JSON and changes nothing, with something to give it."""
    bodies = {
        "/users/query": {"definition": EVERYONE},
        "/segments/preview": {"definition": EVERYONE},
        "/segments/explain": {"definition": EVERYONE, "userId": "u1"},
        "/insights/{kind}": {},
        "/insights/{kind}/people": {},
    }
    cards = [each.card for each in api.routes() if not isinstance(each.card.answers, str)]
    return [(each, bodies.get(each.path)) for each in cards if each.method == "GET" or each.path in bodies]


def test_what_is_answered_has_the_shape_the_document_promises(client, told):
    store = doors.current_store()
    take(store, users([{"userId": "u1", "country": "DE"}, {"userId": "u2"}]))
    take(store, events([("u1", "Order", AT)], properties=['{"amount": 5}']))
    client.headers["Authorization"] = f"Bearer {keys.create(store, 'admin', 'test', by='ann', at=AT)}"
    client.post("/api/segments", json={"name": "All", "definition": EVERYONE})
    client.put("/api/users/u1", json={"properties": {"city": "Oslo"}})
    client.post("/api/backups")
    client.post("/api/exports", json={})
    same = {"firstName": "Asha", "lastName": "Rao", "email": "asha@example.com", "dob": "1990-01-02"}
    for each in ("u8", "u9"):
        client.post("/api/users", json={"userId": each, "properties": same})
    duplicates.run(store, by="ann", at=AT)
    client.post("/api/users/merge", json={"keep": "u1", "absorb": "u2"})
    backup = client.get("/api/backups").json()["items"][0]["id"]
    export = client.get("/api/exports").json()["items"][0]["id"]
    client.post("/api/imports", files={"file": ("users.csv", b"userId,city\nu1,Pune\n")})
    with store.transaction() as tx:
        failed.keep(
            tx, [failed.Failure("m1", "track", "noIdentity", "It names nobody.", "Give a userId.", "server", "{}")], at=AT
        )
    ids = {
        "/backups": backup,
        "/exports": export,
        "/segments": "s1",
        "/imports": "0",
        "/failed-messages": "0",
        "/merges": "0",
        "/duplicates": "0",
    }

    for card, body in reads():
        ours = next((each for start, each in ids.items() if card.path.startswith(start)), "")
        name = "Order" if card.path.startswith("/events") else "country"
        path = card.path.format_map({"userId": "u1", "id": ours, "name": name, "kind": "active"})
        answer = client.request(card.method, f"/api{path}", json=body)
        assert answer.status_code == card.status, (path, answer.text)
        schema = {**card.answers, "components": told["components"]}
        assert list(Draft202012Validator(schema).iter_errors(answer.json())) == [], path


class Page(HTMLParser):
    """The tags of a page, and what it would load or run."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.loads, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        given = dict(attributes)
        self.loads += [given[each] for each in ("src", "srcset", "data") if each in given]
        self.ids += [given["id"]] if "id" in given else []


def test_the_page_shows_every_call_and_loads_nothing_from_elsewhere(client, told):
    answer = client.get("/api/docs")
    page = Page(answer.text)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script" not in page.tags
    assert page.loads == []
    assert "http" not in re.sub(re.escape(reading.HOST), "", answer.text.partition("</style>")[2])
    assert {call["operationId"] for methods in told["paths"].values() for call in methods.values()} <= set(page.ids)


def test_no_text_of_the_document_becomes_markup():
    evil = "<script>alert(1)</script>"
    card = fields.Card("POST", "/x", "read", evil, (fields.Field(evil, {"enum": [evil]}, evil, needed=True),), {"type": evil})

    page = Page(reading.page(document.describe([card])))

    assert "script" not in page.tags


SENT: dict[str, dict[str, object]] = {
    "identify": {"traits": {"firstName": "Ann"}},
    "track": {"event": "Bought", "properties": {"price": 3}},
    "page": {"name": "Home"},
    "screen": {"name": "Home"},
    "group": {"groupId": "g1"},
    "alias": {"previousId": "device-1"},
    "conversation": {"session": "s1", "text": "Hi", "direction": "in"},
    "batch": {"batch": [{"type": "track", "event": "Bought", "userId": "ann"}]},
}


@pytest.mark.parametrize("strict", ["", "?strict=1"])
@pytest.mark.parametrize("call", SENT)
def test_what_the_tracking_api_answers_is_what_the_document_promises(client, told, call, strict):
    sources.define(doors.current_store(), "Shop", "server", by="ann", at=AT)
    key = sources.create_key(doors.current_store(), "Shop", by="ann", at=AT)
    card = told["paths"][f"/v1/{call}"]["post"]
    body = {**SENT[call], "userId": "ann"}

    Draft202012Validator(card["requestBody"]["content"]["application/json"]["schema"]).validate(body)
    answer = client.post(f"/v1/{call}{strict}", json=body, auth=(key, ""))

    assert answer.status_code == 200
    Draft202012Validator(card["responses"]["200"]["content"]["application/json"]["schema"]).validate(answer.json())
    assert {"writeKey", "writeKeyHeader", "key"} == {name for way in card["security"] for name in way}
