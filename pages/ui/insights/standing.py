"""How value groups are drawn: the grid of scores, movements from group to group, how often and how long ago.

What a score is does not live here (`user360/scoring`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pages.ui import charts, words
from pages.ui.insights import grids, over_time, readings
from pages.ui.insights.picture import Picture
from user360 import scoring

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

SECONDS: Final = {"frequency": "how often", "amount": "for how much", "both": "how often and for how much"}
GROUPS: Final = (*scoring.GROUPS, scoring.NOT_SCORED)
NARROW: Final = 480  # under it the names of groups do not fit into cells
_TOLD: Final = 6


def event(question: Any) -> str:
    """The event a question is of."""
    return question.of.event or "any event"


# -- the grid -----------------------------------------------------------------------------------


def grid(question: Any, result: Result, wanted: Wanted) -> Picture:
    """Five by five, the best at the top right; each cell says its group and how many are in it."""
    rows = [row for row in result.table.to_pylist() if row["recency"] is not None]
    found = {(row["recency"], row["score"]): row for row in rows}
    total = sum(row["users"] for row in rows)
    if not total:
        return Picture(f"{grid_title(question)}. Nobody did this then.")
    cells = [
        _cell(question, found.get((column, row)), column, row, total, named=wanted.width >= NARROW)
        for row in range(scoring.BEST, 0, -1)
        for column in range(1, scoring.BEST + 1)
    ]
    height = max(44, (wanted.height - 60) // scoring.BEST)
    names = [f"{'FM' if question.second == 'both' else question.second[0].upper()} {each}" for each in range(scoring.BEST, 0, -1)]
    columns = [f"R {each}" for each in range(1, scoring.BEST + 1)]
    drawn = grids.draw(names, columns, cells, chosen=wanted.chosen, row_height=height, on_top=False)
    best = sorted(rows, key=lambda row: -row["users"])[:_TOLD]
    told = "; ".join(f"{row['group']} R {row['recency']} {words.number(row['users'])}" for row in best)
    return Picture(f"{grid_title(question)}. {told}", f"right: lately, up: {SECONDS[question.second]}", drawn)


def _cell(question: Any, row: Mapping[str, Any] | None, column: int, score: int, total: int, *, named: bool) -> grids.Cell:
    group = scoring.group_of(column, score)
    users = row["users"] if row else 0
    text = f"{group}<br><b>{words.number(users)}</b>" if named else words.number(users)
    hover = f"<b>{group}</b><br>{words.count(users, 'person', 'people')}, {words.share(users, total)}"
    if row:
        hover += f"<br>{averages(question, row)}"
    cell = readings.cell({"group": group, "recency": column, "score": score}) if row else None
    return grids.Cell(scoring.BEST - score, column - 1, float(users), text, hover, cell)


def averages(question: Any, row: Mapping[str, Any]) -> str:
    """What a group is on average."""
    parts = [f"{words.number(round(row['days'], 1))} days ago", f"{words.number(round(row['times'], 1))} times"]
    if question.amount:
        parts.append(f"{words.number(round(row['amount'], 2))} {charts.plain(question.amount)}")
    return ", ".join(parts) + " on average"


def grid_title(question: Any) -> str:
    """The question in a few words."""
    return f"{event(question)}: how lately, {SECONDS[question.second]}"


def told(question: Any, cell: Mapping[str, Any]) -> str:
    """A cell or a group in words."""
    group = str(cell.get("group"))
    if cell.get("recency") is None:
        return f"{group} · {event(question)}"
    return f"{group} · recency {cell['recency']}, {SECONDS[question.second]} {cell.get('score')}"


# -- movements ----------------------------------------------------------------------------------


def movements(question: Any, result: Result, wanted: Wanted) -> Picture:
    """Rows are the groups before, columns those now; who stayed stands on the diagonal, outside of the scale."""
    rows = result.table.to_pylist()
    if not rows:
        return Picture(f"{movements_title(question)}. Nobody did this then.")
    moved = [row["users"] for row in rows if row["earlier"] != row["group"]]
    cells = [
        grids.Cell(
            GROUPS.index(row["earlier"]),
            GROUPS.index(row["group"]),
            float(row["users"]),
            words.number(row["users"]),
            f"{row['earlier']} → {row['group']}<br><b>{words.count(row['users'], 'person', 'people')}</b>",
            readings.cell({"earlier": row["earlier"], "group": row["group"]}),
        )
        for row in rows
    ]
    most = max(moved, default=0) or None
    drawn = grids.draw(GROUPS, GROUPS, cells, most=most, chosen=wanted.chosen, row_height=30, tilt=True)
    best = sorted((row for row in rows if row["earlier"] != row["group"]), key=lambda row: -row["users"])[:_TOLD]
    said = "; ".join(f"{row['earlier']} to {row['group']} {words.number(row['users'])}" for row in best)
    return Picture(f"{movements_title(question)}. {said}", "people, from the row to the column", drawn)


def movements_title(question: Any) -> str:
    """The question in a few words."""
    return f"{event(question)}: movements in {words.count(question.apart, 'day')}"


def told_movement(question: Any, cell: Mapping[str, Any]) -> str:  # noqa: ARG001 - as every kind tells a cell
    """A movement in words."""
    return f"{cell.get('earlier')} → {cell.get('group')}"


# -- how often, how long ago --------------------------------------------------------------------


def how_often(question: Any, result: Result, wanted: Wanted) -> Picture:
    """A bar for each number of times; nobody's 0 stands apart, as it would hide all others."""
    rows = {row["times"]: row["users"] for row in result.table.to_pylist()}
    places = list(range(1, max([*rows, 1]) + 1))
    names = [_times(question, each) for each in places]
    cells = [readings.cell({"times": each}) if each in rows else None for each in places]
    return _bars(how_often_title(question), names, [rows.get(each, 0) for each in places], cells, wanted)


def _times(question: Any, times: int) -> str:
    return f"{times}+" if times >= question.most else str(times)


def how_often_title(question: Any) -> str:
    """The question in a few words."""
    return f"{event(question)}: how many {question.counted}"


def told_often(question: Any, cell: Mapping[str, Any]) -> str:
    """A bar in words."""
    times = cell.get("times")
    if times == 0:
        return f"{event(question)} · not at all"
    unit = question.counted if times != 1 else question.counted[:-1]
    more = " or more" if isinstance(times, int) and times >= question.most else ""
    return f"{event(question)} · {times}{more} {unit}"


def how_long_ago(question: Any, result: Result, wanted: Wanted) -> Picture:
    """A bar for each stretch of days; who did not do it at all stands below the chart."""
    rows = {row["days"]: row["users"] for row in result.table.to_pylist() if row["days"] is not None}
    last = max([*rows, 0])
    places = [each for each in scoring.EDGES if each <= last]
    cells = [readings.cell({"days": each}) if each in rows else None for each in places]
    return _bars(
        how_long_ago_title(question), [stretch(each) for each in places], [rows.get(each, 0) for each in places], cells, wanted
    )


def stretch(low: int) -> str:
    """A stretch of days in words: `7–13 days`."""
    following = next((edge for edge in scoring.EDGES if edge > low), None)
    if following is None:
        return f"{low}+ days"
    if following == low + 1:
        return {0: "today", 1: "1 day"}.get(low, f"{low} days")
    return f"{low}–{following - 1} days"


def how_long_ago_title(question: Any) -> str:
    """The question in a few words."""
    return f"{event(question)}: days since the last one"


def told_ago(question: Any, cell: Mapping[str, Any]) -> str:
    """A bar in words."""
    days = cell.get("days")
    said = "not in this period" if days is None else stretch(days) if days == 0 else f"{stretch(days)} ago"
    return f"{event(question)} · {said}"


def _bars(title: str, names: Sequence[str], values: Sequence[float], cells: Sequence[str | None], wanted: Wanted) -> Picture:
    if not any(values):
        return Picture(f"{title}. Nobody did this then.")
    series = over_time.Series("People", values, cells, charts.colour(0))
    drawn = over_time.draw(
        [series], over_time.Axis(names), "bars", chosen=wanted.chosen, height=wanted.height, width=wanted.width
    )
    over_time.name_all(drawn, names)
    said = "; ".join(f"{name} {words.number(value)}" for name, value in zip(names, values, strict=True))
    return Picture(f"{title}. {said}", "people", drawn)
