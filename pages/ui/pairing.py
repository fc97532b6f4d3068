"""One pair of likely duplicates: both side by side, what speaks for it bit by bit, and the way to merge or dismiss them.

How likely a pair is does not live here (`user360/duplicates`), nor which pairs are listed (`pages/duplicates.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import charts, confirm, dialogs, layout, nav, session, states, words
from user360 import duplicates, resolution

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from user360.duplicates import Pair
    from user360.resolution import Preview

MERGE: Final = "merge pair"
COLUMNS: Final = (
    "userId", "firstName", "lastName", "email", "phone", "dob", "city", "country", "createdAt", "lastSession", "lastChannel"
)  # fmt: skip
LABELS: Final = {"name": "Name", "email": "Email", "phone": "Phone", "dob": "Date of birth", "city": "City"}
SHORT: Final = {"name": "name", "email": "email", "phone": "phone", "dob": "birth", "city": "city"}
MOST_LISTED: Final = 6
CERTAIN: Final = 0.9995


def called(person: Mapping[str, Any]) -> str:
    """What somebody is called in a list: name, or whatever else is known."""
    name = words.full_name(person["firstName"], person["lastName"])
    return name or person["userId"] or person["email"] or words.phone(person["phone"] or "") or f"id {person['profile_key']}"


def likely(pair: Pair) -> str:
    """`98.2%`; `over 99.9%` for what rounds to certainty."""
    return "over 99.9%" if pair.probability > CERTAIN else f"{pair.probability:.1%}"


def agreeing(pair: Pair) -> list[str]:
    """What speaks for the pair, the weightiest first."""
    order = sorted(duplicates.PARTS, key=lambda each: -pair.parts[each])
    return [SHORT[each] for each in order if pair.parts[each] > 0]


def panel(pair: Pair, people: Mapping[int, Mapping[str, Any]], *, merged: Callable[[int], None]) -> None:
    """The chosen pair. `merged` is told the number of a merge that was done."""
    left, right = people[pair.left], people[pair.right]
    with layout.card("The pair", f"{likely(pair)} one person"), states.boundary("This pair", key=f"pair.{pair.id}"):
        _side_by_side(left, right)
        _waterfall(pair)
        _actions(pair)
    _merging(pair, left, right, merged)


def _side_by_side(left: Mapping[str, Any], right: Mapping[str, Any]) -> None:
    """Both users, a property a row: what they share stands between them as =."""
    rows = [
        {
            "Property": words.heading(each),
            "One": _shown(each, left),
            "": _between(each, left, right),
            "Other": _shown(each, right),
        }
        for each in COLUMNS
    ]
    layout.table(
        rows,
        column_config={
            "Property": st.column_config.TextColumn(width=88),
            "One": st.column_config.TextColumn(width=208),
            "": st.column_config.TextColumn(width=30),
            "Other": st.column_config.TextColumn(width=208),
        },
        key=f"pair.values.{left['profile_key']}.{right['profile_key']}",
        alt="Both users side by side; = where they agree",
    )
    with st.container(horizontal=True, gap="small"):
        for name, person in (("one", left), ("other", right)):
            label = f"Open {words.escape_md(called(person), 30)}"
            st.button(
                label,
                key=f"pair.open.{name}",
                type="tertiary",
                icon=":material/person:",
                on_click=nav.go,
                args=("user",),
                kwargs={"id": person["profile_key"]},
            )


def _shown(name: str, person: Mapping[str, Any]) -> str | None:
    value = person[name]
    if value is None:
        return None
    if name in ("createdAt", "lastSession"):
        return words.moment(value, session.zone())
    if name == "dob":
        return words.day(value)
    return words.phone(value) if name == "phone" else words.channel(value) if name == "lastChannel" else str(value)


def _between(name: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    if left[name] is None or right[name] is None:
        return ""
    return "=" if str(left[name]).casefold() == str(right[name]).casefold() else "≠"


def _waterfall(pair: Pair) -> None:
    """What was expected before, what each field adds or takes, and what it comes to, in bits: a bit doubles the odds."""
    st.caption("What speaks for one person and what against, in bits. One bit doubles the odds.")
    steps = [("Before", pair.parts[duplicates.PRIOR])] + [(LABELS[each], pair.parts[each]) for each in duplicates.PARTS]
    drawn = charts.waterfall(steps, "All", hover="bits")
    told = ", ".join(f"{name} {value:+.1f}" for name, value in steps)
    charts.draw(drawn, key=f"pair.waterfall.{pair.id}", alt=f"Bits by field: {told}; together {pair.weight:+.1f}")


def _actions(pair: Pair) -> None:
    with st.container(horizontal=True, gap="small"):
        if pair.status == "open":
            opening: dict[str, Any] = {"on_click": dialogs.open_, "args": (MERGE,), "kwargs": {"pair": pair.id}}
            st.button("Merge…", key="pair.merge", type="primary", icon=":material/call_merge:", **opening)
            put: dict[str, Any] = {"on_click": states.acting(_dismiss), "args": (pair.id,)}
            st.button("They are two people", key="pair.dismiss", icon=":material/group:", **put)
        else:
            by = words.escape_md(pair.decided_by, 60)
            when = words.instant(pair.decided_at, session.zone(), at=session.at()) if pair.decided_at else ""
            again: dict[str, Any] = {"on_click": states.acting(_reopen), "args": (pair.id,)}
            st.button("Put back on the list", key="pair.reopen", icon=":material/undo:", **again)
            st.caption(f"dismissed by {by} {when}", width="content")


def _dismiss(pair_id: int) -> None:
    duplicates.dismiss(session.store(), pair_id, by=session.analyst(), at=session.moment())
    session.notice("Dismissed: no later search proposes them again")


def _reopen(pair_id: int) -> None:
    duplicates.reopen(session.store(), pair_id, by=session.analyst(), at=session.moment())
    session.notice("The pair is back on the list")


# -- merging --------------------------------------------------------------------------------------


def _merging(pair: Pair, left: Mapping[str, Any], right: Mapping[str, Any], merged: Callable[[int], None]) -> None:
    opened = dialogs.given(MERGE)
    if opened is None or opened["pair"] != pair.id:
        return
    key = f"merge.{opened['turn']}"

    @st.dialog("Merge these two", width=confirm.WIDTH, icon=":material/call_merge:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(MERGE)
        by_key = {pair.left: left, pair.right: right}
        kept = st.radio(
            "Who stays",
            [pair.left, pair.right],
            index=0 if _first_choice(left, right) else 1,
            key=f"{key}.kept",
            format_func=lambda each: words.escape_md(_named(by_key[each]), 80),
        )
        gone = pair.right if kept == pair.left else pair.left
        with states.boundary("The preview", key=key):
            _tell(resolution.preview(session.store(), kept, gone))
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button("Cancel", key=f"{key}.cancel", on_click=dialogs.close)
            act: dict[str, Any] = {"on_click": states.acting(_merge), "args": (kept, gone, merged)}
            st.button("Merge", key=f"{key}.act", type="primary", icon=":material/call_merge:", **act)

    body()


def _first_choice(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Whether the one on the left is proposed to stay: who has a user id before who has none, then the older."""
    return (left["userId"] is None, left["createdAt"]) <= (right["userId"] is None, right["createdAt"])


def _named(person: Mapping[str, Any]) -> str:
    return f"{called(person)} · {person['userId'] or 'no user id yet'}"


def _tell(found: Preview) -> None:
    st.markdown(words.escape_md(f"{found.sentence[:1].upper()}{found.sentence[1:]}"))
    for name, value in list(found.fills.items())[:MOST_LISTED]:
        st.caption(f"{words.escape_md(words.heading(name))}: blank becomes **{words.escape_md(value, 60)}**")
    for name, (stays, left) in list(found.stays.items())[:MOST_LISTED]:
        st.caption(
            f"{words.escape_md(words.heading(name))}: **{words.escape_md(stays, 60)}** stays, {words.escape_md(left, 60)} is left"
        )
    more = max(len(found.fills) - MOST_LISTED, 0) + max(len(found.stays) - MOST_LISTED, 0)
    if more:
        st.caption(f"and {words.count(more, 'more property', 'more properties')}")
    st.caption("A merge can be undone: both come back as they were, what came since stays.")


def _merge(kept: int, gone: int, merged: Callable[[int], None]) -> None:
    done = resolution.merge(session.store(), kept, gone, by=session.analyst(), at=session.moment())
    dialogs.close()
    merged(done.id)
    session.notice("Merged into one user")
