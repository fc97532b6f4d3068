"""Traits no property has the name of: offered as new custom properties, or made ones at once if the workspace says so.

What type a new property gets is told from the values seen, and stays; so a workspace has to say that it wants
this. A trait whose name no property can have, or that is one too many, stays in its event. How traits become
columns does not live here (`traits`).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from user360 import datatypes, properties, workspace
from user360.errors import User360Error
from user360.ingest import traits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.datatype import DataType
    from user360.store import Store

UNKNOWN: Final = "unknownProperty"
"""The code of the warning that a trait is no property."""


def make_room(store: Store, said: Sequence[Mapping[str, object]], *, by: str, at: datetime) -> None:
    """Make properties of the unknown traits of a batch, where the workspace wants it; before the batch's own transaction."""
    settings = workspace.get(store)
    if not settings.automatic_properties:
        return
    values: dict[str, list[str]] = {}
    for unknown in traits.read(said, properties.find(store), settings.zone).unknown.values():
        for trait, value in unknown.items():
            if value is not None and not isinstance(value, dict):
                values.setdefault(trait, []).append(traits.text_of(value) or "")
    for trait, seen in values.items():
        with contextlib.suppress(User360Error):  # no name of a property, or one too many: it stays in the event
            adopt(store, trait, type_of(seen).name, by=by, at=at)


def type_of(values: Sequence[str]) -> DataType:
    """The type of a new property, from values seen; text where there are none."""
    given = [each for each in values if each.strip()]
    if given and all(_is_list(each) for each in given):
        return datatypes.get("list")
    return datatypes.sniff(given) if given else datatypes.get("string")


def adopt(store: Store, trait: str, datatype: str, *, by: str, at: datetime) -> properties.Property:
    """Make a custom property of a trait."""
    return properties.define(store, trait, datatype, "Made from what was sent.", by=by, at=at)


def _is_list(text: str) -> bool:
    return text.startswith("[") and text.endswith(("]", "…"))
