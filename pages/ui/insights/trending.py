"""The series of a trend as rows to edit: which event, which figure of it, which property; and how they are drawn.

What a series is does not live here (`user360/insights/trend`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import charts, session, words
from pages.ui.insights import asking, controls, readings
from pages.ui.insights.over_time import Series
from user360 import events
from user360.insights import trend
from user360.insights.trend import OF_PROPERTY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from user360.insight import Result
    from user360.insights.trend import Trend

FIGURES: Final = {
    "users": "users",
    "total": "times",
    "per_user": "times per user",
    "sum": "sum of",
    "average": "average of",
    "median": "median of",
    "p25": "25th percentile of",
    "p75": "75th percentile of",
    "p90": "90th percentile of",
    "p95": "95th percentile of",
    "p99": "99th percentile of",
    "distinct": "different values of",
}
MOST: Final = 5
ANY: Final = "Any event"
_FACES: Final = "ABCDE"


def begin() -> dict[str, Any]:
    """The trend a page begins with: users of the commonest event."""
    return {"kind": "trend", "series": [{"of": {"event": _commonest()}}]}


def _commonest() -> str | None:
    catalogue = session.cached(events.catalogue, topics=("events",))
    rows = [row for row in catalogue.to_pylist() if not row.get("system")]
    return max(rows, key=lambda row: row["total"])["event"] if rows else None


def editor(document: Mapping[str, Any]) -> None:
    """A row for each series, and the button for another."""
    names = session.cached(events.names, system=False, topics=("events",))
    found = document.get("series", [])
    for place, each in enumerate(found):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            _row(place, each, names, alone=len(found) == 1)
            if place == len(found) - 1 and len(found) < MOST:
                st.button("Series", key="trend.more", icon=":material/add:", type="tertiary", on_click=_more)


def _row(place: int, each: Mapping[str, Any], names: list[str], *, alone: bool) -> None:
    event, figure = each.get("of", {}).get("event"), each.get("figure", "users")
    st.markdown(f"**{_FACES[place]}**", width="content")
    options = [None, *names] if event in (None, *names) else [None, event, *names]
    _select(f"trend.{place}.event", "Event", options, event, lambda name: name or ANY, 230, (place, "event"), ":material/bolt:")
    _select(f"trend.{place}.figure", "Figure", list(FIGURES), figure, FIGURES.__getitem__, 170, (place, "figure"))
    if figure in OF_PROPERTY and event in names:
        keys = [each.name for each in session.cached(events.schema, event, topics=("events",))]
        prop = each.get("property", "")
        options = list(dict.fromkeys([*([prop] if prop else []), *keys]))
        _select(f"trend.{place}.property", "Property", options, prop, str, 180, (place, "property"))
    if not alone:
        st.button(
            "",
            key=f"trend.{place}.less",
            icon=":material/close:",
            type="tertiary",
            help="Take out",
            on_click=_less,
            args=(place,),
        )


def _select(
    key: str, label: str, options: list[Any], now: Any, told: Any, width: int, where: tuple[int, str], icon: str | None = None
) -> None:
    st.session_state[key] = now
    st.selectbox(
        label,
        options,
        key=key,
        format_func=told,
        label_visibility="collapsed",
        width=width,
        icon=icon,
        on_change=_set,
        args=(key, *where),
    )


def _set(key: str, place: int, field: str) -> None:
    value = st.session_state[key]
    series = [dict(each) for each in asking.document(begin())["series"]]
    each = series[place]
    if field == "event":
        each = {"of": {"event": value}, "figure": each.get("figure", "users")}
        if each["figure"] in OF_PROPERTY:
            each["figure"] = "users"
    elif field == "figure":
        each["figure"] = value
        each.pop("property", None)
        if value in OF_PROPERTY:
            each |= {"property": _first_property(each["of"].get("event"))}
            if not each["property"]:
                each |= {"figure": "users"}
                each.pop("property")
    else:
        each[field] = value
    series[place] = each
    asking.change(begin(), series=series)


def _first_property(event: str | None) -> str:
    if event not in session.cached(events.names, topics=("events",)):
        return ""
    found = session.cached(events.schema, event, topics=("events",))
    numeric = [each for each in found if "number" in each.types]
    return (numeric or list(found))[0].name if found else ""


def _more() -> None:
    series = asking.document(begin())["series"]
    asking.change(begin(), series=[*series, {"of": {"event": _commonest()}, "figure": "total"}])


def _less(place: int) -> None:
    series = asking.document(begin())["series"]
    asking.change(begin(), series=[each for at, each in enumerate(series) if at != place])


# -- drawing ------------------------------------------------------------------------------------


def named(question: Trend, place: int) -> str:
    """A series in words: `Order Completed, sum of total`."""
    of = question.series[place]
    figure = FIGURES[of.figure] + (f" {of.property}" if of.property else "")
    return f"{of.of.event or ANY}, {figure}"


def series(question: Trend, result: Result) -> list[Series]:
    """Every series of the answer, of a breakdown the groups of each; with its rolling mean where one is wanted."""
    found: list[Series] = []
    several = len(question.series) > 1
    for place, of in enumerate(question.series):
        name = named(question, place)
        counts = of.figure in {"users", "total", "distinct"}
        made = readings.series(
            question, result, name, measure="value", where={"series": place}, place=place, text=_counted if counts else _measured
        )
        if question.nothing(place) is None:
            made = [_with_gaps(each) for each in made]
        if several and question.breakdown is not None:
            made = [
                _called(each, f"{_FACES[place]} · {each.name}", charts.colour(len(found) + step))
                for step, each in enumerate(made)
            ]
        found += made
    return [line for each in found for line in _smoothed(each, question, result)] if question.mean else found


def _smoothed(each: Series, question: Trend, result: Result) -> tuple[Series, Series]:
    """A series behind its rolling mean, and the mean."""
    values = trend.means(each.values, result.buckets, question.mean)
    texts = [words.NO_VALUE if value is None else _measured(value) for value in values]
    name = f"{each.name}, {mean_named(question.mean, question.granularity)}"
    nobody = [None] * len(values)
    return replace(each, pale=True), replace(each, name=name, values=values, cells=nobody, texts=texts, smooth=True)


def mean_named(width: int, unit: str) -> str:
    """A rolling mean in words: `mean of 7 days`."""
    return f"mean of {width} {unit}s"


def smoothing(document: Mapping[str, Any]) -> None:
    """Of how many places the rolling mean is, if there is one."""
    unit = document.get("granularity", "day")
    options = {0: "no mean", **{each: mean_named(each, unit) for each in trend.MEANS}}
    controls.choice(begin(), document, "mean", "Rolling mean", options, width=155)


def _with_gaps(each: Series) -> Series:
    """An average of nothing is no value, not 0."""
    values = [value if cell is not None else None for value, cell in zip(each.values, each.cells, strict=True)]
    return Series(each.name, values, each.cells, each.colour, each.texts)


def _called(each: Series, name: str, colour: str) -> Series:
    return Series(name, each.values, each.cells, colour, each.texts)


def _counted(value: float) -> str:
    return words.number(round(value))


def _measured(value: float) -> str:
    return words.number(round(value, 2))


def footnotes(question: Trend) -> list[str]:
    """What is said below the chart of what was computed."""
    if not question.mean:
        return []
    width, unit = question.mean, question.granularity
    formula = f"m(k) = (v(k−{width - 1}) + … + v(k)) ÷ {width}"
    told = f"the strong line is the {mean_named(width, unit)} up to each: {words.escape_md(formula)}"
    return [
        told,
        f"only of {unit}s that are over and whole, so the first {width - 1} have none; the pale line is each {unit} itself",
    ]
