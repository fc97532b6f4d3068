"""Answers about profiles: pages of the table, one record, its history.

A page is found in two steps, keys first and then only the rows and columns shown, so that page
1,000 of a million users costs little more than the first. A page past the middle is read from the
other end, and of one far in only those are sorted who, by a sample, may stand before its end.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360 import identities, properties
from user360.clock import aware, stored
from user360.errors import Unknown
from user360.people import People
from user360.sql import NOTHING, Sql, joined, name, sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from user360.datatype import DataType, Value
    from user360.store import Store, Transaction

Sort = tuple[str, bool]
NEWEST_SESSION: Final[tuple[Sort, ...]] = (("lastSession", True),)
FAR: Final = 5_000
SAMPLED: Final = 50


@dataclass(frozen=True, slots=True)
class Profile:
    """One person: `values` holds what is known, by property, tags among them."""

    key: int
    user_id: str | None
    values: Mapping[str, Value]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags, by name."""
        found = self.values.get("tags", ())
        return found if isinstance(found, tuple) else ()


@dataclass(frozen=True, slots=True)
class Change:
    """One property changed: from `old` to `new` (canonical text, None for unknown)."""

    property: str
    old: str | None
    new: str | None
    at: datetime
    by: str
    source: str


def everyone(store: Store) -> People:
    """All living profiles, read once as long as nobody comes or goes."""
    return store.kept(_everyone, "profiles")


def _everyone(store: Store) -> People:
    """As long as nobody left they are all keys up to the highest, which need not be read one by one."""
    ((count, highest),) = store.rows(Sql("SELECT count(*), max(profile_key) FROM profiles"))
    return (
        People.first(count) if highest is None or count == highest + 1 else store.people(Sql("SELECT profile_key FROM profiles"))
    )


def count(store: Store, *, within: People | None = None, search: str = "") -> int:
    """How many profiles match."""
    if within is None and not search.strip():
        return store.kept(_count, "profiles")
    return len(matching(store, within=within, search=search))


def _count(store: Store) -> int:
    return int(store.rows(Sql("SELECT count(*) FROM profiles"))[0][0])


def matching(store: Store, *, within: People | None = None, search: str = "") -> People:
    """The people who match a search and stand within a group."""
    if not search.strip():
        return everyone(store) if within is None else within
    found = store.people(sql("SELECT profile_key FROM profiles WHERE {}", _searched(store, search)))
    return found if within is None else found & within


def find(
    store: Store,
    *,
    within: People | None = None,
    search: str = "",
    columns: Sequence[str],
    sort: Sequence[Sort] = NEWEST_SESSION,
    limit: int = 50,
    offset: int = 0,
) -> pa.Table:
    """One page: `profile_key`, then the columns asked for; unknown values last, whichever way it is sorted."""
    people = None if within is None and not search.strip() else matching(store, within=within, search=search)
    total = count(store) if people is None else len(people)
    take = max(min(limit, total - offset), 0)
    backwards = offset > total / 2
    start = max(total - offset - take, 0) if backwards else offset  # past the end there is nothing to take
    among = sql("SELECT * FROM profiles {}", _within(people))
    order = _order(store, sort, backwards=backwards)
    before = _before(store, among, sort, start + take, backwards=backwards) if start + take > FAR else NOTHING
    keys = _keys(store, among, before, order, take, start)
    if len(keys) < take:  # the sample said too few
        keys = _keys(store, among, NOTHING, order, take, start)
    chosen = keys[::-1] if backwards else keys
    return _rows(store, chosen, columns)


def stream(
    store: Store,
    *,
    within: People | None = None,
    search: str = "",
    columns: Sequence[str],
    sort: Sequence[Sort] = (),
) -> Iterator[pa.RecordBatch]:
    """All who match, in batches: profile_key, then the columns. Without a sort in the order they came."""
    people = None if within is None and not search.strip() else matching(store, within=within, search=search)
    order = sql("ORDER BY {}", _order(store, sort, backwards=False)) if sort else NOTHING
    selected = _selected(store, columns)
    yield from store.stream(sql("SELECT profile_key{} FROM profiles p {} {}", selected, _within(people), order))


def get(store: Store, profile_key: int) -> Profile:
    """One person, or a refusal."""
    known = properties.find(store)
    columns = [each.name for each in known if not each.aside]
    selected = joined(", ", [name(each) for each in columns])
    rows = store.rows(sql("SELECT {} FROM profiles WHERE profile_key = {}", selected, profile_key))
    if not rows:
        raise Unknown("There is no such user.", "They may have been deleted, or merged into another.")
    row = dict(zip(columns, rows[0], strict=True)) | {"tags": _tags_of(store, profile_key)}
    values = {each.name: _value(row[each.name], each.datatype) for each in known if row[each.name] not in (None, [])}
    return Profile(profile_key, row["userId"], values)


def with_blanks(tx: Transaction, keys: pa.Array, blank: Sequence[str], beside: Sequence[str]) -> pa.Table:
    """Those of these people of whom one of the properties `blank` is unknown: profile_key, `blank` and `beside`."""
    asked = pa.table({"profile_key": pc.unique(keys)})
    return tx.read(
        sql(
            "SELECT profile_key, {} FROM profiles SEMI JOIN asked USING (profile_key) WHERE {}",
            joined(", ", [name(each) for each in (*blank, *beside)]),
            joined(" OR ", [sql("{} IS NULL", name(each)) for each in blank]),
            asked=asked,
        )
    )


def _tags_of(store: Store, profile_key: int) -> list[str]:
    rows = store.rows(
        sql("SELECT name FROM profile_tags JOIN tags USING (tag_id) WHERE profile_key = {} ORDER BY name", profile_key)
    )
    return [each for (each,) in rows]


def key_of(store: Store, user_id: str) -> int | None:
    """The profile a user id leads to."""
    return identities.key_of(store, user_id)


def tags(store: Store) -> list[tuple[str, int]]:
    """Every tag somebody has, with how many have it, commonest first."""
    return [
        (each, people)
        for each, people in store.rows(
            Sql(
                "SELECT name, count(*) AS people FROM profile_tags JOIN tags USING (tag_id) GROUP BY name ORDER BY people DESC, name"
            )
        )
    ]


def history(store: Store, profile_key: int) -> list[Change]:
    """Every change of one person's properties, newest first."""
    types = {each.name: each.datatype for each in properties.find(store)}
    rows = store.rows(
        sql(
            "SELECT property, old, new, written_at, by_whom, source FROM changes JOIN writes USING (write_id) "
            "WHERE profile_key = {} ORDER BY written_at DESC, write_id DESC, property",
            profile_key,
        )
    )
    return [
        Change(each, as_text(old, types[each]), as_text(new, types[each]), aware(at), by, source)
        for each, old, new, at, by, source in rows
    ]


def beside(names: Sequence[str], people: pa.Table) -> Sql:
    """Properties of a table of people by profile_key, beside the table's own columns: value0, value1 …, then those; NULL for unknown. Not for tags."""
    values = joined(", ", [sql("r.{} AS {}", name(each), name(f"value{place}")) for place, each in enumerate(names)])
    return sql("SELECT {}, p.* FROM people p JOIN profiles r USING (profile_key)", values, people=people)


def tagged(people: pa.Table) -> Sql:
    """A row for each tag of each of a table of people by profile_key: entry, then the table's own columns."""
    return sql(
        "SELECT t.name AS entry, p.* FROM people p JOIN profile_tags USING (profile_key) JOIN tags t USING (tag_id)",
        people=people,
    )


def last_changes(store: Store, people: People, property_name: str, *, since: datetime, until: datetime) -> dict[int, Change]:
    """Of each of these people the last change of one property after `since` and up to `until`, where there was one."""
    rows = store.rows(
        sql(
            "SELECT profile_key, arg_max_null(old, write_id), arg_max_null(new, write_id), max(written_at), arg_max(by_whom, write_id), "
            "arg_max(source, write_id) FROM changes JOIN writes USING (write_id) SEMI JOIN members USING (profile_key) "
            "WHERE property = {} AND written_at > {} AND written_at <= {} GROUP BY profile_key",
            property_name,
            stored(since),
            stored(until),
            members=pa.table({"profile_key": people.keys()}),
        )
    )
    datatype = properties.get(store, property_name).datatype
    return {
        key: Change(property_name, as_text(old, datatype), as_text(new, datatype), aware(at), by, source)
        for key, old, new, at, by, source in rows
    }


def deletions(store: Store, people: People) -> dict[int, tuple[datetime, str]]:
    """When those of these people who were deleted were, and by whom."""
    rows = store.rows(
        sql(
            "SELECT profile_key, deleted_at, by_whom FROM deleted_profiles JOIN writes USING (write_id) SEMI JOIN members USING (profile_key)",
            members=pa.table({"profile_key": people.keys()}),
        )
    )
    return {key: (aware(at), by) for key, at, by in rows}


def _keys(store: Store, among: Sql, before: Sql, order: Sql, take: int, start: int) -> pa.Array:
    page = sql("SELECT profile_key FROM ({}) {} ORDER BY {} LIMIT {} OFFSET {}", among, before, order, take, start)
    return store.read(page)["profile_key"].combine_chunks()


def _before(store: Store, among: Sql, sort: Sequence[Sort], place: int, *, backwards: bool) -> Sql:
    """Who may stand before this place: those up to the value which stands, of a sample of them, a little behind where the place is.

    To keep the first fifty thousand of a million texts in order took four times as long as to sort those alone.
    """
    known = {each.name: each for each in properties.find(store)}
    first = [each for each in sort if not known[each[0]].aside][:1]
    if not first:
        return NOTHING
    ((of, descending),) = first
    column, expected = name(of), place / SAMPLED
    found = store.rows(
        sql(
            "SELECT {} FROM ({}) WHERE profile_key % {} = 0 ORDER BY {} LIMIT 1 OFFSET {}",
            column,
            among,
            SAMPLED,
            _order(store, first, backwards=backwards),
            round(expected + 4 * math.sqrt(expected) + 10),
        )
    )
    if not found or found[0][0] is None:
        return NOTHING
    reached = sql("{} {} {}", column, Sql(">=" if descending != backwards else "<="), found[0][0])
    return sql("WHERE {} OR {} IS NULL", reached, column) if backwards else sql("WHERE {}", reached)


def _rows(store: Store, keys: pa.Array, columns: Sequence[str]) -> pa.Table:
    """The rows of these keys in their order. A join prunes far better than a list of keys in the text."""
    chosen = pa.table({"profile_key": keys, "place": pa.array(range(len(keys)), pa.int64())})
    return store.read(
        sql(
            "SELECT p.profile_key{} FROM profiles p JOIN chosen USING (profile_key) ORDER BY chosen.place",
            _selected(store, columns, sql("SEMI JOIN chosen USING (profile_key)")),
            chosen=chosen,
        )
    )


def _selected(store: Store, columns: Sequence[str], among: Sql = NOTHING) -> Sql:
    """`, column, column …`; tags are gathered from beside the wide table. Names are looked up, never taken on trust."""
    known = {each.name for each in properties.find(store)}
    parts = []
    for each in columns:
        if each not in known:
            raise Unknown.named("property", each, known)
        if each == "tags":
            parts.append(sql("(SELECT t.names FROM {} t WHERE t.profile_key = p.profile_key) AS tags", _tag_lists(among)))
        else:
            parts.append(sql("p.{}", name(each)))
    return sql(", {}", joined(", ", parts)) if parts else NOTHING


def _tag_lists(among: Sql) -> Sql:
    return sql(
        "(SELECT profile_key, list(name ORDER BY name) AS names FROM (SELECT * FROM profile_tags {}) JOIN tags USING (tag_id) "
        "GROUP BY profile_key)",
        among,
    )


def _within(people: People | None) -> Sql:
    """Everybody, or those of a group."""
    return NOTHING if people is None else sql("WHERE {}", people.met())


def _order(store: Store, sort: Sequence[Sort], *, backwards: bool) -> Sql:
    known = {each.name: each for each in properties.find(store)}
    parts = []
    for column, descending in sort:
        if column not in known:
            raise Unknown.named("property", column, known)
        if known[column].aside:
            continue
        direction = Sql("DESC" if descending != backwards else "ASC")
        nulls = Sql("FIRST" if backwards else "LAST")
        parts.append(sql("{} {} NULLS {}", name(column), direction, nulls))
    parts.append(Sql("profile_key DESC" if backwards else "profile_key"))
    return joined(", ", parts)


def _searched(store: Store, search: str) -> Sql:
    """Every word must stand in one of the searchable properties, without regard to case."""
    columns = [each.name for each in properties.find(store) if each.searchable]
    words = search.split()[:8]
    return joined(
        " AND ",
        [
            sql("({})", joined(" OR ", [sql("{} ILIKE {} ESCAPE '\\'", name(each), _like(word)) for each in columns]))
            for word in words
        ],
    )


def _like(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _value(raw: Any, datatype: DataType) -> Value:
    if datatype.name == "datetime":
        return aware(raw)
    return tuple(raw) if datatype.name == "list" else raw


def as_text(kept: str | None, datatype: DataType) -> str | None:
    """A value kept as JSON as its canonical text; None where it is unknown."""
    if kept is None:
        return None
    value = datatype.parse(json.loads(kept))
    return None if value is None else datatype.format(value)
