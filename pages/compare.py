"""Compare: up to six segments, who is in which of them, how far two overlap, what sets one apart from another.

The address carries the segments, so a link shows the same. What is counted does not live here (`user360/segments`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import address, charts, layout, nav, session, states, words
from pages.ui.why import tree
from user360 import segments
from user360.segments import comparing, contrast, saved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from user360.segments import Rule
    from user360.segments.comparing import Comparison, Region
    from user360.segments.contrast import Trait
    from user360.segments.saved import Segment

MOST_COLUMNS: Final = 16
LEAST: Final = 2
LONGEST_NAME: Final = 24
_CHOSEN: Final = "compare.chosen"
_PICKED: Final = "compare.ids"


def page() -> None:
    """The page, top to bottom."""
    every = {each.id: each for each in session.cached(saved.find, topics=("segments",))}
    with layout.header("Compare", back=("segments", "Segments")):
        pass
    chosen = _pick(every) if len(every) >= LEAST else []
    if len(chosen) < LEAST:
        _too_few(len(every))
        return
    rules = tuple(_rule(each) for each in chosen)
    found = session.cached(comparing.compare, rules, at=session.at(), topics=session.OF_PEOPLE)
    with layout.card("Who is in which", "people in just these · click a bar"), states.boundary("This chart", key="compare.upset"):
        _upset(chosen, found)
    _region(chosen, found, rules)
    grid = st.grid(2, min_column_width=440)
    with (
        grid.cell(),
        layout.card("Regions", "each counted once", height="stretch"),
        states.boundary("This table", key="compare.regions"),
    ):
        _regions(chosen, found)
    with grid.cell(), layout.card("Overlap", "of any two", height="stretch"), states.boundary("This table", key="compare.pairs"):
        _pairs(chosen, found)
    with st.container(border=True, gap="xsmall"), states.boundary("This table", key="compare.apart"):
        _apart(chosen, found, rules)
    layout.footnote(
        "a region holds who is in just its segments",
        "overlap = both ÷ either (Jaccard)",
        "lift = share of the one ÷ share of the other, with its 95% interval; what could be chance is left out",
    )


def _too_few(saved_ones: int) -> None:
    """What stands here until there are two to compare, and the way on where there are no two at all."""
    if saved_ones >= LEAST:
        states.nothing_to_show(f"Choose two to {comparing.MOST_COMPARED} segments.")
        return
    states.empty(
        "Two saved segments are needed",
        "A segment is a group of people that follows your rules. Here two or more are laid over each other: who is in both, "
        "who in only one, and what sets them apart.",
        icon="join_inner",
        action="Make a segment",
        on_click=lambda: nav.go("segments"),
    )


def _rule(of: Segment) -> Rule:
    """The segment by its name, so that what is made of it follows it."""
    return segments.parse({"match": "all", "conditions": [{"segment": of.id}]})


def _pick(every: dict[str, Segment]) -> list[Segment]:
    asked = [each for each in address.text("ids").split(",") if each in every][: comparing.MOST_COMPARED]
    st.session_state.setdefault(_PICKED, asked)
    st.multiselect(
        "Segments",
        sorted(every, key=lambda each: every[each].name.casefold()),
        key=_PICKED,
        format_func=lambda each: every[each].name,
        max_selections=comparing.MOST_COMPARED,
        placeholder="Segments to compare",
        label_visibility="collapsed",
        on_change=_repick,
    )
    return [every[each] for each in st.session_state[_PICKED] if each in every]


def _repick() -> None:
    address.put(ids=",".join(st.session_state[_PICKED]) or None)
    st.session_state.pop(_CHOSEN, None)


# -- regions ------------------------------------------------------------------------------------


def _upset(chosen: Sequence[Segment], found: Comparison) -> None:
    names = [f"{_cut(each.name)} · {words.number(len(people))}" for each, people in zip(chosen, found.people, strict=True)]
    shown = found.regions[:MOST_COLUMNS]
    if not shown:
        states.nothing_to_show("Nobody is in any of them now.")
        return
    hover = [f"{_named(each, chosen)}: {words.count(len(each.people), 'person', 'people')}" for each in shown]
    figure = charts.upset(
        names, [(each.inside, len(each.people)) for each in shown], hover=[charts.plain(each, 200) for each in hover]
    )
    key = f"compare.upset.{'.'.join(each.id for each in chosen)}"
    charts.draw(figure, key=key, alt="; ".join(hover), on_select=lambda: _click(key), selection_mode="points")
    if len(found.regions) > len(shown):
        rest = sum(len(each.people) for each in found.regions[MOST_COLUMNS:])
        st.caption(
            f"{words.count(len(found.regions) - MOST_COLUMNS, 'smaller region')} with {words.number(rest)} people stand below."
        )


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _click(key: str) -> None:
    bars = [each for each in st.session_state[key]["selection"]["points"] if each.get("curve_number") == 0]
    if bars:
        st.session_state[_CHOSEN] = bars[0]["point_index"]


def _regions(chosen: Sequence[Segment], found: Comparison) -> None:
    key = f"compare.regions.{'.'.join(each.id for each in chosen)}"
    total = sum(len(each.people) for each in found.regions)
    table = {
        "In just": pa.array([_named(each, chosen) for each in found.regions], pa.string()),
        "People": pa.array([len(each.people) for each in found.regions], pa.int64()),
        "Share": pa.array([100 * len(each.people) / total for each in found.regions], pa.float64()),
    }
    config: dict[str, Any] = {
        "In just": st.column_config.TextColumn(width=306),
        "People": st.column_config.NumberColumn(width=84, format="localized"),
        "Share": st.column_config.ProgressColumn(width=112, format="%.1f%%", min_value=0, max_value=100),
    }
    _table(table, config, key, "Exclusive regions, largest first. A cell opens the region.", on_cell=_choose)


def _choose(row: int) -> None:
    st.session_state[_CHOSEN] = row


def _named(region: Region, chosen: Sequence[Segment]) -> str:
    return " and ".join(chosen[place].name for place in region.inside)


def _region(chosen: Sequence[Segment], found: Comparison, rules: Sequence[Rule]) -> None:
    """The region that was clicked: its people, and the segment it can become."""
    place = st.session_state.get(_CHOSEN)
    if place is None or place >= len(found.regions):
        return
    region = found.regions[place]
    rule = comparing.region_rule(rules, region.inside)
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{words.escape_md(_named(region, chosen))}** and no other", width="content")
        st.badge(words.count(len(region.people), "person", "people"), color="blue")
        st.space("stretch")
        st.button("See them", key="compare.see", icon=":material/group:", on_click=_open, args=("users", rule))
        save: dict[str, Any] = {"type": "primary", "icon": ":material/filter_alt:", "on_click": _open, "args": ("segment", rule)}
        st.button("Save as segment", key="compare.save", **save)
        st.button("", key="compare.close", icon=":material/close:", type="tertiary", help="Close", on_click=_close)


def _close() -> None:
    st.session_state.pop(_CHOSEN, None)


def _open(screen: str, rule: Rule) -> None:
    nav.go(screen, rule=json.dumps(segments.dump(rule), ensure_ascii=False, separators=(",", ":")))


# -- pairs --------------------------------------------------------------------------------------


def _pairs(chosen: Sequence[Segment], found: Comparison) -> None:
    pairs = [each for each in found.pairs if each.one < each.other]
    back = {(each.one, each.other): each for each in found.pairs}
    table = {
        "One": pa.array([chosen[each.one].name for each in pairs], pa.string()),
        "Other": pa.array([chosen[each.other].name for each in pairs], pa.string()),
        "Both": pa.array([each.both for each in pairs], pa.int64()),
        "Overlap": pa.array([100 * each.jaccard for each in pairs], pa.float64()),
        "Of one": pa.array([words.share(each.both, each.of_one) if each.of_one else None for each in pairs], pa.string()),
        "Of other": pa.array([words.share(each.both, each.of_other) if each.of_other else None for each in pairs], pa.string()),
    }
    config: dict[str, Any] = {
        "One": st.column_config.TextColumn(width=114),
        "Other": st.column_config.TextColumn(width=114),
        "Both": st.column_config.NumberColumn(width=62, format="localized"),
        "Overlap": st.column_config.ProgressColumn(width=88, format="%.0f%%", min_value=0, max_value=100),
        "Of one": st.column_config.TextColumn(width=62),
        "Of other": st.column_config.TextColumn(width=66),
    }
    _table(table, config, f"compare.pairs.{'.'.join(each.id for each in chosen)}", "How far any two segments overlap")
    for each in pairs:
        for one in (each, back[each.other, each.one]):
            if one.contained:
                inner, outer = (words.escape_md(chosen[place].name, 60) for place in (one.one, one.other))
                st.caption(f"All of {inner} are in {outer}.")


# -- what sets them apart -----------------------------------------------------------------------


def _apart(chosen: Sequence[Segment], found: Comparison, rules: Sequence[Rule]) -> None:
    names = [each.name for each in chosen]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown("**What sets**", width="content")
        one = _side("One", names, 0)
        st.markdown("**apart from**", width="content")
        other = _side("Other", names, 1)
    if one == other:
        states.nothing_to_show("Choose two different segments.")
        return
    with st.container(height="content").skeleton(height=200):
        traits = session.cached(contrast.apart, found.people[one], found.people[other], at=session.at(), topics=session.OF_PEOPLE)
    if not traits:
        states.nothing_to_show("Nothing that could not be chance.")
        return
    table = {
        "What": pa.array([tree.bare(each.words) for each in traits], pa.string()),
        "In one": pa.array([_share(each.of_one, each.share_one) for each in traits], pa.string()),
        "In other": pa.array([_share(each.of_other, each.share_other) for each in traits], pa.string()),
        "Lift": pa.array([_lift(each.lift) for each in traits], pa.string()),
        "95% interval": pa.array([f"{_lift(each.low)} to {_lift(each.high)}" for each in traits], pa.string()),
    }
    config: dict[str, Any] = {
        "What": st.column_config.TextColumn(width=252),
        "In one": st.column_config.TextColumn(width=104),
        "In other": st.column_config.TextColumn(width=104),
        "Lift": st.column_config.TextColumn(width=60),
        "95% interval": st.column_config.TextColumn(width=112),
    }
    alt = "What is commoner or rarer in the one, surest first. A cell opens those of the one who have it."
    _table(
        table, config, f"compare.apart.{one}.{other}.{len(traits)}", alt, on_cell=lambda row: _open_trait(rules[one], traits[row])
    )


def _side(label: str, names: Sequence[str], place: int) -> int:
    options = range(len(names))
    return int(
        st.selectbox(
            label,
            options,
            index=place,
            key=f"compare.{label}.{len(names)}",
            format_func=names.__getitem__,
            width=220,
            label_visibility="collapsed",
        )
    )


def _share(count: int, share: float) -> str:
    return f"{100 * share:.1f}% · {words.number(count)}"


def _lift(lift: float) -> str:
    return f"{lift:.2f}×" if lift < 10 else f"{lift:,.0f}×"  # noqa: PLR2004 - from there on decimals tell nothing


def _open_trait(rule: Rule, trait: Trait) -> None:
    _open("users", segments.Group("all", (*rule.conditions, trait.node)))


def _table(columns: dict[str, Any], config: dict[str, Any], key: str, alt: str, on_cell: Any = None) -> None:
    chosen: dict[str, Any] = (
        {} if on_cell is None else {"on_select": lambda: _on_cell(key, on_cell), "selection_mode": "single-cell"}
    )
    layout.table(pa.table(columns), key=key, column_config=config, alt=alt, **chosen, most=10)


def _on_cell(key: str, then: Any) -> None:
    cells = st.session_state[key]["selection"]["cells"]
    if cells:
        then(cells[0][0])


page()
