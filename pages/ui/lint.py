"""What is odd about the rule being built, a line each, with a button that mends it where there is a way.

A note stops nobody. What is odd does not live here (`user360/segments`), nor where the draft is kept (`pages/ui/builder`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import session, states, words
from user360 import segments

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.segments import Finding, Rule

MOST_TOLD: Final = 5
_ICONS: Final = {
    "contradiction": ":red[:material/block:]",
    "always": ":orange[:material/all_inclusive:]",
    "no effect": ":gray[:material/horizontal_rule:]",
    "value not there": ":orange[:material/spellcheck:]",
    "not seen": ":orange[:material/visibility_off:]",
    "longer than the data": ":gray[:material/history_toggle_off:]",
    "rarely known": ":gray[:material/data_loss_prevention:]",
    "same segment": ":gray[:material/content_copy:]",
    "plain pattern": ":gray[:material/regular_expression:]",
}


def draw(rule: Rule, *, segment_id: str, on_repair: Callable[[dict[str, Any]], None]) -> None:
    """Draw the notes on a rule, the gravest first; `on_repair` takes the JSON of the mended rule."""
    found: tuple[Finding, ...] = session.cached(
        segments.lint, rule, at=session.at(), segment_id=segment_id, topics=session.OF_PEOPLE
    )
    if not found:
        return
    with st.container(border=True, gap=None, key="lint"):
        for place, each in enumerate(found[:MOST_TOLD]):
            _note(each, place, on_repair)
        if len(found) > MOST_TOLD:
            with st.popover(f"{words.number(len(found) - MOST_TOLD)} more", type="tertiary", key="lint.more"):
                for each in found[MOST_TOLD:]:
                    st.markdown(f"{_ICONS[each.kind]} {words.escape_md(each.sentence, 400)}")


def _note(each: Finding, place: int, on_repair: Callable[[dict[str, Any]], None]) -> None:
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", gap="small"):
        with st.container():
            st.markdown(f"{_ICONS[each.kind]} {words.escape_md(each.sentence, 400)}")
        if each.repair is not None:
            mended = segments.dump(each.repair)
            st.button(
                words.escape_md(each.doing, 60),
                key=f"lint.repair.{place}",
                type="tertiary",
                icon=":material/build:",
                on_click=states.acting(on_repair),
                args=(mended,),
            )
