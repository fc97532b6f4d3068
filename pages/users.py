"""Users: everyone in the database. Filter, search, sort, page, tick; tag, delete, download.

Reads the address, asks one question per part, draws. Which conditions exist does not live here
(`user360/segments`), nor how a chip edits one (`pages/ui/rules`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import streamlit as st

from pages.ui import (
    bulk,
    columns,
    dialogs,
    downloads,
    finding,
    forms,
    layout,
    lists,
    making,
    nav,
    rules,
    session,
    states,
    tables,
    words,
)
from pages.ui.builder import saving
from user360 import exports, profiles, properties, segments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from user360.people import People
    from user360.properties import Property
    from user360.segments import Rule

DEFAULT_COLUMNS: Final = ("userId", "name", "email", "phone", "country", "lastChannel", "lastSession")
CUSTOM_AT_FIRST: Final = 1


def page() -> None:
    """The page, top to bottom."""
    segments.computed.refresh(session.store(), at=session.moment())
    known = {each.name: each for each in session.cached(properties.find, topics=("properties",))}
    total = session.cached(profiles.count, topics=("profiles",))
    _header(total)
    if not total:
        _nobody()
        forms.draw()
        return
    search, rule = _controls()
    within = session.cached(segments.people, rule, at=session.at(), topics=session.OF_PEOPLE) if rule else None
    matching = session.cached(profiles.count, within=within, search=search, topics=("profiles", "properties"))
    shown = columns.chosen("users", known, _defaults(known))
    view = tables.view(shown)
    _summary(matching, total, view, shown, known, within=within, search=search, rule=rule)
    if matching:
        _table(matching, view, shown, known, within=within, search=search)
    else:
        rules.nothing_matches(rule, search, at=session.at())
    making.draw()
    layout.footnote("a user is one person, whatever the channel", "a filter looks at the present", "no value is shown as —")
    forms.draw()
    saving.draw(None)
    if matching:
        _selection(matching, shown, view, within=within, search=search)


def _header(total: int) -> None:
    kind: Literal["primary", "secondary"] = "primary" if total else "secondary"  # without users importing comes first
    with layout.header("Users"):
        st.button("Import", key="users.import", icon=":material/upload_file:", on_click=nav.go, args=("import",))
        st.button("Add user", key="users.add", icon=":material/person_add:", type=kind, on_click=forms.open_new)


def _nobody() -> None:
    states.empty(
        "No users yet",
        "A user is one person with everything known about them. Import a file, or add one by hand.",
        icon="group_off",
        action="Import a file",
        on_click=lambda: nav.go("import"),
    )


def _controls() -> tuple[str, Rule | None]:
    """The search field and the filter chips; what both ask for."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        wanted = finding.search("users.q", "Name, email, phone or id")
        rule = rules.chips()
    rules.sentence(rule)
    return wanted, rule


def _summary(
    matching: int,
    total: int,
    view: tables.View,
    shown: Sequence[str],
    known: Mapping[str, Property],
    *,
    within: People | None,
    search: str,
    rule: Rule | None,
) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if matching == total:
            st.markdown(f"**{words.number(total)}** users", width="content")
            st.caption(columns.order_words(view.sort, known), width="content")
        else:
            st.markdown(f"**{words.number(matching)}** of {words.number(total)} users", width="content")
            st.caption(f"{words.share(matching, total)} · {columns.order_words(view.sort, known)}", width="content")
        st.space("stretch")
        if rule is not None:
            save: dict[str, Any] = {"icon": ":material/filter_alt:", "type": "tertiary", "on_click": _save_as, "args": (rule,)}
            st.button("Save as segment", key="users.save", help="The filter as a segment; a search is not part of it", **save)
        columns.chooser("users", known, shown, _defaults(known))
        wanted = exports.Users(tables.stored_columns(shown), rule, within, search, tables.stored_sort(view.sort))
        downloads.menu("users", wanted, rows=matching)


def _save_as(rule: Rule) -> None:
    """Name the filter: it opens as a segment, whose rule it is."""
    dialogs.open_(saving.SAVE_AS, rule=segments.dump(rule))


def _table(
    matching: int, view: tables.View, shown: Sequence[str], known: Mapping[str, Property], *, within: People | None, search: str
) -> None:
    view = view.within(matching)
    with states.boundary("The table", key="users.table"):
        found = session.cached(
            profiles.find,
            within=within,
            search=search,
            columns=tables.stored_columns(shown),
            sort=tables.stored_sort(view.sort),
            limit=view.rows,
            offset=view.offset,
            topics=("profiles", "properties"),
        )
        tables.users(found, shown, known, view)
        tables.pager(matching, view.page, view.rows, key="users")


def _selection(matching: int, shown: Sequence[str], view: tables.View, *, within: People | None, search: str) -> None:
    """The bar at the foot, while anyone is ticked."""
    ticks = tables.ticks()
    if not (ticks.keys or ticks.everyone):
        return
    people = ticks.people(session.cached(profiles.matching, within=within, search=search, topics=("profiles", "properties")))
    if not people:
        return
    with st.bottom, st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        if ticks.everyone:
            st.markdown(
                f":primary[:material/select_check_box:] **All {words.number(matching)}** that match are selected", width="content"
            )
        else:
            st.markdown(f":primary[:material/select_check_box:] **{words.number(len(people))} selected**", width="content")
            if len(people) < matching:
                st.button(
                    f"Select all {words.number(matching)} that match",
                    key="users.everyone",
                    type="tertiary",
                    on_click=tables.tick_everyone,
                )
        st.space("stretch")
        if len(people) == 1:
            st.button(
                "Open",
                key="users.open",
                icon=":material/person:",
                on_click=nav.go,
                args=("user",),
                kwargs={"id": int(people.keys()[0])},
            )
        add: dict[str, Any] = {"icon": ":material/filter_alt:", "on_click": dialogs.open_, "args": (lists.ADD,)}
        st.button("Add to segment", key="users.list", **add)
        st.button("Tag", key="users.tag", icon=":material/label:", on_click=dialogs.open_, args=(bulk.TAG,))
        wanted = exports.Users(tables.stored_columns(shown), None, people, "", tables.stored_sort(view.sort))
        downloads.menu("users.ticked", wanted, rows=len(people), kind="secondary")
        st.button("Delete…", key="users.delete", icon=":material/delete:", on_click=dialogs.open_, args=(bulk.DELETE,))
        st.button("Clear", key="users.clear", type="tertiary", on_click=tables.untick)
    bulk.draw_tags(people)
    lists.draw_add(people)
    bulk.draw_deletion(people, after=tables.untick)


def _defaults(known: Mapping[str, Property]) -> list[str]:
    custom = [each.name for each in known.values() if not each.system and each.visible][:CUSTOM_AT_FIRST]
    return [*DEFAULT_COLUMNS, *custom, "tags"]


page()
