"""The steps of a funnel as chips to edit, and the events that must not happen between them.

What a step is does not live here (`user360/insights/funnel`), nor how one event is edited (`happening`).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.ui import session, states
from pages.ui.insights import asking, happening
from user360 import events
from user360.insights import funnel

if TYPE_CHECKING:
    from collections.abc import Mapping


def steps(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    """A chip for each step, and the buttons for another one and for an excluded event."""
    every = found["steps"]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for place, each in enumerate(every):
            if place:
                st.markdown(":gray[:material/chevron_right:]", width="content")
            happening.chip(
                f"funnel.step.{place}",
                each,
                functools.partial(_set_step, begin, place),
                before=f"{place + 1} · ",
                others=functools.partial(_step_acts, begin, place, len(every)),
            )
        if len(every) < funnel.MOST_STEPS:
            add = states.acting(_add_step)
            st.button("Step", key="funnel.more", icon=":material/add:", type="tertiary", on_click=add, args=(begin,))
        if not found.get("excluded"):
            st.button(
                "Exclude",
                key="funnel.exclude",
                icon=":material/block:",
                type="tertiary",
                help="Leave out whoever did something in between",
                on_click=states.acting(_exclude),
                args=(begin,),
            )


def _set_step(begin: dict[str, Any], place: int, of: dict[str, Any]) -> None:
    every = list(asking.document(begin)["steps"])
    if place < len(every):
        every[place] = of
        asking.change(begin, steps=every)


def _step_acts(begin: dict[str, Any], place: int, count: int) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        for name, icon, by in (("Earlier", "arrow_back", -1), ("Later", "arrow_forward", 1)):
            st.button(
                name,
                key=f"funnel.step.{place}.{name}",
                icon=f":material/{icon}:",
                type="tertiary",
                disabled=not 0 <= place + by < count,
                on_click=states.acting(_move),
                args=(begin, place, by),
            )
        st.button(
            "Take out",
            key=f"funnel.step.{place}.out",
            icon=":material/close:",
            type="tertiary",
            disabled=count <= funnel.FEWEST_STEPS,
            on_click=states.acting(_take_out),
            args=(begin, place),
        )


def _move(begin: dict[str, Any], place: int, by: int) -> None:
    every = list(asking.document(begin)["steps"])
    every[place], every[place + by] = every[place + by], every[place]
    asking.change(begin, steps=every)


def _take_out(begin: dict[str, Any], place: int) -> None:
    found = asking.document(begin)
    every = [each for at, each in enumerate(found["steps"]) if at != place]
    asking.change(begin, steps=every, excluded=_fitting(found.get("excluded", []), len(every)) or None)


def _add_step(begin: dict[str, Any]) -> None:
    every = asking.document(begin)["steps"]
    asking.change(begin, steps=[*every, {"event": every[-1].get("event") if every else None}])


# -- excluded events ----------------------------------------------------------------------------


def excluded(begin: dict[str, Any], found: Mapping[str, Any]) -> None:
    """A row for each excluded event."""
    given = found.get("excluded") or []
    last = len(found["steps"])
    after_, before_ = ("after", "and before") if found.get("order") == "any" else ("after step", "and before step")
    for place, each in enumerate(given):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.caption("leave out who did", width="content")
            happening.chip(f"funnel.excluded.{place}", each["of"], functools.partial(_set_excluded, begin, place, "of"))
            st.caption(after_, width="content")
            after, before = each.get("after", 1), each.get("before") or last
            _place(begin, place, "after", after, range(1, before))
            st.caption(before_, width="content")
            _place(begin, place, "before", before, range(after + 1, last + 1))
            if found.get("order") == "any":
                st.caption("steps", width="content")
            st.button(
                "",
                key=f"funnel.excluded.{place}.out",
                icon=":material/close:",
                type="tertiary",
                help="Take out",
                on_click=states.acting(_include),
                args=(begin, place),
            )
            if place == len(given) - 1 and len(given) < funnel.MOST_EXCLUDED:
                st.button(
                    "Another", key="funnel.exclude", icon=":material/add:", type="tertiary", on_click=_exclude, args=(begin,)
                )


def _place(begin: dict[str, Any], place: int, field: str, now: int, among: range) -> None:
    key = f"funnel.excluded.{place}.{field}"
    st.session_state[key] = now
    st.selectbox(
        f"Excluded {field} step",
        list(dict.fromkeys([*among, now])),
        key=key,
        label_visibility="collapsed",
        width=66,
        on_change=lambda: _set_excluded(begin, place, field, st.session_state[key]),
    )


def _set_excluded(begin: dict[str, Any], place: int, field: str, value: Any) -> None:
    given = [dict(each) for each in asking.document(begin).get("excluded", [])]
    if place < len(given):
        given[place][field] = value
        asking.change(begin, excluded=given)


def _exclude(begin: dict[str, Any]) -> None:
    found = asking.document(begin)
    names = session.cached(events.names, system=False, topics=("events",))
    used = {each.get("event") for each in found["steps"]}
    free = next((each for each in names if each not in used), names[0] if names else None)
    asking.change(begin, excluded=[*found.get("excluded", []), {"of": {"event": free}}])


def _include(begin: dict[str, Any], place: int) -> None:
    given = [each for at, each in enumerate(asking.document(begin).get("excluded", [])) if at != place]
    asking.change(begin, excluded=given or None)


def _fitting(given: list[Any], last: int) -> list[Any]:
    """What is excluded, as far as its steps are still there."""
    return [each for each in given if each.get("after", 1) < (each.get("before") or last) <= last]
