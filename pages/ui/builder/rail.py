"""Beside the builder: how many people, what each condition leaves, ten of them, the SQL folded.

Every figure is of what is finished and switched on, at one instant, from one preview. Who is counted
does not live here (`user360/segments`).
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import streamlit as st

from pages.ui import address, layout, nav, session, states, words
from pages.ui.builder import editing, kinds, moving
from pages.ui.why import drawer
from user360 import profiles, segments

if TYPE_CHECKING:
    from datetime import datetime

    from pages.ui.builder.draft import Judged
    from user360.people import People
    from user360.segments import Preview, Rule, Step
    from user360.store import Store

TEN: Final = 10
_THEN: Final = "segment.as_of.then"
VIEWS: Final = {"after": "In order", "alone": "Alone", "without": "Without"}
_HEADS: Final = {"after": ("Left", "Kept"), "alone": ("Alone", "Of all"), "without": ("Then", "More")}
_HEADS_OF_ANY: Final = _HEADS | {"after": ("So far", "Of all"), "without": ("Then", "Fewer")}
_LONGEST_LABEL: Final = 40


@dataclass(frozen=True, slots=True)
class Counted:
    """A preview, and when and how fast it was made."""

    preview: Preview
    counted_at: datetime
    seconds: float


def counted(rule: Rule) -> Counted:
    """The preview for the instant of the address, kept as long as nothing changes."""
    then = editing.as_of()
    found: Counted = session.cached(_count, rule, at=then or session.at(), past=then is not None, topics=session.OF_PEOPLE)
    return found


def _count(store: Store, rule: Rule, *, at: datetime, past: bool) -> Counted:
    began = time.perf_counter()
    found = segments.preview(store, rule, at=at, past=past)
    return Counted(found, session.moment(), time.perf_counter() - began)


def told(found: Counted) -> str:
    """When it was counted, and how long that took."""
    local = found.counted_at.astimezone(session.zone())
    return f"counted at {local:%H:%M:%S} in {max(1, round(1000 * found.seconds))} ms"


def draw(found: Counted, judged: Judged, *, before: int | None, kept: bool) -> None:
    """How many they are, and what each condition leaves. `before`: how many the saved version finds; `kept`: the draft is it."""
    with st.container(border=True, gap="xsmall"):
        _figure(found.preview, before)
        rule, now = editing.rule(), editing.as_of() is None
        asked = now and (kept or moving.is_asked(rule))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _ways(rule, asked=asked or not now)
        if asked:
            moving.trend(rule, found.preview.count)
        if found.preview.steps:
            with states.boundary("This table", key="segment.steps"):
                _steps(found.preview, judged)


def people(found: Counted) -> None:
    """Ten of them, and the query that finds them."""
    with states.boundary("The people", key="segment.people"):
        ten(found.preview.people)
    sql = st.expander("SQL", icon=":material/code:", key="segment.sql", on_change="rerun")
    if sql.open:
        sql.code(found.preview.sql.shown(), language="sql", wrap_lines=True, height=320)


def _figure(preview: Preview, before: int | None) -> None:
    delta = None if before is None else preview.count - before
    share = words.share(preview.count, preview.total)
    share = f"{share} of {words.number(preview.total)}" if share.endswith("%") else share
    then = editing.as_of()
    st.metric(
        "People now" if then is None else f"People on {words.moment(then, session.zone())}",
        words.number(preview.count),
        delta=share if delta is None else f"{delta:+,} on what is saved",
        delta_color="off" if not delta else "normal",
        delta_arrow="auto" if delta else "off",
        delta_description=None if delta is None else share,
    )


def _ways(rule: Rule, *, asked: bool) -> None:
    """From the figure on: the people themselves, another instant, the size over time."""
    st.button(
        "Open",
        key="segment.open",
        icon=":material/group:",
        type="tertiary",
        help="See these people, as they are now, on the Users page",
        on_click=_open_rule,
        args=(judged_rule(),),
    )
    drawer.button(judged_rule(), address.text("id"))
    then = editing.as_of()
    opened = st.popover("As of", key="segment.as_of", icon=":material/history:", type="tertiary", on_change="rerun")
    if opened.open:
        with opened, st.container(width=260, gap="xsmall"):
            st.session_state.setdefault(_THEN, (then or session.at()).astimezone(session.zone()).replace(tzinfo=None))
            zone = session.settings().zone_name
            st.datetime_input(f"As things stood then, {zone}", key=_THEN, on_change=_go_back, format="YYYY-MM-DD")
            st.button("Now", key="segment.as_of.now", on_click=_go_back, args=(True,), disabled=then is None)
    if not asked:
        moving.ask(rule)


def _go_back(now: bool = False) -> None:  # noqa: FBT001, FBT002 - Streamlit gives arguments by place
    """Count as things stood at the instant chosen, or now again."""
    chosen = st.session_state.pop(_THEN, None) if now else st.session_state[_THEN]
    address.put(**{editing.AS_OF: None if now or chosen is None else chosen.isoformat(timespec="minutes")})


def judged_rule() -> dict[str, Any]:
    """The JSON of what counts."""
    return editing.judged().rule


def _open_rule(rule: dict[str, Any]) -> None:
    everyone = not rule["conditions"]
    nav.go("users", rule=None if everyone else json.dumps(rule, ensure_ascii=False, separators=(",", ":")))


# -- what each condition leaves -----------------------------------------------------------------


def _steps(preview: Preview, judged: Judged) -> None:
    """One line per condition of the outermost group: left after those above, alone, or without it."""
    view = st.segmented_control(
        "What each condition does",
        list(VIEWS),
        key="segment.view",
        default="after",
        format_func=VIEWS.__getitem__,
        required=True,
        label_visibility="collapsed",
        width="stretch",
    )
    outer = [each for each in preview.steps if each.path.count(".") == 1]
    labels, either = _labels(judged), judged.rule["match"] == "any"
    rows = [
        _line(str(view), preview, step, outer[place - 1] if place and not either else None) for place, step in enumerate(outer)
    ]
    whole = {"after": (preview.total, 100.0), "alone": (preview.total, 100.0), "without": (preview.count, 0.0)}[str(view)]
    names = ["Everyone" if view != "without" else "As it is", *(labels.get(each.path, "") for each in outer)]
    figures, shares = zip(whole, *rows, strict=True)
    heads = (_HEADS_OF_ANY if either else _HEADS)[str(view)]
    table = pa.table(
        {"What": pa.array(names, pa.string()), heads[0]: pa.array(figures, pa.int64()), heads[1]: pa.array(shares, pa.float64())}
    )
    share: Any = (
        st.column_config.NumberColumn(width=66, format="localized", help=f"How many {heads[1].lower()} there would be")
        if view == "without"
        else st.column_config.ProgressColumn(width=66, format="%.0f%%", min_value=0, max_value=100)
    )
    key = f"segment.steps.{view}.{hash((tuple(names), figures))}"
    layout.table(
        table,
        key=key,
        row_height=layout.RAIL_ROW,
        column_config={
            "What": st.column_config.TextColumn(_first_head(str(view), either=either), width=104),
            heads[0]: st.column_config.NumberColumn(width=60, format="localized"),
            heads[1]: share,
        },
        on_select=lambda: _open_step(key, str(view)),
        selection_mode="single-cell",
        alt="What each condition does to the number of people. A cell opens those people.",
        most=14,
    )


def _first_head(view: str, *, either: bool) -> str:
    if view != "after":
        return "Condition"
    return "What each adds" if either else "What each leaves"


def _line(view: str, preview: Preview, step: Step, before: Step | None) -> tuple[int, float]:
    match view:
        case "after":
            base = preview.total if before is None else before.after
            return step.after, _percent(step.after, base)
        case "alone":
            return step.alone, _percent(step.alone, preview.total)
        case _:
            return step.without, float(abs(step.without - preview.count))


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _labels(judged: Judged) -> dict[str, str]:
    """A few words for each condition, by its path; those that read the same are told apart by their place."""
    rows = [(place, each) for place, each in enumerate(editing.current().root["conditions"], 1) if each["id"] in judged.paths]
    said = {judged.paths[each["id"]]: (place, kinds.short(each)[:_LONGEST_LABEL]) for place, each in rows}
    often = Counter(label for _, label in said.values())
    return {path: f"{place} · {label}" if often[label] > 1 else label for path, (place, label) in said.items()}


def _open_step(key: str, view: str) -> None:
    """The people of a line, on the Users page."""
    cells = st.session_state[key]["selection"]["cells"]
    if not cells:
        return
    rule, place = judged_rule(), cells[0][0] - 1
    inner = rule["conditions"]
    chosen = {
        "after": inner[: place + 1],
        "alone": inner[place : place + 1] if place >= 0 else [],
        "without": inner if place < 0 else inner[:place] + inner[place + 1 :],
    }[view]
    match = "all" if view == "alone" else rule["match"]
    _open_rule({"version": 1, "match": match if chosen else "all", "conditions": chosen})


# -- ten of them --------------------------------------------------------------------------------


def ten(people: People) -> None:
    """The ten whose session is the newest."""
    with layout.card("Ten of them" if len(people) > TEN else "They are", "newest session first"):
        if not people:
            states.nothing_to_show("No one meets this now.")
            return
        shown = session.cached(
            profiles.find,
            within=people,
            columns=("firstName", "lastName", "userId", "city"),
            sort=(("lastSession", True),),
            limit=TEN,
            topics=("profiles", "properties"),
        )
        rows = shown.to_pylist()
        names = [words.full_name(row["firstName"], row["lastName"]) or row["userId"] for row in rows]
        keys = tuple(row["profile_key"] for row in rows)
        layout.table(
            pa.table({"Name": pa.array(names, pa.string()), "City": pa.array([row["city"] for row in rows], pa.string())}),
            key=f"segment.ten.{hash(keys)}",
            row_height=layout.RAIL_ROW,
            column_config={"Name": st.column_config.TextColumn(width=140), "City": st.column_config.TextColumn()},
            on_select=lambda: _open(keys),
            selection_mode="single-cell",
            alt="Ten of the people, newest session first. A cell opens the user.",
        )


def _open(keys: tuple[int, ...]) -> None:
    cells = st.session_state[f"segment.ten.{hash(keys)}"]["selection"]["cells"]
    if cells:
        nav.go("user", id=keys[cells[0][0]])
