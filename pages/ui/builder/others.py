"""Conditions on other segments and on ranks.

Without it a segment could not be built of others, nor "the top ten percent". Which segments there
are comes from the catalog; what a rank counts does not live here (`user360/segments`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pages.ui import fields
from pages.ui.builder import happenings, spans

if TYPE_CHECKING:
    from pages.ui.fields import Edit

RANKED: Final = frozenset({"number", "date", "datetime", "time"})
_BY: Final = {"property": "by", "events": "by number of", **{key: f"by {said}" for key, said in happenings.MEASURES.items()}}


def segment(edit: Edit) -> None:
    """In that segment, or not in it."""
    own = edit.condition
    names = {key: each.name for key, each in edit.catalog.segments.items() if not each.archived or key == own.get("segment")}
    inside = lambda chosen: own.update({"in": chosen})  # noqa: E731 - what the choice does
    take = lambda chosen: own.update(segment=chosen)  # noqa: E731 - what the choice does
    fields.choice(edit, "in", (True, False), own.get("in", True), inside, say=_is_in, width=112)
    fields.choice(
        edit,
        "segment",
        sorted(names, key=lambda key: names[key].casefold()),
        own.get("segment"),
        take,
        say=lambda key: names.get(key, key),
        width=236,
        placeholder="Choose a segment",
    )


def _is_in(inside: bool) -> str:  # noqa: FBT001 - an option of a choice
    return "is in" if inside else "is not in"


def rank(edit: Edit) -> None:
    """The top or bottom, so many or such a share, by what."""
    own = edit.condition
    percent = "percent" in own
    fields.choice(edit, "rank", ("top", "bottom"), own["rank"], lambda chosen: own.update(rank=chosen), width=94)
    amount = own["percent"] if percent else own["count"]
    key = "percent" if percent else "count"
    fields.whole(
        edit, key, int(amount), lambda value: own.update({key: value}), most=100 if percent else 1_000_000_000, width=100
    )
    fields.choice(edit, "part", ("percent", "count"), key, lambda chosen: _part(own, chosen), say=_said_part, width=122)
    _by(edit)


def _part(own: dict[str, Any], chosen: str) -> None:
    own.pop("percent", None)
    own.pop("count", None)
    own[chosen] = 10 if chosen == "percent" else 100


def _said_part(part: str) -> str:
    return "% of people" if part == "percent" else "people"


def _by(edit: Edit) -> None:
    own = edit.condition
    now = (
        own["measure"]["function"] if "measure" in own else "events" if "event" in own or edit.node.get("events") else "property"
    )
    fields.choice(edit, "by", list(_BY), now, lambda chosen: _chosen_by(edit, chosen), say=_BY.__getitem__, width=130)
    if now == "property":
        known = edit.catalog.properties
        names = [each.name for each in known.values() if each.visible and each.datatype.name in RANKED]
        fields.choice(
            edit,
            "property",
            names,
            own.get("property"),
            lambda chosen: own.update(property=chosen),
            width=142,
            placeholder="Choose a property",
        )
        return
    if now != "events":
        happenings.measured(edit)
        fields.word("in")
    happenings.event(edit)
    if "during" in own:
        spans.during(edit)
    if not edit.in_row:
        happenings.add_where(edit)


def _chosen_by(edit: Edit, chosen: str) -> None:
    """By something else; events, their `where` and time stay when only the measure changes."""
    kept = {key: each for key, each in edit.condition.items() if key in {"rank", "percent", "count"}}
    if chosen == "property":
        edit.node.pop("where", None)
    else:
        kept |= {key: edit.condition[key] for key in ("event", "during") if key in edit.condition}
        if chosen != "events":
            before = edit.condition.get("measure", {})
            kept["measure"] = {"function": chosen, "property": before.get("property", "")}
    edit.node["events"] = chosen != "property"
    edit.turn(kept)
