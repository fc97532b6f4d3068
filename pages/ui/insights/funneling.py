"""How funnels are drawn: bars for each step with who can still go on apart, the share over time, how long it took.

What is counted does not live here (`user360/insights/funnel`), nor the fields a funnel is asked with (`pages/funnels`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import plotly.graph_objects as go

from pages.ui import charts, session, words
from pages.ui.insights import happening, over_time, readings
from pages.ui.insights.picture import Picture
from user360.insights import funnel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pages.ui.insights.picture import Wanted
    from user360.insight import Result

STATES: Final = {
    funnel.REACHED: "reached",
    funnel.DROPPED: "dropped before",
    funnel.OPEN: "can still reach",
    funnel.LEFT_OUT: "left out by an excluded event",
}
LONGEST_NAME: Final = 22
_MOST_LABELLED: Final = 40
_LEAST_LABELLED: Final = 0.07  # a lower bar has no room for its label
_ROOM: Final = 90
_TOLD: Final = 6


def picture(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The funnel in the way its question says."""
    if not result.table.num_rows:
        return Picture(f"{title(question)}. Nobody began.")
    if question.shows == "over_time":
        return _over_time(question, result, wanted)
    return _times(question, result, wanted) if question.shows == "times" else _steps(question, result, wanted)


def title(question: Any) -> str:
    """The question in a few words."""
    first, last = step_name(question, 1), step_name(question, len(question.steps))
    if question.order == "any":
        return f"{len(question.steps)} steps in any order"
    return f"From {first} to {last}"


def told(question: Any, cell: Mapping[str, Any]) -> str:
    """A mark in words: `Web · dropped before Checkout Started`."""
    parts = []
    if isinstance(cell.get("breakdown"), str):
        parts.append(readings.group_name(question, cell["breakdown"]))
    if isinstance(cell.get("took"), int):
        parts.append(f"took {span_name(cell['took'])}")
    elif isinstance(cell.get("step"), int):
        state = STATES.get(str(cell.get("state")), "")
        name = "" if cell.get("state") == funnel.LEFT_OUT else f" {step_name(question, cell['step'])}"
        parts.append(f"{state}{name}")
    if isinstance(cell.get("time"), str):
        parts.append(f"began {_place(question, cell['time'])}")
    said = " · ".join(parts) or title(question)
    return said[:1].upper() + said[1:]


def step_name(question: Any, step: int) -> str:
    """A step as people read it; in any order how many there are."""
    if not 1 <= step <= len(question.steps):
        return f"step {step}"
    if question.order == "any":
        return f"{step} of {len(question.steps)} steps"
    return question.steps[step - 1].event or happening.ANY


def span_name(seconds: int) -> str:
    """A span of the time to convert: `1 h – 2 h`."""
    later = [each for each in funnel.TIMES if each > seconds]
    if seconds == 0:
        return f"under {words.duration(timedelta(seconds=later[0]))}"
    low = words.duration(timedelta(seconds=seconds))
    return f"{low} – {words.duration(timedelta(seconds=later[0]))}" if later else f"{low} and more"


def groups(question: Any, result: Result) -> list[str | None]:
    """The groups of the breakdown, largest first; of no breakdown only everyone."""
    if question.breakdown is None:
        return [None]
    named = result.table.filter(result.table["breakdown"].is_valid())
    return [*readings.ordered(replace(result, table=named), "users")] if named.num_rows else [None]


def _inks(question: Any, found: Sequence[str | None]) -> dict[str | None, str]:
    """The colour of each group, and of everyone."""
    inks = readings.colours(question, [each for each in found if each is not None])
    return {each: charts.colour(0) if each is None else inks[each] for each in (None, *found)}


def row_of(
    result: Result, step: int, state: str = funnel.REACHED, group: str | None = None, **more: Any
) -> dict[str, Any] | None:
    """The row of one mark, if there is one."""
    wanted = {"step": step, "state": state, "breakdown": group, **more}
    return next((row for row in result.table.to_pylist() if all(row.get(each) == value for each, value in wanted.items())), None)


def cell_of(result: Result, row: Mapping[str, Any]) -> str:
    """The cell of a row."""
    return readings.cell({each: row[each] for each in result.marks()})


# -- steps --------------------------------------------------------------------------------------


def _steps(question: Any, result: Result, wanted: Wanted) -> Picture:
    found = groups(question, result)
    single = question.breakdown is None
    inks = _inks(question, found)
    labels = len(found) * len(question.steps)
    traces = [_bars(question, result, group, inks[group], wanted, turn, labels=labels) for turn, group in enumerate(found)]
    if single:
        traces += _apart(question, result, wanted)
    drawn = charts.figure(*traces, height=wanted.height, barmode="stack" if single else "group", bargap=0.35, bargroupgap=0.06)
    places = list(range(1, len(question.steps) + 1))
    drawn.update_xaxes(tickvals=places, ticktext=[_tick(question, each) for each in places], showline=True, tickangle=0)
    drawn.update_xaxes(range=[0.5, len(places) + 0.5])
    drawn.update_yaxes(range=[0, 1.08], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    _legend(drawn)
    ends = [row_of(result, step, group=None) for step in places]
    said = "; ".join(f"{step_name(question, row['step'])} {words.number(row['users'])}" for row in ends[: _TOLD * 2] if row)
    return Picture(f"{title(question)}. {said}", "% of people who began", drawn)


def _tick(question: Any, step: int) -> str:
    """The name under a step, on two lines where it is long."""
    most = max(8, min(LONGEST_NAME, _ROOM // len(question.steps)))
    name = step_name(question, step)
    if len(name) <= most or " " not in name[:most]:
        return charts.plain(name, most)
    first, rest = name[: name.rindex(" ", 0, most)], name[name.rindex(" ", 0, most) + 1 :]
    return f"{charts.plain(first, most)}<br>{charts.plain(rest, most)}"


def _bars(question: Any, result: Result, group: str | None, ink: str, wanted: Wanted, turn: int, *, labels: int) -> go.Bar:
    rows = [row_of(result, step, group=group) for step in range(1, len(question.steps) + 1)]
    shares = [(row["share"] or 0) if row else 0 for row in rows]
    cells = [cell_of(result, row) if row else None for row in rows]
    least = 0 if group is not None else _LEAST_LABELLED
    texts = [_share(each, at=step) if labels <= _MOST_LABELLED and each >= least else "" for step, each in enumerate(shares)]
    inks = charts.neutrals()
    return go.Bar(
        name=charts.plain("Reached" if group is None else readings.group_name(question, group), 40),
        x=list(range(1, len(rows) + 1)),
        y=shares,
        text=texts,
        textposition="outside" if group is not None else "inside",
        insidetextanchor="end",
        textangle=0,
        constraintext="none",
        cliponaxis=False,
        textfont={"size": 11, "color": inks.soft if group is not None else inks.ground},
        customdata=cells,
        hovertext=[_hover(question, row) if row else "" for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={"color": ink, "pattern": charts.hatched(turn, ink), "cornerradius": 2, "line": _line(cells, wanted)},
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _apart(question: Any, result: Result, wanted: Wanted) -> list[go.Bar]:
    """Above who reached a step: who can still reach it, hatched, and who dropped before it, faint."""
    inks = charts.neutrals()
    made = []
    for state, name in ((funnel.OPEN, "Can still reach it"), (funnel.DROPPED, "Dropped")):
        rows = [row_of(result, step, state) for step in range(1, len(question.steps) + 1)]
        if not any(rows):
            continue
        cells = [cell_of(result, row) if row else None for row in rows]
        marker: dict[str, Any] = {"color": inks.unknown, "line": _line(cells, wanted)}
        if state == funnel.OPEN:
            pattern = {"shape": "/", "fgcolor": inks.ground, "bgcolor": charts.colour(0), "size": 5, "solidity": 0.35}
            marker |= {"color": charts.colour(0), "opacity": 0.75, "pattern": pattern}
        made.append(
            go.Bar(
                name=name,
                x=list(range(1, len(rows) + 1)),
                y=[(row["share"] or 0) if row else 0 for row in rows],
                customdata=cells,
                hovertext=[_hover(question, row) if row else "" for row in rows],
                hovertemplate="%{hovertext}<extra></extra>",
                marker=marker,
                selected={"marker": {"opacity": marker.get("opacity", 1)}},
                unselected={"marker": {"opacity": marker.get("opacity", 1)}},
            )
        )
    return made


def _line(cells: Sequence[str | None], wanted: Wanted) -> dict[str, Any]:
    return {
        "width": [2 if each is not None and each in wanted.chosen else 0 for each in cells],
        "color": charts.neutrals().ink,
    }


def _share(share: float, *, at: int) -> str:
    return "100" if at == 0 and share else f"{100 * share:.1f}"


def _hover(question: Any, row: Mapping[str, Any]) -> str:
    """What hovering tells of a bar."""
    lines = [f"<b>{charts.plain(told(question, row), 80)}</b>", words.count(row["users"], "person", "people")]
    if row["share"] is not None and row["step"] > 1:
        lines.append(f"{100 * row['share']:.1f}% of the first step ({100 * row['low']:.1f} to {100 * row['high']:.1f}%)")
        if row["step_share"] is not None:
            lines.append(f"{100 * row['step_share']:.1f}% of the step before")
    if row["median"]:
        lines.append(f"median {words.duration(timedelta(seconds=row['median']))} from the first step")
    return "<br>".join(lines)


def _legend(drawn: go.Figure) -> None:
    if len(drawn.data) > 1:
        legend = {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "itemclick": False, "itemdoubleclick": False}
        drawn.update_layout(showlegend=True, legend={**legend, "traceorder": "normal"}, margin_t=30)


# -- over time, and how long it took ------------------------------------------------------------


def _over_time(question: Any, result: Result, wanted: Wanted) -> Picture:
    """The share of who began in each place and went all the way; what can still change is dotted."""
    last = len(question.steps)
    axis = readings.axis(question, result, suffix="%")
    young = [place for place, each in enumerate(result.buckets) if each.end + question.within.length > session.at()]
    made = []
    found = groups(question, result)
    inks = _inks(question, found)
    by_mark = {(row["time"], row.get("breakdown")): row for row in result.table.to_pylist() if _is_last(row, last)}
    for group in found:
        rows = [by_mark.get((each.name, group)) for each in result.buckets]
        made.append(
            over_time.Series(
                title(question) if group is None else readings.group_name(question, group),
                [100 * row["share"] if row and row["share"] is not None else None for row in rows],
                [cell_of(result, row) if row else None for row in rows],
                inks[group],
                [
                    f"{100 * row['share']:.1f}%, {words.number(row['users'])} people" if row and row["share"] else "—"
                    for row in rows
                ],
            )
        )
    drawn = over_time.draw(made, replace(axis, unfinished=young), "lines", chosen=wanted.chosen, height=wanted.height)
    return Picture(
        f"{title(question)}, over time. {len(result.buckets)} places.", "% who went all the way, by their start", drawn
    )


def _is_last(row: Mapping[str, Any], last: int) -> bool:
    return bool(row["step"] == last and row["state"] == funnel.REACHED)


def _times(question: Any, result: Result, wanted: Wanted) -> Picture:
    """How many needed how long, for every span up to the longest."""
    rows = result.table.to_pylist()
    longest = max(row["took"] for row in rows)
    spans = [each for each in funnel.TIMES if each <= longest]
    found = groups(question, result)
    inks = _inks(question, found)
    by_mark = {(row["took"], row.get("breakdown")): row for row in rows}
    made = []
    for group in found:
        of_group = [by_mark.get((each, group)) for each in spans]
        made.append(
            over_time.Series(
                "People" if group is None else readings.group_name(question, group),
                [row["users"] if row else 0 for row in of_group],
                [cell_of(result, row) if row else None for row in of_group],
                inks[group],
            )
        )
    drawn = over_time.draw(
        made, over_time.Axis([span_name(each) for each in spans]), "bars", chosen=wanted.chosen, height=wanted.height
    )
    said = "; ".join(f"{span_name(row['took'])}: {words.number(row['users'])}" for row in rows[:_TOLD])
    return Picture(f"How long it took, {title(question)}. {said}", "people who went all the way", drawn)


def _place(question: Any, bucket: str) -> str:
    try:
        return readings.place_name(bucket, question.granularity)
    except ValueError:
        return bucket
