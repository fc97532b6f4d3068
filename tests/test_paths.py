"""Paths agree with a plain walk over everybody's sessions, and every mark opens as many people as it draws."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT, events, take
from user360 import insights, segments
from user360.errors import InvalidInsight
from user360.store import open_store

NAMES = ("Visit", "Search", "View", "Cart", "Buy")
GAPS = (1, 5, 29, 30, 31, 45, 600)


def happened():
    """Who did what when: forty people with up to thirty events each, some exactly half an hour apart."""
    dice, rows = random.Random(7), []  # noqa: S311 - a world that is the same every time
    for user in range(40):
        when = AT - timedelta(days=dice.randrange(5, 25))
        for _ in range(dice.randrange(1, 30)):
            when += timedelta(minutes=dice.choice(GAPS))
            rows.append((f"u{user}", dice.choice(NAMES[: 2 + user % 4]), when, dice.randrange(4)))
    return rows


@pytest.fixture(scope="module")
def world():
    store = open_store()
    rows = happened()
    properties: list[str | None] = [f'{{"size": {size}}}' for *_, size in rows]
    take(store, events([each[:3] for each in rows], properties=properties))
    yield store
    store.close()


def sessions(asked):
    """Everybody's sessions, each a list of (name, is the event asked for), as a person would cut them."""
    of_user = defaultdict(list)
    for user, name, when, size in sorted(happened(), key=lambda row: row[2]):
        if name not in asked.get("leave_out", ()):
            of_user[user].append((name, when, size))
    wanted = asked.get("of")
    for user, rows in of_user.items():
        found, before = [], None
        for name, when, size in rows:
            if before is None or when - before > timedelta(minutes=asked.get("gap", 30)):
                found.append([])
            before = when
            step = (name, wanted is None or (name == wanted["event"] and ("where" not in wanted or size >= 2)))
            if not (asked.get("join") and found[-1] and found[-1][-1] == step):
                found[-1].append(step)
        yield user, found


def paths(asked):
    """The way everybody went, as levels: (user, {level: name}); None is outside of the session."""
    depth = asked.get("depth", 5)
    for user, found in sessions(asked):
        hits = [each for each in found if any(such for _, such in each)]
        last = wanted_end(asked)
        for session in hits if asked.get("count") == "sessions" else hits[-1:] if last else hits[:1]:
            places = [place for place, (_, such) in enumerate(session) if such]
            names = [name for name, _ in session]
            if asked.get("direction") == "to":
                place = places[-1] if last else places[0]
                part = names[max(place - depth + 1, 0) : place + 1]
                part = [None, *part] if len(part) < depth else part
                yield user, {depth - len(part) + place: name for place, name in enumerate(part)}
            else:
                part = names[places[0] : places[0] + depth]
                yield user, dict(enumerate([*part, None] if len(part) < depth else part))


def wanted_end(asked):
    """Whether the end of a session is asked for, and no event."""
    return asked.get("of") is None and asked.get("direction") == "to"


def by_hand(asked):
    """Every mark of the answer: (level, step, onward) → (paths, people)."""
    walked = list(paths(asked))
    sizes = defaultdict(lambda: defaultdict(int))
    for _, way in walked:
        for level, name in way.items():
            if name is not None:
                sizes[level][name] += 1
    kept = {
        (level, name)
        for level, of_level in sizes.items()
        for name in sorted(of_level, key=lambda each: (-of_level[each], NUMBER[each]))[: asked.get("most", 8)]
        if 100 * of_level[name] >= asked.get("least", 1.0) * len(walked)
    }

    def called(level, name):
        return "end" if name is None else f"={name}" if (level, name) in kept else "other"

    counted: dict[tuple[int, str, str | None], int] = defaultdict(int)
    people: dict[tuple[int, str, str | None], set[str]] = defaultdict(set)
    for user, way in walked:
        for level, name in way.items():
            keys = [(level, called(level, name), None)]
            if level + 1 in way:
                keys.append((level, called(level, name), called(level + 1, way[level + 1])))
            for key in keys:
                counted[key] += 1
                people[key].add(user)
    return {key: (count, len(people[key])) for key, count in counted.items()}


# Events are numbered as they first came in: of equally common ones the earlier number is kept.
NUMBER: dict[str, int] = {}
for _, each, _, _ in happened():
    NUMBER.setdefault(each, len(NUMBER))

OF = st.sampled_from(
    [
        None,
        {"event": "View"},
        {"event": "Search"},
        {
            "event": "Visit",
            "where": {"match": "all", "conditions": [{"property": "size", "operator": "at_least", "values": [2]}]},
        },
    ]
)
QUESTIONS = st.fixed_dictionaries(
    {"kind": st.just("paths"), "of": OF},
    optional={
        "direction": st.sampled_from(["from", "to"]),
        "depth": st.integers(2, 5),
        "least": st.sampled_from([0.0, 5.0, 20.0]),
        "most": st.sampled_from([1, 2, 8]),
        "gap": st.sampled_from([1, 30, 60]),
        "join": st.booleans(),
        "count": st.sampled_from(["users", "sessions"]),
        "leave_out": st.sampled_from([[], ["Cart"], ["Cart", "Buy"]]),
    },
)


@given(QUESTIONS)
def test_the_paths_are_those_walked_by_hand(world, asked):
    result = insights.run(world, insights.parse(asked), at=AT)

    counted = {(row["level"], row["step"], row["onward"]): (row["paths"], row["users"]) for row in result.table.to_pylist()}
    assert by_hand(asked) == counted


@given(QUESTIONS)
def test_what_goes_into_a_node_comes_out_of_it(world, asked):
    rows = insights.run(world, insights.parse(asked), at=AT).table.to_pylist()

    last = asked.get("depth", 5) - 1
    for node in (row for row in rows if row["onward"] is None):
        level, step = node["level"], node["step"]
        into = sum(row["paths"] for row in rows if row["level"] == level - 1 and row["onward"] == step)
        out = sum(row["paths"] for row in rows if row["level"] == level and row["step"] == step and row["onward"])
        begins = level == 0 or (asked.get("direction") == "to" and step == "end")
        ends = level == last or (asked.get("direction") != "to" and step == "end")
        assert begins or into == node["paths"]
        assert ends or out == node["paths"]


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "paths", "of": {"event": "View"}, "most": 2},
        {"kind": "paths", "of": {"event": "Search"}, "direction": "to", "count": "sessions"},
        {"kind": "paths", "depth": 3, "least": 20.0},
    ],
)
def test_as_many_people_are_behind_every_node_and_link_as_are_drawn(world, asked):
    question = insights.parse(asked)
    result = insights.run(world, question, at=AT)

    for row in result.table.to_pylist():
        cell = {each: row[each] for each in result.marks()}
        assert len(insights.who(world, question, cell, at=AT)) == row["users"], cell


@pytest.mark.parametrize(("direction", "level"), [("from", 0), ("to", 4)])
def test_the_rule_of_everyone_on_a_path_finds_exactly_them(world, direction, level):
    question = insights.parse({"kind": "paths", "of": {"event": "View"}, "direction": direction})
    cell = {"level": level, "step": "=View", "onward": None}

    rule = insights.like(world, question, cell, moving=False, at=AT)

    assert rule is not None
    assert segments.people(world, rule, at=AT) == insights.who(world, question, cell, at=AT)
    assert insights.like(world, question, {**cell, "level": 2}, moving=False, at=AT) is None


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"depth": 1}, "$.depth"),
        ({"depth": 6}, "$.depth"),
        ({"least": -1.0}, "$.least"),
        ({"most": 0}, "$.most"),
        ({"gap": 0}, "$.gap"),
        ({"of": {"event": "Vieew"}}, "$.of.event"),
        ({"leave_out": ["Vieew"]}, "$.leave_out[0]"),
        ({"of": {"event": "View"}, "leave_out": ["View"]}, "$.leave_out"),
        ({"breakdown": {"by": "channel"}}, "$.breakdown"),
        ({"direction": "up"}, "$.direction"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_its_path(world, asked, path):
    with pytest.raises(InvalidInsight) as refused:
        insights.run(world, insights.parse({"kind": "paths", **asked}), at=AT)

    assert refused.value.path == path


def test_without_events_there_are_no_paths(store):
    assert insights.run(store, insights.parse({"kind": "paths"}), at=AT).table.num_rows == 0
