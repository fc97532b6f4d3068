"""One condition on a property: which, the operator, its values; of people or of an event.

The fields of a row and of a chip are these same ones. What stands under an operator does not live
here (`operands`), nor the row around it (`tree`, `condition`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pages.ui import fields, operands, words
from user360 import operators

if TYPE_CHECKING:
    from collections.abc import Callable

    from pages.ui.fields import Edit
    from pages.ui.operands import Subject
    from user360.datatype import DataType
    from user360.operators import Operator

PROPERTY_WIDTH: Final = 142
OPERATOR_WIDTH: Final = 100
LASTING: Final = {"for": "without a break for", "ever": "at any moment so far", "": "now"}
CHANGED: Final = "changed_in_the_last"
FIRST_SPAN: Final = (7, "day")


def of_people(edit: Edit) -> None:
    """The fields of a condition on a property of people."""
    own = edit.condition
    known = edit.catalog.properties
    names = [each.name for each in known.values() if each.visible]
    kept = {"held": own["held"]} if "held" in own and CHANGED not in own["held"] else {}
    take = lambda chosen: edit.turn({"property": chosen} | begun(known[chosen].datatype) | kept)  # noqa: E731 - what the choice does
    fields.choice(
        edit,
        "property",
        names,
        own.get("property"),
        take,
        say=str if edit.in_row else words.heading,
        width=fields.room_for(own.get("property", ""), PROPERTY_WIDTH),
        placeholder="Choose a property",
    )
    prop = known.get(str(own.get("property")))
    if prop is None:
        return
    if CHANGED in own.get("held", {}):
        operator(edit, prop.datatype, extra=(CHANGED,))
        _span(edit, CHANGED)
        return
    asked(edit, operands.of_property(prop), extra=(CHANGED,))


def asked(edit: Edit, subject: Subject, extra: tuple[str, ...] = ()) -> None:
    """The operator, what it needs, and whether case matters."""
    found = operator(edit, subject.datatype, extra=extra)
    if found is not None:
        operands.values(edit, subject, found)
        operands.case(edit, found)


def operator(edit: Edit, datatype: DataType, extra: tuple[str, ...] = ()) -> Operator | None:
    """The choice of an operator of the type; None where it is one of the extra ones."""
    own = edit.condition
    offered = [each.key for each in operators.of(datatype)]
    now = own.get("operator", CHANGED if "held" in own else None)

    def say(key: str) -> str:
        label = "changed in the last" if key == CHANGED else _row(key, datatype).label
        return label if "property" in own else label.removeprefix("is ")

    fields.choice(
        edit,
        "operator",
        [*offered, *extra],
        now,
        _choosing(edit, datatype),
        say=say,
        width=fields.room_for(say(now) if now in {*offered, *extra} else "", OPERATOR_WIDTH),
    )
    return _row(str(now), datatype) if now in offered else None


def _choosing(edit: Edit, datatype: DataType) -> Callable[[Any], None]:
    """Another operator keeps the values where it takes the same kind."""

    def take(chosen: str) -> None:
        own = edit.condition
        kept = {key: each for key, each in own.items() if key not in {"operator", "values", "case", "unknown", "held"}}
        if chosen == CHANGED:
            edit.turn(kept | {"held": {CHANGED: FIRST_SPAN[0], "unit": FIRST_SPAN[1]}})
            return
        now = _row(chosen, datatype)
        before = _row(own["operator"], datatype) if "operator" in own else None
        same = before is not None and before.operand == now.operand
        if "held" in own and CHANGED not in own["held"]:
            kept["held"] = own["held"]
        edit.turn(kept | {"operator": chosen, "values": own.get("values", []) if same else operands.at_first(now)})

    return take


def begun(datatype: DataType) -> dict[str, Any]:
    """The operator and values a condition on a type begins with."""
    first = operators.of(datatype)[0]
    return {"operator": first.key, "values": operands.at_first(first)}


def _row(key: str, datatype: DataType) -> Operator:
    return operators.get(key, datatype.families)


# -- what stands under the row ------------------------------------------------------------------


def switch(edit: Edit) -> Callable[[], None] | None:
    """What draws the switch for unknown values, where there is anything to switch."""
    prop = edit.catalog.properties.get(str(edit.condition.get("property")))
    if prop is None or "operator" not in edit.condition:
        return None
    subject, found = operands.of_property(prop), _row(edit.condition["operator"], prop.datatype)
    return (lambda: operands.unknown(edit, subject)) if operands.has_switch(edit, subject, found) else None


def is_lasting(edit: Edit) -> bool:
    """Whether the condition asks for how long, or whether ever."""
    return "operator" in edit.condition and "held" in edit.condition


def lasting(edit: Edit) -> None:
    """For how long it has held, or whether it ever did."""
    held = edit.condition["held"]
    now = "ever" if "ever" in held else "for"

    def take(chosen: str) -> None:
        edit.condition.pop("held")
        if chosen:
            edit.condition["held"] = {"ever": True} if chosen == "ever" else {"for": FIRST_SPAN[0], "unit": FIRST_SPAN[1]}

    fields.word("so")
    fields.choice(edit, "held", list(LASTING), now, take, say=LASTING.__getitem__, width=186)
    if now == "for":
        _span(edit, "for")


def _span(edit: Edit, kind: str) -> None:
    held = edit.condition["held"]
    fields.whole(edit, "so many", held[kind], lambda value: edit.condition["held"].update({kind: value}))
    fields.unit(edit, "of", operators.UNITS, held["unit"], held[kind], lambda unit: edit.condition["held"].update(unit=unit))
