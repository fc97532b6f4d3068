"""The shelf of insights: a file dropped here is a question the product can ask.

Each file holds one `INSIGHT`, a class of questions. The shelf reads them all, refuses two of one kind, and asks them: the
answer and the people behind one mark come of the same relation. What a question is made of stands in `insight`.
"""

from __future__ import annotations

import pkgutil
import time
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from user360 import events, insight, segments
from user360.errors import InvalidInsight, Unknown, shorten
from user360.insight import OTHER, VALUE, Asked, Insight, Result
from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from user360.people import People
    from user360.segments import Rule
    from user360.sql import Sql
    from user360.store import Store


@cache
def _shelf() -> dict[str, type[Insight]]:
    found: dict[str, type[Insight]] = {}
    for module in pkgutil.iter_modules(__path__):
        kind: type[Insight] = import_module(f"{__name__}.{module.name}").INSIGHT
        if kind.kind in found:
            raise ValueError(f"two insights are called {kind.kind}")
        found[kind.kind] = kind
    return dict(sorted(found.items()))


def every() -> tuple[type[Insight], ...]:
    """All kinds."""
    return tuple(_shelf().values())


def get(kind: str) -> type[Insight]:
    """One kind, or a refusal that offers the nearest."""
    if kind not in _shelf():
        raise Unknown.named("insight", kind, _shelf())
    return _shelf()[kind]


def parse(source: str | Mapping[str, Any]) -> Insight:
    """A question from its JSON, or a refusal with the path of the fault."""
    return insight.parse(source, _shelf())


def dump(question: Insight) -> dict[str, Any]:
    """The objects of a question's JSON."""
    return insight.dump(question)


def run(store: Store, question: Insight, *, at: datetime) -> Result:
    """Ask it: the table in long form with what its columns are."""
    began = time.perf_counter()
    told: list[Sql] = []

    def read(query: Sql) -> pa.Table:
        told.append(query)
        return store.read(query)

    asked = replace(_asked(store, question, at), read=read)
    timed = any(role.kind == "time" for role in question.roles.values())
    found = insight.buckets(question, asked) if timed else ()
    table = question.finished(question.compile(asked).answered(read), found)
    roles = {each: role for each, role in question.roles.items() if each in table.column_names}
    milliseconds = 1000 * (time.perf_counter() - began)
    return Result(
        table, roles, tuple(each.shown() for each in told), min(at, events.newest(store, about=at) or at), milliseconds, found
    )


def who(store: Store, question: Insight, cell: Mapping[str, Any], *, at: datetime) -> People:
    """The people behind one mark of the answer."""
    plan = question.compile(_asked(store, question, at))
    if cell:
        _check_cell(question, cell, store.read(sql("SELECT * FROM ({}) LIMIT 0", plan.relation)).schema)
    return store.people(insight.behind(plan, cell))


def _check_cell(question: Insight, cell: Mapping[str, Any], columns: pa.Schema) -> None:
    """Refuse a cell with columns the marks of this answer do not have, or with values of another kind."""
    known = [each for each in question.roles if each in columns.names]
    for each, value in cell.items():
        if each not in known:
            raise InvalidInsight(f"$.cell.{shorten(each)}", "is no column of this answer.", f"It has {', '.join(sorted(known))}.")
        kind = columns.field(each).type
        texts = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        fits = isinstance(value, str) if texts else isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not fits and not pa.types.is_boolean(kind):
            raise InvalidInsight(f"$.cell.{each}", f"{shorten(value)} is not {'text' if texts else 'a number'}.")


def like(store: Store, question: Insight, cell: Mapping[str, Any], *, moving: bool, at: datetime) -> Rule | None:
    """The rule of people like those behind a mark, its window moving with time or fixed; None where no rule says it."""
    asked = _asked(store, question, at)
    if cell.get("breakdown") == OTHER:
        found = set(question.compile(asked).answered(store.read)["breakdown"].to_pylist())
        asked = replace(asked, groups=tuple(sorted(each for each in found if each is not None and each.startswith(VALUE))))
    return question.like(cell, asked, moving=moving)


def _asked(store: Store, question: Insight, at: datetime) -> Asked:
    catalog = segments.load_catalog(store)
    question.check(catalog)
    asked = Asked(
        catalog,
        at,
        room=store.room(),
        channels=len(store.kept(events.channels, "events")),
        read=store.read,
        tallies=events.tallies(store),
    )
    if question.people is None or not question.people.conditions:
        return asked
    return replace(asked, among=segments.people(store, question.people, at=at).met())
