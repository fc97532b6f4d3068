"""A rule while it is edited: plain dictionaries with ids, finished or not, switched on or off.

The rule's own JSON knows neither half a condition nor one that is switched off, and its places move
when a row goes; without ids a value would jump from one row to the next. Nothing here draws, and
what a condition means does not live here (`user360/segments`).

A node has `id`, `kind`, `turn` (it rises when its fields are replaced), `off`, and `condition`, the
JSON of its own without what is below it. Below it are `conditions` (of a group, with its `match`),
`where` and `having` (groups about one event), `steps` (of a sequence).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from user360 import segments
from user360.errors import InvalidRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from user360.segments import Catalog

Node: TypeAlias = "dict[str, Any]"

BELOW: Final = ("where", "having")
NOTHING: Final = {"version": 1, "match": "all", "conditions": []}
NOT_YET: Final = "This condition is not finished."
_ids = itertools.count(1)


# -- making nodes -------------------------------------------------------------------------------


def node(kind: str, condition: dict[str, Any] | None = None, **below: Any) -> Node:
    """A new node of a kind: group, property, event, sequence, segment or rank."""
    return {"id": next(_ids), "kind": kind, "turn": 0, "off": False, "condition": condition or {}, **below}


def group(match: str = "all", conditions: list[Node] | None = None) -> Node:
    """A new group."""
    return node("group", match=match, conditions=conditions or [])


def read(source: dict[str, Any]) -> Node:
    """The draft of a condition's JSON, or of a whole rule's."""
    if "match" in source:
        inner = source["conditions"]
        if source["match"] == "none" and len(inner) == 1 and "segment" in inner[0]:
            return node("segment", {"segment": inner[0]["segment"], "in": False})
        return group(source["match"], [read(each) for each in inner])
    if "sequence" in source:
        rest = {key: value for key, value in source.items() if key != "sequence"}
        return node("sequence", rest, steps=[read(each) for each in source["sequence"]])
    if "segment" in source:
        return node("segment", {"segment": source["segment"], "in": True})
    kind = "rank" if "rank" in source else "event" if "event" in source else "property"
    rest = {key: value for key, value in source.items() if key not in BELOW}
    return node(kind, rest, **{key: _group(source[key]) for key in BELOW if key in source})


def _group(source: dict[str, Any]) -> Node:
    return group(source["match"], [read(each) for each in source["conditions"]])


def again(one: Node) -> Node:
    """The same with new ids, at every depth."""
    copied = {key: value for key, value in one.items() if key not in {"conditions", "steps", *BELOW}}
    copied |= {"id": next(_ids), "condition": dict(one["condition"])}
    copied |= {key: [again(each) for each in one[key]] for key in ("conditions", "steps") if key in one}
    return copied | {key: again(one[key]) for key in BELOW if key in one}


# -- from draft to rule -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """What of a draft counts: the rule's JSON, where in it each node stands, and why the others do not count, by id."""

    rule: dict[str, Any]
    paths: dict[int, str]
    faults: dict[int, str]


def judge(root: Node, catalog: Catalog) -> Judged:
    """The rule of what is on and finished: everyone, where nothing is."""
    judged = Judged({"version": 1}, {}, {})
    found = _judged(root, "$", catalog, judged) or NOTHING
    judged.rule.update(found)
    return judged


def one(row: Node, catalog: Catalog) -> tuple[dict[str, Any] | None, str]:
    """The JSON of one condition by itself, or why it does not count."""
    judged = Judged({}, {}, {})
    return _judged(row, "$", catalog, judged), judged.faults.get(row["id"], "")


def _judged(row: Node, path: str, catalog: Catalog, judged: Judged) -> dict[str, Any] | None:
    if row["off"]:
        return None
    found = _group_judged(row, path, catalog, judged) if row["kind"] == "group" else _row_judged(row, catalog, judged)
    if found is not None:
        judged.paths[row["id"]] = path
    return found


def _group_judged(row: Node, path: str, catalog: Catalog, judged: Judged) -> dict[str, Any] | None:
    inner: list[dict[str, Any]] = []
    for each in row["conditions"]:
        found = _judged(each, f"{path}.conditions[{len(inner)}]", catalog, judged)
        if found is not None:
            inner.append(found)
    return {"match": row["match"], "conditions": inner} if inner else None


def _row_judged(row: Node, catalog: Catalog, judged: Judged) -> dict[str, Any] | None:
    whole = _whole(row, catalog, judged)
    refused = NOT_YET if whole is None else _refused(whole, catalog)
    if refused:
        judged.faults[row["id"]] = refused
        return None
    return whole


def _whole(row: Node, catalog: Catalog, judged: Judged) -> dict[str, Any] | None:
    """The JSON of one condition, its own inner rows those that are finished; None where its subject is missing."""
    own = row["condition"]
    if _half(own):
        return None
    match row["kind"]:
        case "segment":
            inside = {"segment": own["segment"]} if own.get("segment") else None
            return inside if inside is None or own["in"] else {"match": "none", "conditions": [inside]}
        case "sequence":
            steps = [_whole(each, catalog, judged) for each in row["steps"]]
            return None if None in steps else {"sequence": steps, **own}
        case "property" if not own.get("property"):
            return None
        case "event" if "event" not in own:
            return None
        case "rank" if "event" not in own and not own.get("property"):
            return None
    inside = {key: _about_event(row[key], catalog, judged) for key in BELOW if key in row}
    if inside.get("having", True) is None:
        return None
    return {**own, **{key: found for key, found in inside.items() if found is not None}}


def _half(own: dict[str, Any]) -> bool:
    """Whether a field that has to be filled is still blank."""
    blank = "" in own.get("values", ()) or "" in own.get("during", {}).values()
    return blank or own.get("measure", {}).get("property") == ""


def _about_event(inside: Node, catalog: Catalog, judged: Judged) -> dict[str, Any] | None:
    """The group over an event's own properties, of the rows that are finished."""
    found: list[dict[str, Any]] = []
    for each in inside["conditions"]:
        if each["kind"] == "group":
            nested = _about_event(each, catalog, judged)
        else:
            nested = dict(each["condition"]) if each["condition"].get("property") else None
            refused = NOT_YET if nested is None else _refused({"event": None, "where": all_of(nested)}, catalog)
            if refused:
                judged.faults[each["id"]], nested = refused, None
        if nested is not None:
            found.append(nested)
    return {"match": inside["match"], "conditions": found} if found else None


def all_of(*conditions: dict[str, Any]) -> dict[str, Any]:
    """A rule whose conditions all must hold."""
    return {"match": "all", "conditions": list(conditions)}


def _refused(condition: dict[str, Any], catalog: Catalog) -> str:
    try:
        segments.check(segments.parse(all_of(condition)), catalog)
    except InvalidRule as refusal:
        return f"{refusal.reason} {refusal.hint}".strip()
    return ""


# -- finding and changing -----------------------------------------------------------------------


def walk(one: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield one
    for each in below(one):
        yield from walk(each)


def below(one: Node) -> list[Node]:
    """The nodes directly below."""
    return [*one.get("conditions", ()), *one.get("steps", ()), *(one[key] for key in BELOW if key in one)]


def rows_of(root: Node) -> list[Node]:
    """The conditions that count people, groups left out, in their order."""
    if root["kind"] != "group":
        return [root]
    return [row for each in root["conditions"] for row in rows_of(each)]


def holder(root: Node, wanted: int) -> tuple[Node, list[Node], int] | None:
    """The node above the wanted one, the list it stands in, and its place there."""
    for one in walk(root):
        for siblings in (one.get("conditions"), one.get("steps")):
            place = next((place for place, each in enumerate(siblings or ()) if each["id"] == wanted), None)
            if siblings is not None and place is not None:
                return one, siblings, place
    return None


def switch(root: Node, wanted: int) -> None:
    """Switch a node off, or on again."""
    found = holder(root, wanted)
    if found is not None:
        _, siblings, place = found
        siblings[place]["off"] = not siblings[place]["off"]


def take_out(root: Node, wanted: int) -> None:
    """Remove a node with all below it."""
    found = holder(root, wanted)
    if found is not None:
        _, siblings, place = found
        del siblings[place]


def duplicate(root: Node, wanted: int) -> None:
    """Put a copy below a node."""
    found = holder(root, wanted)
    if found is not None:
        _, siblings, place = found
        siblings.insert(place + 1, again(siblings[place]))


def move(root: Node, wanted: int, by: int) -> None:
    """Move a node up (−1) or down (1) among its neighbours."""
    found = holder(root, wanted)
    if found is not None:
        _, siblings, place = found
        if 0 <= place + by < len(siblings):
            siblings[place], siblings[place + by] = siblings[place + by], siblings[place]


def move_out(root: Node, wanted: int) -> None:
    """Move a node out of its group, to stand below it."""
    found = holder(root, wanted)
    outer = holder(root, found[0]["id"]) if found is not None else None
    if found is not None and outer is not None:
        outer[1].insert(outer[2] + 1, found[1].pop(found[2]))


def wrap(root: Node, wanted: int) -> None:
    """Put a node into a new group of its own."""
    found = holder(root, wanted)
    if found is not None:
        _, siblings, place = found
        siblings[place] = group("any", [siblings[place]])


def unwrap(root: Node, wanted: int) -> None:
    """Put a group's conditions in the place of the group."""
    found = holder(root, wanted)
    if found is not None:
        _, siblings, place = found
        siblings[place : place + 1] = siblings[place]["conditions"]
