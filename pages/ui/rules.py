"""The filter chips: each a condition that reads as a sentence and opens its editor; together one `Rule`.

The state is the rule's JSON in the address (`rule`), read back through `segments.parse`, so a link
shows the same people. A condition that is not finished yet lives in this tab alone and filters
nobody. How one condition is edited does not live here (`condition`), nor what it means (`user360/segments`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.ui import address, condition, session, states, words
from pages.ui.builder import draft, kinds
from user360 import profiles, segments
from user360.errors import InvalidRule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from user360.segments import Rule

PARAMETER: Final = "rule"
MOST: Final = 20
"""What may change who a rule finds: for `session.cached`."""

_ITEMS: Final = "rules.items"
_READ: Final = "rules.read"
_FAULT: Final = "rules.fault"
_UNCARRIED: Final = "rules.uncarried"
ADDED: Final = {"Property": "property", "Event": "event", "Segment": "segment"}


def chips() -> Rule | None:
    """Draw the chips, `+ Filter` and `Clear all` in the present row; answer the rule of the address, if there is one."""
    _read_address()
    items: list[dict[str, Any]] = st.session_state[_ITEMS]
    for item in items:
        condition.chip(item, session.catalog(), on_change=_publish, on_take_out=_take_out)
    st.menu_button(
        "Filter", list(ADDED), key="rules.add", icon=":material/add:", type="tertiary", on_click=_add, disabled=len(items) >= MOST
    )
    if items or st.session_state[_FAULT]:
        st.button("Clear all", key="rules.clear", type="tertiary", on_click=_clear)
    if st.session_state[_FAULT]:
        st.error(words.escape_md(st.session_state[_FAULT], 400), icon=":material/block:")
    if st.session_state[_UNCARRIED]:
        st.caption(address.TOO_LONG)
    return _rule(_finished(items))


def sentence(rule: Rule | None) -> None:
    """The rule in plain English, under the chips."""
    if rule is not None:
        st.caption(words.escape_md(segments.describe(rule, session.catalog(), at=session.at()), 1000))


def nothing_matches(rule: Rule | None, search: str, *, at: datetime) -> None:
    """The table's place when no one is left: which one filter to take out, and how many would match then."""
    items = [item for item in st.session_state.get(_ITEMS, []) if _finished([item])]
    if rule is None or search:
        what = f"“{words.escape_md(search, 60)}”" if rule is None else f"“{words.escape_md(search, 60)}” and these filters"
        states.nothing_matches(f"No one matches {what}", "Search looks at the searchable properties, every word of it.")
        return
    best, people = _best_to_take_out(items, at)
    filters = "this filter" if len(items) == 1 else f"these {len(items)} filters"
    if best is None or not people:
        states.nothing_matches(f"No one matches {filters}", action="Clear all", on_click=_clear)
        return
    said = condition.label(best, session.catalog())
    would = f"{words.count(people, 'person', 'people')} would match."
    states.nothing_matches(
        f"No one matches {filters}",
        f"Without {said}, {would}",
        action="Take that filter out",
        on_click=_take_out,
        args=(best["id"],),
    )


def _best_to_take_out(items: Sequence[dict[str, Any]], at: datetime) -> tuple[dict[str, Any] | None, int]:
    best, most = None, 0
    for item in items:
        rest = _rule(_finished([other for other in items if other is not item]))
        people = session.cached(segments.count, rest, at=at) if rest else session.cached(profiles.count)
        if people > most:
            best, most = item, people
    return best, most


# -- the address --------------------------------------------------------------------------------


def _read_address() -> None:
    """Take the conditions from the address when it is not the one written last: a link, Back, another page's filter."""
    given = address.text(PARAMETER)
    if st.session_state.get(_READ) == given and _ITEMS in st.session_state:
        return
    st.session_state[_READ], st.session_state[_FAULT], st.session_state[_ITEMS] = given, "", []
    st.session_state[_UNCARRIED] = False
    try:
        conditions = _conditions(given) if given else []
    except InvalidRule as refusal:
        st.session_state[_FAULT] = f"The filter in the address cannot be used, so everyone is shown. {refusal}"
        return
    st.session_state[_ITEMS] = [draft.read(each) for each in conditions]


def _conditions(given: str) -> list[dict[str, Any]]:
    """The conditions that all must hold; another kind of root becomes the one condition."""
    document = segments.dump(segments.check(segments.parse(given), session.catalog()))
    if document.get("match") == "all":
        return list(document["conditions"])
    return [{key: value for key, value in document.items() if key != "version"}]


def _publish() -> None:
    """Write the finished conditions into the address; who matches begins at page one again."""
    rule = _rule(_finished(st.session_state[_ITEMS]))
    text = json.dumps(segments.dump(rule), ensure_ascii=False, separators=(",", ":")) if rule is not None else ""
    carried = address.carried(text)
    st.session_state[_READ], st.session_state[_FAULT], st.session_state[_UNCARRIED] = carried, "", carried != text
    address.put(**{PARAMETER: carried, "page": None})


def _rule(conditions: Sequence[dict[str, Any]]) -> Rule | None:
    return segments.parse({"version": 1, "match": "all", "conditions": list(conditions)}) if conditions else None


def _finished(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The JSON of those that can be used."""
    found = [draft.one(item, session.catalog())[0] for item in items]
    return [each for each in found if each is not None]


# -- changes ------------------------------------------------------------------------------------


def _add() -> None:
    item = kinds.new(ADDED[st.session_state["rules.add"]])
    st.session_state[_ITEMS] = [*st.session_state[_ITEMS], item]
    st.session_state[condition.opener(item["id"])] = True


def _take_out(item_id: int) -> None:
    st.session_state[_ITEMS] = [item for item in st.session_state[_ITEMS] if item["id"] != item_id]
    _publish()


def _clear() -> None:
    st.session_state[_ITEMS] = []
    _publish()
