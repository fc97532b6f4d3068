"""Annotations: what happened on a day, in a few words, so that a bend in a curve can be understood.

They belong to the workspace and stand on every chart over time. Without them the reason for a peak lives in one
person's memory. How they are drawn does not live here.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from user360 import activity
from user360.clock import stored
from user360.errors import Invalid, Unknown, shorten
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from datetime import date, datetime

    from user360.store import Store

TOPIC: Final = "annotations"
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Annotation:
    """What happened on a day of the workspace's calendar."""

    id: str
    day: date
    text: str
    by: str


_ROWS: Final = Sql("SELECT annotation_id, day, text, made_by FROM annotations ORDER BY day, made_at, annotation_id")


def find(store: Store, *, first: date | None = None, last: date | None = None) -> tuple[Annotation, ...]:
    """Those of the days from `first` to `last`, both included, oldest first."""
    every = [Annotation(*row) for row in store.rows(_ROWS)]
    return tuple(each for each in every if (first is None or each.day >= first) and (last is None or each.day <= last))


def write(store: Store, day: date, text: str, *, by: str, at: datetime) -> Annotation:
    """Say what happened on a day."""
    told = _plain(text)
    with store.transaction() as tx:
        made = Annotation(f"a{tx.take('annotations') + 1}", day, told, by)
        tx.execute(sql("INSERT INTO annotations VALUES ({}, {}, {}, {}, {})", made.id, day, told, stored(at), by))
        activity.record(tx, "annotate", told, {"annotation": made.id, "day": day.isoformat()}, by=by, at=at)
        tx.touch(TOPIC)
    return made


def change(store: Store, annotation_id: str, text: str, *, by: str, at: datetime) -> None:
    """Say it in other words."""
    told = _plain(text)
    with store.transaction() as tx:
        found = _get(store, annotation_id)
        tx.execute(sql("UPDATE annotations SET text = {} WHERE annotation_id = {}", told, annotation_id))
        activity.record(tx, "change annotation", told, {"annotation": annotation_id, "before": found.text}, by=by, at=at)
        tx.touch(TOPIC)


def delete(store: Store, annotation_id: str, *, by: str, at: datetime) -> Annotation:
    """Take one away, and answer it, so that it can be written again."""
    with store.transaction() as tx:
        found = _get(store, annotation_id)
        tx.execute(sql("DELETE FROM annotations WHERE annotation_id = {}", annotation_id))
        activity.record(
            tx, "delete annotation", found.text, {"annotation": annotation_id, "day": found.day.isoformat()}, by=by, at=at
        )
        tx.touch(TOPIC)
    return found


def _get(store: Store, annotation_id: str) -> Annotation:
    for each in find(store):
        if each.id == annotation_id:
            return each
    raise Unknown(f"There is no annotation “{shorten(annotation_id)}”.", "Somebody may have taken it away.")


def _plain(text: str) -> str:
    told = " ".join("".join(each if each.isprintable() else " " for each in unicodedata.normalize("NFC", text)).split())
    if not told:
        raise Invalid("An annotation needs words.", "Say in a few words what happened.")
    if len(told) > LONGEST:
        raise Invalid("The annotation is too long.", f"Use {LONGEST} characters at most.")
    return told
