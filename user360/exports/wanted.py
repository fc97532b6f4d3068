"""What goes into a file: which people, which events, or the rows of a table, and how that is said in English.

Each says its columns, how many rows there will be, and gives them batch by batch. How they look in
the file does not live here (`layout`, `formats`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from user360 import events, profiles, properties, segments
from user360.errors import Unknown
from user360.exports.layout import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

    from user360.people import People
    from user360.profiles import Sort
    from user360.segments import Rule
    from user360.store import Store

EVENT_COLUMNS: Final = {
    "userId": "string",
    "event": "string",
    "timestamp": "datetime",
    "channel": "string",
    "source": "string",
    "messageId": "string",
    "properties": "json",
}
OWN: Final = "properties."
BATCH: Final = 50_000


@dataclass(frozen=True, slots=True)
class Users:
    """Users: all, those a rule finds, or those named, who also match a search; which properties, in which order.

    Where both are given, `within` says who, and the rule only why.
    """

    columns: tuple[str, ...]
    rule: Rule | None = None
    within: People | None = None
    search: str = ""
    sort: tuple[Sort, ...] = ()
    past: bool = False
    unit: str = "user"

    def kinds(self, store: Store) -> dict[str, str]:
        """The kind of each column, or a refusal of one nobody knows."""
        known = {each.name: each.datatype.name for each in properties.find(store)}
        return _chosen("property", (*self.columns, *(each for each, _ in self.sort)), known)

    def people(self, store: Store, at: datetime) -> People | None:
        """Who is meant; None for everybody."""
        found = self.within
        if found is None and self.rule is not None:
            found = segments.people(store, self.rule, at=at, past=self.past)
        if found is None and not self.search.strip():
            return None
        return profiles.matching(store, within=found, search=self.search) & profiles.everyone(store)

    def total(self, store: Store, people: People | None) -> int:
        """How many rows there will be."""
        return profiles.count(store) if people is None else len(people)

    def batches(self, store: Store, people: People | None) -> Iterator[pa.RecordBatch]:
        """The rows."""
        return profiles.stream(store, within=people, columns=self.columns, sort=self.sort)

    def to_json(self) -> dict[str, Any]:
        """What is asked for, as JSON."""
        found: dict[str, Any] = {"of": "users", "columns": list(self.columns)}
        if self.rule is not None:
            found["definition"] = segments.dump(self.rule)
        if self.search.strip():
            found["search"] = self.search.strip()
        if self.within is not None and self.rule is None:
            found["chosen"] = len(self.within)
        return found | ({"sort": [f"-{name}" if down else name for name, down in self.sort]} if self.sort else {})

    def sentence(self, store: Store, at: datetime) -> str:
        """Whose rows these are, in English."""
        if self.rule is not None:
            return segments.describe(self.rule, segments.load_catalog(store), at=at)
        who = "Everyone." if self.within is None else f"{len(self.within):,} chosen users."
        return who if not self.search.strip() else f"{who[:-1]} who match the search “{self.search.strip()}”."


@dataclass(frozen=True, slots=True)
class Events:
    """Events: all, or those of some names, channels, people and days, the oldest first.

    A column `properties.amount` holds that property of each event.
    """

    columns: tuple[str, ...] = tuple(EVENT_COLUMNS)
    names: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    rule: Rule | None = None
    within: People | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    system: bool = True
    unit: str = "event"

    def kinds(self, store: Store) -> dict[str, str]:
        """The kind of each column, or a refusal of what nobody knows."""
        _chosen("event", self.names, dict.fromkeys(events.names(store), ""))
        _chosen("channel", self.channels, dict.fromkeys(events.channels(store), ""))
        own = {each: "string" for each in self.columns if each.startswith(OWN) and len(each) > len(OWN)}
        return _chosen("column", self.columns, EVENT_COLUMNS | own)

    def people(self, store: Store, at: datetime) -> People | None:
        """Whose events are meant; None for everybody's."""
        return segments.people(store, self.rule, at=at) if self.within is None and self.rule is not None else self.within

    def total(self, store: Store, people: People | None) -> int:
        """How many rows there will be."""
        return events.count(store, within=people, **self._filters())

    def batches(self, store: Store, people: People | None) -> Iterator[pa.RecordBatch]:
        """The rows."""
        own = tuple(each.removeprefix(OWN) for each in self.columns if each.startswith(OWN))
        return events.through(store, within=people, own=own, **self._filters())

    def _filters(self) -> dict[str, Any]:
        return {each: getattr(self, each) for each in ("names", "channels", "since", "until", "text", "system")}

    def to_json(self) -> dict[str, Any]:
        """What is asked for, as JSON."""
        given = {each: value for each, value in self._filters().items() if value and each != "system"}
        found: dict[str, Any] = {"of": "events", "columns": list(self.columns)}
        if self.rule is not None:
            found["definition"] = segments.dump(self.rule)
        return found | {name: _plain(value) for name, value in given.items()}

    def sentence(self, store: Store, at: datetime) -> str:
        """Which events these are, in English."""
        what = f"The events {', '.join(self.names)}" if self.names else "All events"
        on = f" on {', '.join(self.channels)}" if self.channels else ""
        since = f" from {self.since:%Y-%m-%d %H:%M}Z" if self.since else ""
        until = f" to {self.until:%Y-%m-%d %H:%M}Z" if self.until else ""
        of = "" if self.rule is None else f" of: {segments.describe(self.rule, segments.load_catalog(store), at=at).rstrip('.')}"
        return f"{what}{on}{since}{until}{of}."


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table that something else answered, a chart say, with its own sentence and definition."""

    table: pa.Table
    title: str
    about: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    personal: bool = False
    unit: str = "row"

    def __post_init__(self) -> None:
        """Without a choice all columns are meant."""
        object.__setattr__(self, "columns", tuple(self.columns or self.table.column_names))

    def kinds(self, _: Store) -> dict[str, str]:
        """The kind of each column, as its type says."""
        return _chosen("column", self.columns, {each.name: kind_of(each.type) for each in self.table.schema})

    def people(self, _: Store, __: datetime) -> People | None:
        """Rows of a table are nobody's."""
        return None

    def total(self, _: Store, __: People | None) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    def batches(self, _: Store, __: People | None) -> Iterator[pa.RecordBatch]:
        """The rows."""
        yield from self.table.select(list(dict.fromkeys(self.columns))).combine_chunks().to_batches(BATCH)

    def to_json(self) -> dict[str, Any]:
        """What is asked for, as JSON."""
        return {"of": "table", "columns": list(self.columns)} | dict(self.about)

    def sentence(self, _: Store, __: datetime) -> str:
        """What the table says, in English."""
        return self.title


Wanted: TypeAlias = "Users | Events | Rows"


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else list(value) if isinstance(value, tuple) else value


def _chosen(what: str, names: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    for each in names:
        if each not in known:
            raise Unknown.named(what, each, known)
    return {each: known[each] for each in names}
