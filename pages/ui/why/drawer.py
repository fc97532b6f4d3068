"""The panel that says why one user is in a segment or not, and the two ways into it.

From the user card a segment is picked, from the segment page a user, or a list of ids. What is asked
does not live here (`user360/segments`), nor how a condition is drawn (`tree`).
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import dialogs, nav, session, states, words
from pages.ui.why import grid, tree
from user360 import clock, profiles, segments
from user360.errors import User360Error
from user360.segments import saved

if TYPE_CHECKING:
    from user360.segments import Explanation, Rule
    from user360.segments.saved import Segment

WHY: Final = "why"
WIDTH: Final = 680
MOST_FOUND: Final = 8
_ONE, _MANY = "One user", "A list of ids"
_NUMBERS: Final = ("", "One condition", "Two conditions", "Three conditions", "Four conditions", "Five conditions")
_COLUMNS: Final = ("firstName", "lastName", "userId")


# -- the ways in --------------------------------------------------------------------------------


def pick_segment(profile_key: int, every: tuple[Segment, ...]) -> None:
    """On the user card: the field in which a segment is picked, which opens the panel."""
    names = {each.id: each.name for each in every}
    st.selectbox(
        "Why in a segment or not",
        sorted(names, key=lambda each: names[each].casefold()),
        key="why.pick",
        index=None,
        placeholder="Why in, or why not in …",
        format_func=names.__getitem__,
        label_visibility="collapsed",
        on_change=_picked,
        args=(profile_key,),
    )


def _picked(profile_key: int) -> None:
    chosen = st.session_state["why.pick"]
    if chosen is not None:
        st.session_state["why.pick"] = None
        dialogs.open_(WHY, profile=profile_key, segment=chosen, rule="", home="user")


def button(rule: dict[str, Any], segment_id: str = "") -> None:
    """On the segment page: the button that asks about users. `rule` is what counts now, saved or not."""
    st.button(
        "Why",
        key="why.ask",
        icon=":material/contact_support:",
        type="tertiary",
        help="Why a user is in, or why not",
        on_click=dialogs.open_,
        args=(WHY,),
        kwargs={"profile": None, "segment": segment_id, "rule": json.dumps(rule, ensure_ascii=False), "home": "segment"},
    )


# -- the panel ----------------------------------------------------------------------------------


def draw() -> None:
    """Draw the panel while it is open."""
    opened = dialogs.given(WHY)
    if opened is None:
        return
    try:
        of = session.cached(saved.get, opened["segment"], topics=("segments",)) if opened["segment"] else None
        rule = segments.parse(opened["rule"]) if opened["rule"] else saved.rule_of(of) if of else segments.EVERYONE
        found = _asked(rule, opened) if opened["profile"] is not None else None
        title = _title(found, of)
    except User360Error as refusal:
        _refused(refusal)
        return

    drawn = _asked_of(opened)

    @st.dialog(title, width=WIDTH, position="right", icon=":material/contact_support:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(WHY)
        if _asked_of(opened) != drawn:  # a click in here reruns the panel alone, which would show the answer of before
            st.rerun()
        key = f"{WHY}.{opened['turn']}"
        if opened["home"] == "segment" and found is None and _pick(rule, key):
            return
        if found is not None:
            _explained(found, rule, opened, key)

    body()


def _refused(refusal: User360Error) -> None:
    @st.dialog("Why", width=WIDTH, position="right", icon=":material/contact_support:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(WHY)
        states.refused(refusal)

    body()


def _asked_of(opened: dict[str, Any]) -> tuple[int | None, dt.date | None]:
    """Who, and the day that was chosen, if any."""
    return opened["profile"], st.session_state.get(f"{WHY}.{opened['turn']}.as_of")


def _asked(rule: Rule, opened: dict[str, Any]) -> Explanation:
    at, past = _as_of(opened)
    found: Explanation = session.cached(segments.explain, rule, opened["profile"], at=at, past=past, topics=session.OF_PEOPLE)
    return found


def _as_of(opened: dict[str, Any]) -> tuple[dt.datetime, bool]:
    """Now, or the end of an earlier day that was chosen."""
    _, chosen = _asked_of(opened)
    if chosen is None or chosen >= clock.calendar_day(session.at(), session.zone()):
        return session.at(), False
    return clock.start_of_day(chosen + dt.timedelta(days=1), session.zone()) - dt.timedelta(seconds=1), True


def _title(found: Explanation | None, of: Segment | None) -> str:
    name = f"“{words.escape_md(of.name, 60)}”" if of is not None else "this rule"
    if found is None:
        return f"Who is in {name}, and why?"
    who = words.escape_md(_name(found.profile_key), 60)
    return f"Why is {who} in {name}?" if found.holds else f"Why is {who} not in {name}?"


def _name(profile_key: int) -> str:
    values = session.cached(profiles.get, profile_key, topics=("profiles", "properties")).values
    name = words.full_name(str(values.get("firstName", "")), str(values.get("lastName", "")))
    return name or str(values.get("userId", "")) or "this user"


# -- one user -----------------------------------------------------------------------------------


def _explained(found: Explanation, rule: Rule, opened: dict[str, Any], key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if found.holds:
            st.badge("In the segment", icon=":material/check_circle:", color="green")
        else:
            st.badge("Not in the segment", icon=":material/cancel:", color="red")
            st.markdown(_short(found.whole.short), width="content")
        st.space("stretch")
        st.caption(f"{words.moment(found.at, session.zone())} {session.settings().zone_name}", width="content")
    with states.boundary("This explanation", key="why.tree"):
        tree.draw(found.whole, key, tuple(each.path for each in found.missing))
    with st.container(border=True, gap="xsmall"), states.boundary("This forecast", key="why.forecast"):
        _coming(found, rule)
    _foot(found, opened, key)


def _short(conditions: int) -> str:
    counted = _NUMBERS[conditions] if conditions < len(_NUMBERS) else f"{words.number(conditions)} conditions"
    return f"{counted} short"


def _coming(found: Explanation, rule: Rule) -> None:
    if found.missing:
        st.markdown(f":material/straighten: **What is missing** · {words.escape_md(found.sentence, 1_000)}")
    coming = session.cached(segments.forecast, rule, found.profile_key, at=found.at, past=found.past, topics=session.OF_PEOPLE)
    if coming.at is not None:
        then = "They are in from then on." if coming.holds else "They are out from then on."
        told = f"{words.escape_md(coming.sentence, 600)} {then}"
    elif coming.looked_to is not None:
        told = f"Nothing changes until {words.moment(coming.looked_to, session.zone())}; later was not looked at."
    else:
        told = "Nothing: the answer stays as long as nobody writes and nothing happens."
    st.markdown(f":material/update: **What time alone changes** · {told}")


def _foot(found: Explanation, opened: dict[str, Any], key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if opened["home"] == "segment":
            st.button(
                "Open the user", key=f"{key}.open", icon=":material/person:", on_click=_open_user, args=(found.profile_key,)
            )
            st.button("Another user", key=f"{key}.other", type="tertiary", on_click=_other)
        else:
            st.button(
                "Open the segment",
                key=f"{key}.open",
                icon=":material/filter_alt:",
                on_click=_open_segment,
                args=(opened["segment"],),
            )
        with st.popover("Copy as text", icon=":material/content_copy:", type="tertiary", key=f"{key}.copy"):
            st.code(_text(found), language=None, wrap_lines=True, width=420)
        st.space("stretch")
        st.caption("As of", width="content")
        today = clock.calendar_day(session.at(), session.zone())
        st.date_input("As of", value=today, max_value=today, key=f"{key}.as_of", label_visibility="collapsed", width=140)


def _text(found: Explanation) -> str:
    verdict = "In" if found.holds else f"Not in, {_short(found.whole.short).lower()}"
    head = f"{_name(found.profile_key)} · {verdict} · {words.moment(found.at, session.zone())} {session.settings().zone_name}"
    return "\n".join([head, tree.text(found.whole), *([f"Missing: {found.sentence}"] if found.missing else [])])


def _open_user(profile_key: int) -> None:
    dialogs.close()
    nav.go("user", id=profile_key)


def _open_segment(segment_id: str) -> None:
    dialogs.close()
    nav.go("segment", id=segment_id)


def _other() -> None:
    opened = dialogs.given(WHY)
    if opened is not None:
        opened["profile"] = None


# -- who is asked about -------------------------------------------------------------------------


def _pick(rule: Rule, key: str) -> bool:
    """The field in which a user is looked for, or ids are pasted; answers that nobody is chosen yet."""
    way = st.segmented_control("Who", [_ONE, _MANY], key=f"{key}.way", default=_ONE, required=True, label_visibility="collapsed")
    if way == _MANY:
        grid.draw(rule, key)
        return True
    wanted = st.text_input(
        "Name, email, phone or user id",
        key=f"{key}.search",
        icon=":material/search:",
        placeholder="Name, email, phone or user id",
        label_visibility="collapsed",
        live="300ms",
        autocomplete="off",
    ).strip()
    if wanted:
        _candidates(wanted, key)
    return True


def _candidates(wanted: str, key: str) -> None:
    found = session.cached(profiles.find, search=wanted, columns=_COLUMNS, limit=MOST_FOUND, topics=("profiles",)).to_pylist()
    if not found:
        states.nothing_to_show("Nobody has that in their name, email, phone or user id.")
    for row in found:
        name = words.full_name(row["firstName"], row["lastName"])
        label = " · ".join(words.escape_md(each, 60) for each in (name, row["userId"]) if each) or "No name yet"
        args = (row["profile_key"],)
        st.button(
            label, key=f"{key}.is.{row['profile_key']}", icon=":material/person:", type="tertiary", on_click=_chosen, args=args
        )


def _chosen(profile_key: int) -> None:
    opened = dialogs.given(WHY)
    if opened is not None:
        opened["profile"] = profile_key
