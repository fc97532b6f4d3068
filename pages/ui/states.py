"""How a page looks when it is not simply full: empty, nothing matches, refused, broken, unavailable.

The one place that translates the tree of refusals into looks, and the one boundary that keeps a
bug from showing a traceback: it is logged under a number, and the rest of the page lives. What a
refusal says does not live here (`user360/errors.py`).
"""

from __future__ import annotations

import logging
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec

import streamlit as st

from pages.ui.words import escape_md
from user360.errors import Interrupted, InvalidValue, StoreUnavailable, User360Error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")

_log = logging.getLogger("user360.pages")
_ESCAPED_SENTENCE = 600


def empty(
    title: str, text: str, *, icon: str = "inbox", action: str = "", key: str = "", on_click: Callable[..., None] | None = None
) -> bool:
    """Nothing is here yet: what this is, and the one thing to do. Answers whether the button was pressed."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f":material/{icon}:", width="content")
        st.markdown(f"**{title}**")
        st.markdown(text)
        return bool(action) and st.button(action, key=key or f"empty.{title}", type="primary", on_click=on_click)


def nothing_matches(
    title: str,
    text: str = "",
    *,
    action: str = "",
    on_click: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
    key: str = "nothing",
) -> None:
    """The table's place when the filters leave no one. `text` is Markdown: escape data."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(":material/search_off:", width="content")
        st.markdown(f"**{title}**")
        if text:
            st.markdown(text)
        if action:
            st.button(action, key=f"{key}.act", icon=":material/filter_alt_off:", on_click=on_click, args=args)


def nothing_to_show(text: str) -> None:
    """An empty card's one quiet sentence: what will stand here, and from where."""
    st.caption(text)


def refused(refusal: User360Error) -> None:
    """A refusal beside the field or under the control it belongs to: what, why, how to mend it."""
    st.error(escape_md(sentence(refusal), _ESCAPED_SENTENCE), icon=":material/block:")


def sentence(refusal: User360Error) -> str:
    """The refusal as plain text; of a value without the property's name, which stands above the field."""
    if isinstance(refusal, InvalidValue):
        return f"“{refusal.value}” {refusal.reason}. {refusal.hint}".strip()
    return str(refusal)


def broken(subject: str, fault: BaseException, *, key: str = "") -> None:
    """A bug: logged under a number, shown without a trace. `subject` begins the sentence: `This chart`."""
    number = log(subject, fault)
    with st.container(gap="xsmall"):
        st.error(
            f"{subject} could not be drawn. Nothing was changed. Try again, or tell your admin the number **{number}**.",
            icon=":material/error:",
        )
        st.button("Try again", key=f"again.{subject}.{key}", icon=":material/refresh:")


def log(subject: str, fault: BaseException) -> str:
    """Write a bug to the log and answer its number, to be handed on."""
    number = f"E-{secrets.token_hex(2).upper()}"
    _log.error("%s: %s", number, subject, exc_info=fault)
    return number


def unavailable(refusal: StoreUnavailable) -> None:
    """The whole page when the database cannot be used now."""
    st.header("The database is not available", anchor=False)
    st.error(escape_md(refusal.message, _ESCAPED_SENTENCE), icon=":material/database_off:")
    if refusal.hint:
        st.markdown(escape_md(refusal.hint, _ESCAPED_SENTENCE))
    st.button("Try again", key="unavailable.again", icon=":material/refresh:", type="primary")


@contextmanager
def boundary(subject: str = "This page", *, key: str = "") -> Iterator[None]:
    """Draw inside; a refusal shows as one, a bug as `broken`, an overtaken run simply ends.

    Wrap a page's separate parts (each chart, each card) so that one fault leaves the others alive.
    """
    try:
        yield
    except Interrupted:
        st.stop()
    except StoreUnavailable:
        raise
    except User360Error as refusal:
        refused(refusal)
    except Exception as fault:  # noqa: BLE001 - the one boundary: whatever it is, it is logged and shown as broken
        broken(subject, fault, key=key)


def acting(action: Callable[P, None]) -> Callable[P, None]:
    """For widget callbacks: a refusal or a bug becomes a line on top of the page, and nothing else runs."""

    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            action(*args, **kwargs)
        except Interrupted:
            return
        except User360Error as refusal:
            _later(sentence(refusal))
        except Exception as fault:  # noqa: BLE001 - as in boundary
            _later(
                f"This could not be done. Nothing was changed. Try again, or tell your admin the number {log(repr(action), fault)}."
            )

    return guarded


def _later(text: str) -> None:
    st.session_state.setdefault("states.later", []).append(text)


def show_later() -> None:
    """Draw what a callback was refused. The shell calls it on top of the page."""
    for text in st.session_state.pop("states.later", []):
        st.error(escape_md(text, _ESCAPED_SENTENCE), icon=":material/block:")


def fault_under(faults: dict[str, str], field: str) -> None:
    """The red line under one field of a form, if it was refused. `faults` maps field to plain text."""
    if field in faults:
        st.markdown(f":red[:material/block: {escape_md(faults[field], _ESCAPED_SENTENCE)}]")


__all__ = [
    "acting",
    "boundary",
    "broken",
    "empty",
    "fault_under",
    "log",
    "nothing_matches",
    "nothing_to_show",
    "refused",
    "sentence",
    "show_later",
    "unavailable",
]
