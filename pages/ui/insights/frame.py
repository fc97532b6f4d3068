"""Around every chart: its title with the definition behind a help sign, its menu (CSV, table, SQL, pin), its people below.

Without this room a number would stand without what it counts, or open nothing on one page. What is drawn does not live here.
"""

from __future__ import annotations

import functools
import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import streamlit as st

from pages.ui import charts, dialogs, layout, session, states, words
from pages.ui.insights import asking, behind, flows, pictures, pinning, readings, reconciled
from user360 import insights, segments, spreadsheet
from user360.segments import Group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import plotly.graph_objects as go

    from pages.ui.insights.picture import Picture
    from user360.insight import Insight, Result

LONGEST_TABLE: Final = 1_000
MOST_ALIKE: Final = 40
BOX: Final = "insight.box"
SERIES: Final = "series"  # the column of numbers that stand for names


@dataclass(frozen=True, slots=True)
class Framed:
    """What a chart shows: a key of its own, a title in words, the question and its answer, how it is drawn on a board."""

    key: str
    title: str
    question: Insight
    result: Result
    document: dict[str, Any]
    view: str = ""


@contextmanager
def card(
    of: Framed, quiet: str = "", *, box: bool = False, more: Callable[[], None] | None = None, height: Any = "content"
) -> Iterator[None]:
    """The card a chart stands in, with its menu at the right.

    `quiet` is the unit or a hint; `box`: several can be chosen at once; `more` draws what else the menu holds, on top.
    """
    with st.container(border=True, gap="xsmall", key=f"{of.key}.card", height=height):
        with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="xsmall"):  # so the menu stays right
            narrow = more is not None
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=not narrow):
                st.markdown(
                    f"**{words.escape_md(of.title, 120)}**",
                    width="stretch" if narrow else "content",
                    help=words.escape_md(of.question.definition, 600),
                )
                if not narrow:
                    st.space("stretch")
                if quiet:
                    st.caption(quiet, width="content")
            with st.container(horizontal=True, wrap=False, width="content", gap="xsmall"):
                if box:
                    _box(of)
                menu(of, more)
        with states.boundary("This chart", key=of.key):
            yield
            if st.session_state.get(f"{of.key}.table"):
                table(of)


def _box(of: Framed) -> None:
    """Whether a mark is clicked, or a stretch is drawn around many: plotly does one or the other."""
    key = f"{of.key}.box"
    drawing = bool(st.session_state.get(key))
    st.button(
        "",
        key=f"{key}.turn",
        icon=":material/ads_click:" if drawing else ":material/select:",
        type="tertiary",
        help="Click single marks again" if drawing else "Choose several marks by drawing a box around them",
        on_click=_turn,
        args=(key,),
    )


def _turn(key: str) -> None:
    st.session_state[key] = not st.session_state.get(key)


def hint(drawn: Picture, dated: str = "") -> str:
    """What stands beside the title: the unit, the period, and that marks can be clicked where there are any."""
    parts = [drawn.quiet, dated, "" if drawn.empty else "click to see them"]
    return " · ".join(filter(None, parts))


def picture(of: Framed, drawn: Picture) -> None:
    """Draw an answer, whatever its shape; what is clicked in it is chosen. What is refused of it stands above."""
    if drawn.refused:
        st.warning(words.escape_md(drawn.refused, 600), icon=":material/block:")
    if drawn.empty:
        states.nothing_to_show(drawn.nothing)
    elif drawn.figure is not None:
        draw(of, drawn.figure, drawn.alt)
    else:
        flow(of, drawn)


def flow(of: Framed, drawn: Picture) -> None:
    """Draw a flow; a node or a link that is clicked is chosen."""
    chosen = asking.chosen(of.question)
    key = f"{of.key}.flow.{hash(chosen)}"
    height = {"height": drawn.height} if drawn.height else {}
    flows.draw(
        flows.spec(drawn.nodes, drawn.links, chosen[0] if chosen else None, name=words.file_name(of.title, of.question.kind)),
        key=key,
        alt=drawn.alt,
        on_select=states.acting(functools.partial(_flowed, of, drawn, key)),
        **height,
    )


def _flowed(of: Framed, drawn: Picture, key: str) -> None:
    cell = flows.cell_of(st.session_state[key], drawn.nodes, drawn.links)
    if cell is not None:
        asking.choose(of.question, [cell])


def draw(of: Framed, figure: go.Figure, alt: str) -> None:
    """Draw a plotly figure whose marks carry cells; what is clicked or boxed is chosen."""
    drawing = bool(st.session_state.get(f"{of.key}.box"))
    if drawing:
        figure.update_layout(dragmode="select", selectdirection="h")
    # a new key with every choice: else the browser's own selection would fade all other marks
    key = f"{of.key}.plot.{drawing}.{hash(asking.chosen(of.question))}"
    charts.draw(
        figure,
        key=key,
        alt=alt,
        camera=words.file_name(of.title, of.question.kind),
        on_select=states.acting(functools.partial(asking.picked, of.question, key)),
        selection_mode=("points", "box", "lasso") if drawing else "points",
    )


# -- the menu -----------------------------------------------------------------------------------


def menu(of: Framed, more: Callable[[], None] | None = None) -> None:
    """What can be done with a chart: its figures as a file or a table, its query, a place on a board."""
    opener = st.popover(
        "", key=f"{of.key}.menu.{dialogs.turn()}", icon=":material/more_horiz:", type="tertiary", help="More", on_change="rerun"
    )
    if not opener.open:
        return
    with opener, st.container(width=260, gap="xsmall"):
        if more is not None:
            more()
        pinning.button(f"{of.key}.pin", of.title, of.document, of.view)
        csv(of, f"{of.key}.csv")
        st.toggle(
            "Table under the chart",
            key=f"{of.key}.table.shown",
            value=bool(st.session_state.get(f"{of.key}.table")),
            on_change=_table_shown,
            args=(of.key,),
        )
        st.caption("PNG: the camera at the top right of the chart, while the pointer is over it")
        told = f"{of.result.milliseconds:.0f} ms · {words.count(of.result.table.num_rows, 'mark')}"
        with st.expander("SQL", icon=":material/code:"):
            st.caption(told)
            for each in of.result.sql:
                st.code(each, language="sql", wrap_lines=True, height=260)


def _table_shown(key: str) -> None:
    st.session_state[f"{key}.table"] = st.session_state[f"{key}.table.shown"]


def csv(of: Framed, key: str) -> None:
    """The figures as a file."""
    st.download_button(
        "CSV",
        functools.partial(file_of, of.question, of.result),
        file_name=f"{of.question.kind}.csv",
        mime="text/csv",
        key=key,
        type="tertiary",
        icon=":material/download:",
        on_click="ignore",
    )


def file_of(question: Insight, result: Result) -> bytes:
    """The answer as CSV, with headings in words, safe in a spreadsheet."""
    columns = {}
    for each in result.table.column_names:
        column = result.table[each]
        if each == SERIES or pa.types.is_string(column.type):
            texts = [readings.value_of(_of_series(question, each, value)) for value in column.to_pylist()]
            column = spreadsheet.guard(pa.array(texts, pa.string()))
        columns[_label(result, each)] = column
    target = io.BytesIO()
    pa_csv.write_csv(pa.table(columns), target)
    return target.getvalue()


def _label(result: Result, column: str) -> str:
    role = result.roles.get(column)
    return role.label if role else column


def _of_series(question: Insight, column: str, value: Any) -> Any:
    """A value of a column, of the column of series what the series is called."""
    return pictures.series_named(question, value) if column == SERIES else value


def table(of: Framed) -> None:
    """The figures below the chart, those of the period as a whole on top; a row opens its people."""
    whole = pictures.whole(of.question)
    totals = asking.result(whole).table.to_pylist() if whole is not None else []
    rows = [*totals, *of.result.table.slice(0, LONGEST_TABLE).to_pylist()]
    columns: dict[str, Any] = {}
    config: dict[str, Any] = {}
    for each in of.result.table.column_names:
        label, kind = _label(of.result, each), of.result.table[each].type
        if each == SERIES or pa.types.is_string(kind):
            columns[label] = pa.array([_worded(of.question, each, row) for row in rows], pa.string())
            config[label] = st.column_config.TextColumn(width=240 if each == SERIES else 160)
        else:
            columns[label] = pa.array([row.get(each) for row in rows], kind)
            config[label] = st.column_config.NumberColumn(width=110, format="localized")
    key = f"{of.key}.rows.{len(rows)}"
    layout.table(
        pa.table(columns),
        key=key,
        column_config=config,
        alt=f"{of.title}: the figures. A cell opens the people of its row.",
        on_select=states.acting(functools.partial(_row, of, key, rows)),
        selection_mode="single-cell",
        most=12,
    )
    if of.result.table.num_rows > LONGEST_TABLE:
        st.caption(f"The first {words.number(LONGEST_TABLE)} of {words.number(of.result.table.num_rows)}; the file has all.")


def _worded(question: Insight, column: str, row: Mapping[str, Any]) -> str | None:
    """A value of a row in words; of the period as a whole there is no time."""
    if column == SERIES:
        return str(_of_series(question, column, row[column]))
    return readings.named(row[column]) if column in row else readings.WHOLE


def _row(of: Framed, key: str, rows: list[dict[str, Any]]) -> None:
    cells = st.session_state[key]["selection"]["cells"]
    if cells:
        row = rows[cells[0][0]]
        asking.choose(of.question, [readings.cell({each: row[each] for each in of.result.marks() if each in row})])


# -- the people ---------------------------------------------------------------------------------


def people(of: Framed, beside: Callable[[], None] | None = None) -> None:
    """The people behind what was chosen, below the chart. `beside` draws a choice in the head of the panel."""
    cells = asking.chosen(of.question)
    if not cells:
        return
    with states.boundary("The people", key=f"{of.key}.people"):
        found = asking.people(of.question, cells)
        single = asking.meant(of.question, cells[0]) if len(cells) == 1 else None
        chosen = behind.Chosen(
            title=pictures.told(of.question, of.result, cells),
            people=found,
            drawn=_drawn(of, *single) if single is not None else None,
            like=lambda moving: _like(of.question, cells, moving),
            reconcile=functools.partial(_reconcile, of, *single) if single is not None else None,
        )
        behind.panel(of.key, chosen, asking.clear, beside)


def _drawn(of: Framed, question: Insight, cell: Mapping[str, Any]) -> int | None:
    """How many people the chart draws for a cell of its question, of the same of a segment, or of the period as a whole."""
    whole = pictures.whole(question) if "time" not in cell else None
    asked = whole if whole is not None else question
    return readings.drawn(of.result if asked == of.question else asking.result(asked), cell)


def _reconcile(of: Framed, question: Insight, cell: Mapping[str, Any]) -> None:
    people = {} if question == of.question or question.people is None else {"people": segments.dump(question.people)}
    reconciled.hand_over({**of.document, **people}, cell)


def turned(of: Framed, mark: str, names: Mapping[Any, str]) -> None:
    """A choice for the head of the panel: the other people of the chosen place, such as who dropped instead of who reached it."""
    cells = asking.chosen(of.question)
    cell = asking.cell(cells[0]) if len(cells) == 1 else None
    if cell is None or cell.get(mark) not in names:
        return
    rows = of.result.table.select(list(of.result.marks())).to_pylist()
    there = {row[mark] for row in rows if all(row.get(each) == value for each, value in cell.items() if each != mark)}
    offered = [each for each in names if each in there or each == cell[mark]]
    if len(offered) < 2:  # noqa: PLR2004 - nothing to choose from
        return
    key = f"{of.key}.{mark}"
    st.session_state[key] = cell[mark]
    st.segmented_control(
        "Which people",
        offered,
        key=key,
        format_func=names.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: asking.choose(of.question, [readings.cell({**cell, mark: st.session_state[key]})]),
    )


def _like(question: Insight, cells: tuple[str, ...], moving: bool) -> Any:  # noqa: FBT001 - handed on
    """The rule of people like those of a mark, or of any of several; None where no rule says one of them."""
    if len(cells) > MOST_ALIKE:
        return None
    store, at = session.store(), session.at()
    asked = [asking.meant(question, each) or (question, {}) for each in cells]
    rules = [insights.like(store, one, cell, moving=moving, at=at) for one, cell in asked]
    if any(each is None for each in rules):
        return None
    found = tuple(dict.fromkeys(each for each in rules if each is not None))
    return found[0] if len(found) == 1 else Group("any", found)
