"""The series of a trend as rows to edit: which event, which figure of it, which property; and how they are drawn.

What a series is does not live here (`user360/insights/trend`).
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import charts, session, words
from pages.ui.insights import asking, controls, formula, readings
from user360 import events, formulas
from user360.insights import trend
from user360.insights.trend import OF_PROPERTY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pages.ui.insights.over_time import Series
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
_COLOURS: Final = 7  # then they begin again, with other symbols
_COUNTS: Final = ("users", "total", "distinct")
ANY: Final = "Any event"


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
            if place == len(found) - 1:
                if len(found) < MOST:
                    st.button("Series", key="trend.more", icon=":material/add:", type="tertiary", on_click=_more)
                formula.opener(document)
    formula.editor(begin, document)


def _row(place: int, each: Mapping[str, Any], names: list[str], *, alone: bool) -> None:
    event, figure = each.get("of", {}).get("event"), each.get("figure", "users")
    st.markdown(f"**{formulas.LETTERS[place]}**", width="content")
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
    found = asking.document(begin())
    series = [each for at, each in enumerate(found["series"]) if at != place]
    asking.change(begin(), series=series, **formula.without(found, place))


# -- drawing ------------------------------------------------------------------------------------


def named(question: Trend, place: int) -> str:
    """A series in words: `Order Completed, sum of total`; the formula as it is written."""
    if place == len(question.series):
        return formula.text(question)
    of = question.series[place]
    figure = FIGURES[of.figure] + (f" {of.property}" if of.property else "")
    return f"{of.of.event or ANY}, {figure}"


def formula_title(question: Trend) -> str:
    """The formula and what its letters are, in words."""
    return formula.title(question, [named(question, place) for place in range(len(question.series))])


def letters(question: Trend) -> str:
    """What the letters of the formula are: `A Order Completed, users; B Product Viewed, users`."""
    return formula.letters(question, [named(question, place) for place in range(len(question.series))])


def lettered(question: Trend, place: int) -> str:
    """The same with its letter, where a formula or another series calls it by that."""
    name = named(question, place)
    several = len(question.series) > 1 or question.formula is not None
    return f"{formulas.LETTERS[place]} · {name}" if several and place < len(question.series) else name


def series(question: Trend, result: Result) -> list[Series]:
    """What is to be drawn of the answer, of a breakdown the groups of each; with its rolling mean where one is wanted."""
    last = len(question.series)
    drawn = [*range(last), *([last] if question.formula else [])]
    if question.formula and question.alone:
        drawn = [last]
    found: list[Series] = []
    for place in drawn:
        for each in _of_place(question, result, place, len(found), several=len(drawn) > 1):
            found += _smoothed(each, question, result, place) if question.mean else (each,)
    return found


def _of_place(question: Trend, result: Result, place: int, before: int, *, several: bool) -> list[Series]:
    """A series or the formula, of a breakdown the groups of it; `before` is how many are drawn before."""
    apart = place == len(question.series)
    text = functools.partial(told, question, place)
    colour = {"place": place} if several else {}
    name = lettered(question, place) if question.formula else named(question, place)
    made = readings.series(question, result, name, measure="value", where={"series": place}, text=text, **colour)
    if several and question.breakdown is not None:
        letter = formula.text(question) if apart else formulas.LETTERS[place]
        colours = [charts.colour((before + step) % _COLOURS) for step in range(len(made))]
        made = [replace(each, name=f"{letter} · {each.name}", colour=ink) for each, ink in zip(made, colours, strict=True)]
    if apart and several:
        made = [replace(each, name=f"{each.name} (at the right)", right=True) for each in made]
    return [_filled(each, question.nothing(place), text) for each in made]


def _filled(each: Series, nothing: float | None, text: Callable[[float], str]) -> Series:
    """A series with what it comes to where nothing happened: an average of nothing is no value, not 0."""
    values = [nothing if cell is None else value for value, cell in zip(each.values, each.cells, strict=True)]
    return replace(each, values=values, texts=[words.NO_VALUE if value is None else text(value) for value in values])


def _smoothed(each: Series, question: Trend, result: Result, place: int) -> tuple[Series, Series]:
    """A series behind its rolling mean, and the mean."""
    values = trend.means(each.values, result.buckets, question.mean)
    measured = functools.partial(formula.figure, question) if place == len(question.series) else _measured
    texts = [words.NO_VALUE if value is None else measured(value) for value in values]
    name = f"{each.name}, {mean_named(question.mean, question.granularity)}"
    nobody = [None] * len(values)
    return replace(each, pale=True), replace(each, name=name, values=values, cells=nobody, texts=texts, smooth=True)


def told(question: Trend, place: int, value: float) -> str:
    """A value of a series, or of the formula after them, as text."""
    if place == len(question.series):
        return formula.figure(question, value)
    return words.number(round(value)) if question.series[place].figure in _COUNTS else _measured(value)


def mean_named(width: int, unit: str) -> str:
    """A rolling mean in words: `mean of 7 days`."""
    return f"mean of {width} {unit}s"


def smoothing(document: Mapping[str, Any]) -> None:
    """Of how many places the rolling mean is, if there is one."""
    unit = document.get("granularity", "day")
    options = {0: "no mean", **{each: mean_named(each, unit) for each in trend.MEANS}}
    controls.choice(begin(), document, "mean", "Rolling mean", options, width=155)


def _measured(value: float) -> str:
    return words.number(round(value, 2))


def whose(question: Any) -> dict[int, str]:
    """The choice whose people are behind a mark of a formula, by the place of the series; nothing to choose without one."""
    return formula.whose(question) if getattr(question, "formula", None) is not None else {}


def footnotes(question: Trend) -> list[str]:
    """What is said below the chart of what was computed."""
    names = [named(question, place) for place in range(len(question.series))]
    found = formula.footnotes(question, names) if question.formula is not None else []
    if not question.mean:
        return found
    width, unit = question.mean, question.granularity
    mean = f"m(k) = (v(k−{width - 1}) + … + v(k)) ÷ {width}"
    return [
        *found,
        f"the strong line is the {mean_named(width, unit)} up to each: {words.escape_md(mean)}",
        f"only of {unit}s that are over and whole, so the first {width - 1} have none; the pale line is each {unit} itself",
    ]


def whole(question: Trend) -> Trend:
    """The same over the period as a whole."""
    return replace(question, over="period", mean=0)
