"""When events happened and how often: the fields of `during` and `times`.

Every stretch of time of the segment format has a choice here, the usual ones as one choice. What a
stretch means in instants does not live here (`user360/segments`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pages.ui import fields, operands
from user360 import operators

if TYPE_CHECKING:
    from collections.abc import Callable

    from pages.ui.fields import Edit

TIMES: Final = {
    "at_least": "at least",
    "exactly": "exactly",
    "at_most": "at most",
    "greater_than": "more than",
    "less_than": "fewer than",
    "between": "between",
}
_USUAL: Final = ((24, "hour"), (7, "day"), (30, "day"), (90, "day"), (12, "month"))
_WINDOWS: Final = {f"last {amount} {unit}": {"last": amount, "unit": unit} for amount, unit in _USUAL}
_CALENDAR: Final = {f"in {each}": {"calendar": each} for each in operators.PERIODS}
_FREE: Final = {"last": "in the last", "on": "on the day", "after": "after", "before": "before", "between": "between"}
ALWAYS: Final = "at any time"
AT_FIRST: Final = {"last": 30, "unit": "day"}
_DATE: Final = "YYYY-MM-DD"


def times(edit: Edit) -> None:
    """How many times: an operator and one or two counts."""
    now = edit.condition.get("times") or {"operator": "at_least", "values": [1]}

    def choose(chosen: str) -> None:
        counts = now["values"] if chosen != "between" else [now["values"][0], max(2, now["values"][0] + 1)]
        edit.condition["times"] = {"operator": chosen, "values": counts[: 2 if chosen == "between" else 1]}

    def take(place: int) -> Callable[[Any], None]:
        def taken(value: Any) -> None:
            counts = list(now["values"])
            counts[place] = int(value)
            edit.condition["times"] = {"operator": now["operator"], "values": counts}

        return taken

    fields.choice(edit, "times", list(TIMES), now["operator"], choose, say=TIMES.__getitem__, width=96)
    fields.whole(edit, "count", now["values"][0], take(0), least=0)
    if now["operator"] == "between":
        fields.word("and")
        fields.whole(edit, "most", now["values"][1], take(1), least=0)
    orless = now["operator"] in {"at_most", "less_than"}
    fields.word("times, or never" if orless else "time" if now["values"] == [1] else "times")


def during(edit: Edit) -> None:
    """The stretch of time the events lie in."""
    now = edit.condition.get("during")
    kind = _kind(now, asked_freely=bool(edit.node.get("freely")))
    offered = [ALWAYS, *_WINDOWS, *_CALENDAR, *_FREE]
    fields.choice(edit, "during", offered, kind, _choosing(edit), say=_said, width=fields.room_for(_said(kind), 112))
    if now is not None and kind in _FREE:
        _edges(edit, kind, now)


def _choosing(edit: Edit) -> Callable[[Any], None]:
    def take(chosen: str) -> None:
        edit.condition.pop("during", None)
        edit.node["freely"] = chosen == "last"
        begins: dict[str, Any] = {"last": {"last": 45, "unit": "day"}, "between": {"from": "", "to": ""}}
        if chosen != ALWAYS:
            found = _WINDOWS.get(chosen) or _CALENDAR.get(chosen) or begins.get(chosen) or {chosen: ""}
            edit.condition["during"] = dict(found)

    return take


def _kind(now: dict[str, Any] | None, *, asked_freely: bool) -> str:
    """Which choice shows a stretch of time."""
    if now is None:
        return ALWAYS
    if not asked_freely:
        usual = next((key for key, each in (_WINDOWS | _CALENDAR).items() if each == now), None)
        if usual:
            return usual
    return "between" if "from" in now else next(each for each in _FREE if each in now)


def _said(kind: str) -> str:
    if kind in _WINDOWS:
        window = _WINDOWS[kind]
        return f"in the last {window['last']} {fields.plural(str(window['unit']), window['last'])}"
    if kind in _CALENDAR:
        return operands.spaced(kind.removeprefix("in "))
    return _FREE.get(kind, kind)


def _edges(edit: Edit, kind: str, now: dict[str, Any]) -> None:
    def take(key: str) -> Callable[[Any], None]:
        def taken(value: Any) -> None:
            edit.condition["during"] = {**edit.condition["during"], key: value.strip() if isinstance(value, str) else value}

        return taken

    if kind == "last":
        fields.whole(edit, "last", int(now["last"]), take("last"))
        fields.unit(edit, "unit of during", operators.UNITS, now["unit"], now["last"], take("unit"))
        return
    for key in ("from", "to") if kind == "between" else (kind,):
        if key == "to":
            fields.word("and")
        fields.text(edit, f"{key} then", now[key], take(key), placeholder=_DATE, width=140)
