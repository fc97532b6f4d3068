"""Sample or split a segment: parts with names and shares, how many each gets, and the lists made in one click.

How people are dealt out does not live here (`user360/segments/splitting`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import dialogs, nav, session, states, words
from user360 import segments
from user360.errors import User360Error
from user360.segments import saved, splitting
from user360.segments.splitting import Share

if TYPE_CHECKING:
    from user360.segments.saved import Segment

SPLIT: Final = "segment.split"
KINDS: Final = {
    "Sample": (("sample", 10.0),),
    "A/B": (("A", 50.0), ("B", 50.0)),
    "A/B with holdout": (("A", 45.0), ("B", 45.0), ("holdout", 10.0)),
    "A/B/C": (("A", 33.34), ("B", 33.33), ("C", 33.33)),
}


def draw(of: Segment) -> None:
    """Draw the dialog if it is open."""
    opened = dialogs.given(SPLIT)
    if opened is None:
        return
    key = f"{SPLIT}.{opened['turn']}"

    @st.dialog("Sample or split", width=560, icon=":material/call_split:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(SPLIT)
        kind = st.segmented_control("Kind", list(KINDS), default="A/B", key=f"{key}.kind", required=True)
        shares = _shares(of, key, str(kind))
        seed = st.text_input("Seed", key=f"{key}.seed", value=of.name[: splitting.LONGEST_SEED], max_chars=splitting.LONGEST_SEED)
        st.caption("Any word. The same word deals the same people again; another deals anew.")
        fits = _preview(of, shares, str(seed))
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            st.button(
                f"Make {words.count(len(shares), 'list')}",
                key=f"{key}.act",
                type="primary",
                disabled=not fits,
                on_click=states.acting(_act),
                args=(of, shares, str(seed)),
            )

    body()


def _shares(of: Segment, key: str, kind: str) -> tuple[Share, ...]:
    given = []
    for place, (called, percent) in enumerate(KINDS[kind]):
        left, right = st.columns([3, 1], gap="small")
        shown: Any = "visible" if place == 0 else "collapsed"
        widget = f"{key}.{kind}.{place}"
        name = left.text_input(
            "Name", f"{of.name[:80]} – {called}", key=f"{widget}.name", max_chars=100, label_visibility=shown, autocomplete="off"
        )
        part = right.number_input("Per cent", 0.01, 100.0, percent, step=5.0, key=f"{widget}.percent", label_visibility=shown)
        given.append(Share(str(name).strip(), float(part)))
    return tuple(given)


def _preview(of: Segment, shares: tuple[Share, ...], seed: str) -> bool:
    """How many each part gets, or what is wrong with them."""
    people = session.cached(segments.people, saved.rule_of(of), at=session.at(), topics=session.OF_PEOPLE)
    try:
        parts = splitting.split(people, shares, seed=seed)
    except User360Error as refusal:
        st.markdown(f":red[:material/block: {words.escape_md(states.sentence(refusal), 300)}]")
        return False
    for share, part in zip(shares, parts, strict=True):
        st.markdown(f"**{words.number(len(part))}** · {words.escape_md(share.name, 60)} · {words.share(len(part), len(people))}")
    rest = len(people) - sum(len(each) for each in parts)
    if rest:
        st.caption(f"{words.count(rest, 'user')} in no part.")
    return True


def _act(of: Segment, shares: tuple[Share, ...], seed: str) -> None:
    made = splitting.save(
        session.store(),
        saved.rule_of(of),
        shares,
        seed=seed,
        of=f"“{of.name}”",
        by=session.analyst(),
        at=session.moment(),
    )
    dialogs.close()
    session.notice(f"{words.count(len(made), 'list')} made.")
    nav.go("segments")
