"""The draft of a rule: read and written without loss, its rows found by id, half a condition never counted."""

from __future__ import annotations

import json

import pytest

from pages.ui.builder import draft
from tests.test_segments_events import NODES, world  # noqa: F401 - the fixture
from user360 import segments

INDIA = {"property": "country", "operator": "is", "values": ["IN"]}
GERMANY = {"property": "country", "operator": "is", "values": ["DE"]}


def all_of(*conditions, match="all"):
    return {"version": 1, "match": match, "conditions": list(conditions)}


def canonical(document, catalog):
    return segments.dump(segments.check(segments.parse(document), catalog))


@pytest.fixture
def catalog(world):  # noqa: F811 - pytest's way
    return segments.load_catalog(world)


@pytest.mark.parametrize("name", NODES)
def test_every_kind_of_condition_is_read_and_written_without_loss(catalog, name):
    rule = all_of(NODES[name][0], {"match": "any", "conditions": [NODES[name][0], INDIA]})

    judged = draft.judge(draft.read(rule), catalog)

    assert judged.faults == {}
    assert canonical(judged.rule, catalog) == canonical(rule, catalog)


def test_a_draft_is_plain_json(catalog):
    root = draft.read(all_of(*[node for node, _ in NODES.values()][:20]))

    assert json.loads(json.dumps(root)) == root


def test_no_two_nodes_have_one_id_even_when_copied():
    root = draft.read(all_of({"match": "any", "conditions": [INDIA, NODES["did with a property"][0]]}))
    draft.duplicate(root, root["conditions"][0]["id"])

    ids = [node["id"] for node in draft.walk(root)]

    assert len(ids) == len(set(ids)) == 11


def test_half_a_condition_is_told_and_does_not_count(catalog):
    half = draft.node("property", {"property": "country", "operator": "is", "values": []})
    root = draft.group("all", [draft.read(INDIA), half, draft.node("event")])

    judged = draft.judge(root, catalog)

    assert judged.rule == all_of(INDIA)
    assert sorted(judged.faults) == sorted([half["id"], root["conditions"][2]["id"]])


def test_half_a_where_is_told_and_its_event_counts_without(catalog):
    row = draft.node("property")
    event = draft.node("event", {"event": "Order"}, where=draft.group("all", [row]))

    judged = draft.judge(draft.group("all", [event]), catalog)

    assert judged.rule == all_of({"event": "Order"})
    assert list(judged.faults) == [row["id"]]


def test_nothing_finished_is_everyone(catalog):
    for match in ("all", "any", "none"):
        assert draft.judge(draft.group(match, [draft.group("any")]), catalog).rule == all_of()


def test_what_is_switched_off_stays_in_the_draft_and_not_in_the_rule(catalog):
    root = draft.read(all_of(INDIA, GERMANY))
    first = root["conditions"][0]["id"]

    draft.switch(root, first)
    assert draft.judge(root, catalog).rule == all_of(GERMANY)

    draft.switch(root, first)
    assert draft.judge(root, catalog).rule == all_of(INDIA, GERMANY)


def test_paths_are_those_of_the_finished_rule(catalog):
    root = draft.group("all", [draft.node("property"), draft.read({"match": "any", "conditions": [INDIA, GERMANY]})])
    inner = root["conditions"][1]

    paths = draft.judge(root, catalog).paths

    assert paths == {
        root["id"]: "$",
        inner["id"]: "$.conditions[0]",
        inner["conditions"][0]["id"]: "$.conditions[0].conditions[0]",
        inner["conditions"][1]["id"]: "$.conditions[0].conditions[1]",
    }


def test_not_in_a_segment_is_one_row():
    row = draft.read({"match": "none", "conditions": [{"segment": "s1"}]})

    assert (row["kind"], row["condition"]) == ("segment", {"segment": "s1", "in": False})


def test_rows_move_within_their_group_and_out_of_it(catalog):
    root = draft.read(all_of({"match": "any", "conditions": [INDIA, GERMANY]}))
    group = root["conditions"][0]
    last = group["conditions"][1]["id"]

    draft.move(root, last, -1)
    assert draft.judge(root, catalog).rule == all_of({"match": "any", "conditions": [GERMANY, INDIA]})
    draft.move(root, last, -1)
    assert draft.judge(root, catalog).rule == all_of({"match": "any", "conditions": [GERMANY, INDIA]})

    draft.move_out(root, last)
    assert draft.judge(root, catalog).rule == all_of({"match": "any", "conditions": [INDIA]}, GERMANY)

    draft.wrap(root, last)
    assert draft.judge(root, catalog).rule["conditions"][1] == {"match": "any", "conditions": [GERMANY]}

    draft.unwrap(root, root["conditions"][1]["id"])
    draft.take_out(root, group["id"])
    assert draft.judge(root, catalog).rule == all_of(GERMANY)


def test_what_is_gone_cannot_be_changed_again(catalog):
    root = draft.read(all_of(INDIA))
    gone = root["conditions"][0]["id"]
    draft.take_out(root, gone)

    for act in (draft.switch, draft.duplicate, draft.take_out, draft.move_out, draft.wrap, draft.unwrap):
        act(root, gone)
    draft.move(root, gone, 1)

    assert draft.judge(root, catalog).rule == all_of()
