"""How lifecycle, rhythm and sessions are drawn: bars up and down, an hour-by-weekday map, sessions over time or as a spread.

What is counted does not live here (`user360/insights`).
"""

from __future__ import annotations

import calendar
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pages.ui import charts, session, words
from pages.ui.insights import controls, grids, happening, over_time, readings
from pages.ui.insights.picture import Picture
from user360.insights import lifecycle, sessions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

COLOURS: Final = {lifecycle.RETURNING: 0, lifecycle.NEW: 1, lifecycle.RESURRECTED: 5, lifecycle.DORMANT: 4}
MEASURES: Final = {"": "sessions", "median": "median length", "events": "events per session", "users": "people"}
WAY: Final = "way"  # the parameter of the address
ROW: Final = 40
HOURS: Final = 24
_TOLD: Final = 6


# -- lifecycle ----------------------------------------------------------------------------------


def living(question: Any, result: Result, wanted: Wanted) -> Picture:
    """Who is there upwards, who is not any more downwards."""
    by_mark = {(row["time"], row["state"]): row for row in result.table.to_pylist()}
    made = []
    for state, place in COLOURS.items():
        rows = [by_mark.get((each.name, state)) for each in result.buckets]
        sign = -1 if state == lifecycle.DORMANT else 1
        made.append(
            over_time.Series(
                state.capitalize(),
                [sign * row["users"] if row else 0 for row in rows],
                [_cell(result, row) if row else None for row in rows],
                charts.colour(place),
                [words.number(row["users"]) if row else "0" for row in rows],
            )
        )
    axis = readings.axis(question, result)
    drawn = over_time.draw(made, axis, "up and down", chosen=wanted.chosen, height=wanted.height)
    ratio = _quick(result, by_mark)
    return Picture(f"{living_title(question)}. {ratio}", f"people {controls.UNITS[question.granularity]}{ratio}", drawn)


def living_title(question: Any) -> str:
    """The question in a few words."""
    return "Lifecycle" if question.of.event is None else f"Lifecycle of {question.of.event}"


def living_told(question: Any, cell: Mapping[str, Any]) -> str:
    """A mark in words: `Dormant · 12 Nov`."""
    return " · ".join([str(cell.get("state", "")).capitalize(), _place(question, str(cell.get("time", "")))])


def _quick(result: Result, by_mark: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    """New and resurrected people for each that went dormant, in the last finished period."""
    over = [each.name for each in result.buckets if each.over]
    found = {state: by_mark.get((over[-1], state), {"users": 0})["users"] for state in lifecycle.STATES} if over else {}
    if not found.get(lifecycle.DORMANT):
        return ""
    gained = found[lifecycle.NEW] + found[lifecycle.RESURRECTED]
    return f" · quick ratio {gained / found[lifecycle.DORMANT]:.2f}"


# -- rhythm -------------------------------------------------------------------------------------


def rhythm(question: Any, result: Result, wanted: Wanted) -> Picture:
    """Seven rows from the day the week begins on, 24 columns."""
    starts = session.settings().week_starts
    days = [(starts + each) % 7 for each in range(7)]
    by_hour = {(row["weekday"], row["hour"]): row for row in result.table.to_pylist()}
    if not by_hour:
        return Picture(f"{rhythm_title(question)}. Nothing happened.")
    cells = [_hour(result, day, hour, by_hour.get((day, hour)), days.index(day)) for day in days for hour in range(HOURS)]
    names = [calendar.day_abbr[each] for each in days]
    drawn = grids.draw(names, [f"{each:02d}" for each in range(HOURS)], cells, chosen=wanted.chosen, row_height=ROW)
    most = sorted(by_hour.values(), key=lambda row: -row["users"])[:_TOLD]
    said = "; ".join(f"{_hour_name(row['weekday'], row['hour'])} {words.number(row['users'])}" for row in most)
    clock = "each user's own clock" if question.clock == "own" else "the workspace's clock"
    return Picture(f"{rhythm_title(question)}. Most at {said}", f"people per hour, on {clock}", drawn)


def rhythm_title(question: Any) -> str:
    """The question in a few words."""
    return f"When in the week: {question.of.event or happening.ANY.lower()}"


def rhythm_told(_question: Any, cell: Mapping[str, Any]) -> str:
    """A mark in words: `Monday, 14:00 to 15:00`."""
    return _hour_name(cell.get("weekday"), cell.get("hour"))


def _hour(result: Result, day: int, hour: int, row: Mapping[str, Any] | None, place: int) -> grids.Cell:
    if row is None:
        return grids.Cell(place, hour, 0, "", f"<b>{_hour_name(day, hour)}</b><br>nobody", None)
    told = f"<b>{_hour_name(day, hour)}</b><br>{words.count(row['users'], 'person', 'people')}<br>{words.count(row['events'], 'event')}"
    return grids.Cell(place, hour, row["users"], _brief(row["users"]), told, _cell(result, row))


def _brief(value: int) -> str:
    """A count short enough for a cell: `1.2k`."""
    thousand = 1_000
    return str(value) if value < thousand else f"{value / thousand:.1f}k" if value < 100 * thousand else f"{value // thousand}k"


def _hour_name(day: Any, hour: Any) -> str:
    parts = []
    if isinstance(day, int) and 0 <= day < len(calendar.day_name):
        parts.append(str(calendar.day_name[day]))
    if isinstance(hour, int):
        parts.append(f"{hour:02d}:00 to {(hour + 1) % HOURS:02d}:00")
    return ", ".join(parts)


# -- sessions -----------------------------------------------------------------------------------


def visits(question: Any, result: Result, wanted: Wanted) -> Picture:
    """Sessions over time, or how many are how long or how full; `view` is the measure over time."""
    if not result.table.num_rows:
        return Picture(f"{visits_title(question)}. No sessions.")
    if question.shows != "over_time":
        return _spread(question, result, wanted)
    measure = wanted.view if wanted.view in MEASURES else ""
    text = {"median": _length, "events": lambda value: f"{value:.1f}"}.get(measure)
    counted = measure in {"", "users"}
    made = readings.series(
        question,
        result,
        MEASURES[measure].capitalize(),
        measure=measure or "sessions",
        text=text or (lambda value: words.number(int(value))),
    )
    if not counted:
        made = [_figures(each, minutes=measure == "median") for each in made]
    axis = readings.axis(question, result, suffix=" min" if measure == "median" else "")
    form: over_time.Form = "bars" if measure == "" else "lines"
    drawn = over_time.draw(made, axis, form, chosen=wanted.chosen, height=wanted.height)
    unit = MEASURES[measure] + (f" {controls.UNITS[question.granularity]}" if counted else "")
    return Picture(f"{visits_title(question)}, {unit}. {len(result.buckets)} places.", unit, drawn)


def visits_title(question: Any) -> str:
    """The question in a few words."""
    return {"over_time": "Sessions", "lengths": "How long sessions last", "sizes": "How much happens in a session"}[
        question.shows
    ]


def visits_told(question: Any, cell: Mapping[str, Any]) -> str:
    """A mark in words: `Sessions · Web · 12 Nov`."""
    parts = ["People with sessions"]
    if isinstance(cell.get("breakdown"), str):
        parts.append(readings.group_name(question, cell["breakdown"]))
    if isinstance(cell.get("time"), str):
        parts.append(_place(question, cell["time"]))
    if isinstance(cell.get("length"), int):
        parts.append(_span(cell["length"]))
    if isinstance(cell.get("size"), int):
        parts.append(f"{_size(cell['size'])} events")
    return " · ".join(parts)


def _spread(question: Any, result: Result, wanted: Wanted) -> Picture:
    mark, edges, name = ("length", sessions.LENGTHS, _span) if question.shows == "lengths" else ("size", sessions.SIZES, _size)
    rows = result.table.to_pylist()
    found = [each for each in edges if each <= max(row[mark] for row in rows)]
    groups: Sequence[str | None] = [None] if question.breakdown is None else readings.ordered(result, "sessions")
    inks = readings.colours(question, [each for each in groups if each is not None])
    by_mark = {(row[mark], row.get("breakdown")): row for row in rows}
    made = []
    for group in groups:
        own = [by_mark.get((each, group)) for each in found]
        made.append(
            over_time.Series(
                "Sessions" if group is None else readings.group_name(question, group),
                [row["sessions"] if row else 0 for row in own],
                [_cell(result, row) if row else None for row in own],
                charts.colour(0) if group is None else inks[group],
            )
        )
    drawn = over_time.draw(
        made, over_time.Axis([name(each) for each in found]), "bars", chosen=wanted.chosen, height=wanted.height
    )
    said = "; ".join(f"{name(row[mark])}: {words.number(row['sessions'])}" for row in rows[:_TOLD])
    return Picture(f"{visits_title(question)}. {said}", "sessions", drawn)


def _span(seconds: int) -> str:
    later = [each for each in sessions.LENGTHS if each > seconds]
    if not seconds:
        return "under 1 s"
    low = words.duration(timedelta(seconds=seconds))
    return f"{low} – {words.duration(timedelta(seconds=later[0]))}" if later else f"{low} and more"


def _size(least: int) -> str:
    later = [each for each in sessions.SIZES if each > least]
    if not later:
        return f"{least} and more"
    return str(least) if later[0] == least + 1 else f"{least}–{later[0] - 1}"


def _length(seconds: float) -> str:
    return words.duration(timedelta(seconds=seconds))


def _figures(each: over_time.Series, *, minutes: bool) -> over_time.Series:
    """A figure of no sessions is no value, not 0; lengths are drawn in minutes."""
    known = [value if cell is not None else None for value, cell in zip(each.values, each.cells, strict=True)]
    values = [round(value / 60, 2) if minutes and value is not None else value for value in known]
    return over_time.Series(each.name, values, each.cells, each.colour, each.texts)


def _cell(result: Result, row: Mapping[str, Any]) -> str:
    return readings.cell({each: row[each] for each in result.marks()})


def _place(question: Any, bucket: str) -> str:
    try:
        return readings.place_name(bucket, question.granularity)
    except ValueError:
        return bucket
