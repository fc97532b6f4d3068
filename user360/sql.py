"""A query and its values as one thing.

SQL text and its parameters travel together, so no value can end up inside text and no text can
lose its values. Identifiers are quoted by `name` alone. The rooms that write queries build them
with `sql`, whose template is always a constant; the store is the only room that runs them.

    sql("SELECT {} FROM profiles WHERE {} = {}", name("email"), name("country"), "IN")

Which tables exist does not live here (`schema`), nor how a query is run (`store`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache
from string import Formatter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Parameter: TypeAlias = str | int | float | bool | bytes | date | datetime | time | list[str] | None

_SLOTS: Final = object()
# Where a value stands, or what is quoted: a question mark within quotes is one of text, such as that of a pattern.
_PARTS = re.compile(r"""'[^']*'|"[^"]*"|\?""")


@dataclass(frozen=True, slots=True)
class Sql:
    """Text with `?` for each value, the values in order, and Arrow tables the text names."""

    text: str
    params: tuple[Parameter, ...] = ()
    relations: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __bool__(self) -> bool:
        return bool(self.text)

    def shown(self) -> str:
        """The query as people read it: each value in its place. For eyes only, never to be run."""
        values = iter(self.params)
        return _PARTS.sub(lambda found: _literal(next(values)) if found[0] == "?" else found[0], self.text)


Part: TypeAlias = Sql | Parameter

NOTHING = Sql("")


def sql(template: str, *parts: Part, **relations: Any) -> Sql:
    """Fill each `{}` of a constant template: fragments go in as text, values become parameters.

    Keyword arguments are Arrow tables, which the text may name like tables.
    """
    waiting = iter(parts)
    text: list[str] = []
    params: list[Parameter] = []
    tables: dict[str, Any] = dict(relations)
    for literal, has_slot in _pieces(template):
        text.append(literal)
        if not has_slot:
            continue
        part = next(waiting)
        if isinstance(part, Sql):
            text.append(part.text)
            params.extend(part.params)
            tables.update(part.relations)
        else:
            text.append("?")
            params.append(part)
    if next(waiting, _SLOTS) is not _SLOTS:
        raise ValueError(f"more parts than slots in {template!r}")
    return Sql("".join(text), tuple(params), tables)


@lru_cache(maxsize=4096)
def _pieces(template: str) -> tuple[tuple[str, bool], ...]:
    """The text before each slot, and whether one follows; read once, for a template is asked for again and again."""
    return tuple((literal, slot is not None) for literal, slot, _, _ in Formatter().parse(template))


def name(identifier: str) -> Sql:
    """The identifier, quoted: the one place that does it."""
    if not identifier or "\0" in identifier:
        raise ValueError("an identifier needs a character and no NUL")
    return Sql('"' + identifier.replace('"', '""') + '"')


def joined(separator: str, parts: Iterable[Part]) -> Sql:
    """The parts, one after the other, with the constant separator between them."""
    together = list(parts)
    return sql(separator.join(["{}"] * len(together)), *together)


def _literal(value: Parameter) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    text = str(value).replace("'", "''")
    prefix = {datetime: "TIMESTAMP ", date: "DATE ", time: "TIME "}.get(type(value), "")
    return f"{prefix}'{text}'"
