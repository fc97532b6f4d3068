"""The one dialog for what cannot be undone: it says what goes and what stays, and asks for it in words.

Without it a slip of the hand could delete a database. What is deleted does not live here.

    st.button("Delete…", on_click=dialogs.open_, args=("delete",))
    if dialogs.given("delete"):
        confirm.ask("delete", "Delete 3 users?", "…", phrase="delete 3 users", act="Delete 3 users", keep="Keep them", on_confirm=…)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import streamlit as st

from pages.ui import dialogs, layout, states, words

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

WIDTH: Final = 480


def ask(
    name: str,
    question: str,
    text: str,
    *,
    phrase: str,
    act: str,
    keep: str,
    on_confirm: Callable[[], None],
    rows: pa.Table | None = None,
    columns: dict[str, Any] | None = None,
    icon: str = "delete",
) -> None:
    """Draw the dialog while it is open.

    `question` is the title, `text` says what goes and what stays (both Markdown), `rows` are the first
    of them, `phrase` (plain) has to be typed, `act` and `keep` are the buttons. `on_confirm` runs as a
    callback; a refusal shows on top of the page.
    """
    opened = dialogs.given(name)
    if opened is None:
        return
    key = f"{name}.{opened['turn']}"

    @st.dialog(question, width=WIDTH, icon=f":material/{icon}:", on_dismiss=dialogs.close)
    def body() -> None:
        dialogs.leave_unless_open(name)
        st.markdown(text)
        if rows is not None and rows.num_rows:
            height = layout.table_height(rows.num_rows, layout.CARD_ROW, most=5)
            st.dataframe(
                rows,
                hide_index=True,
                height=height,
                row_height=layout.CARD_ROW,
                column_config=columns,
                placeholder=words.NO_VALUE,
                key=f"{key}.rows",
                alt="The first of those it concerns",
            )
        label = f"Type **{words.escape_md(phrase)}** to go on"
        typed = st.text_input(label, key=f"{key}.typed", placeholder=phrase, live="200ms", autocomplete="off")
        sure = typed.strip() == phrase
        with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
            st.button(keep, key=f"{key}.keep", on_click=dialogs.close)
            kind: Literal["primary", "secondary"] = "primary" if sure else "secondary"
            st.button(
                act,
                key=f"{key}.act",
                type=kind,
                disabled=not sure,
                on_click=_confirmed,
                args=(f"{key}.typed", phrase, on_confirm),
            )

    body()


def _confirmed(widget: str, phrase: str, on_confirm: Callable[[], None]) -> None:
    if str(st.session_state.get(widget, "")).strip() == phrase:
        dialogs.close()
        states.acting(on_confirm)()
