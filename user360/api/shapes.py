"""How users, segments and rules look in JSON. Field names are the contract with whoever calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from user360 import clock, profiles, properties, segments
from user360.api.calls import page_of
from user360.errors import InvalidRequest, Unknown
from user360.segments import membership

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from user360.api.calls import Answer, Asked
    from user360.people import People
    from user360.segments import Rule
    from user360.segments.saved import Segment
    from user360.store import Store

SEGMENTS: Final = "segments"


def instant(at: datetime | None) -> str | None:
    """An instant in ISO 8601, in UTC."""
    return None if at is None else clock.aware(at).isoformat().replace("+00:00", "Z")


def segment(found: Segment) -> dict[str, Any]:
    """A saved segment; a fixed list has no definition."""
    return {
        "id": found.id,
        "name": found.name,
        "kind": found.kind,
        "description": found.description,
        "version": found.version,
        "definition": segments.dump(found.rule) if found.rule is not None else None,
        "createdAt": instant(found.made_at),
        "createdBy": found.made_by,
        "updatedAt": instant(found.changed_at),
        "updatedBy": found.changed_by,
        "archived": found.archived_at is not None,
        "archivedAt": instant(found.archived_at),
    }


def definition(asked: Asked, name: str = "definition") -> Rule:
    """The rule a call brings."""
    if name not in asked.given:
        raise InvalidRequest(f"$.{name}", "is missing.", "Give a segment definition.")
    return segments.parse(asked.given[name])


def matching(asked: Asked, rule: Rule) -> Answer:
    """One page of the users a rule finds; of an earlier instant those who are still there."""
    limit, offset = asked.page()
    at, past = asked.as_of()
    people = segments.people(asked.store, rule, at=at, past=past)
    living = people & profiles.everyone(asked.store)
    items = users(
        asked.store,
        living,
        columns=asked.texts("columns"),
        sort=asked.texts("sort") or (),
        limit=limit,
        offset=offset,
        at=asked.at,
    )
    return page_of(items, len(living), limit=limit, offset=offset)


def users(
    store: Store, people: People, *, columns: Sequence[str] | None, sort: Sequence[str], limit: int, offset: int, at: datetime
) -> list[dict[str, Any]]:
    """One page of users. Without columns all that is known of each and their segments; with columns just these, null for unknown.

    The newest session comes first, unless `sort` names properties, with `-` before one for descending.
    """
    known = [each.name for each in properties.find(store)]
    wanted = [each for each in columns if each != SEGMENTS] if columns is not None else known
    order = [(each.removeprefix("-"), each.startswith("-")) for each in sort] or profiles.NEWEST_SESSION
    for name in (*wanted, *(each for each, _ in order)):
        if name not in known:
            missing = Unknown.named("property", name, known)
            raise InvalidRequest("$.columns" if name in wanted else "$.sort", missing.message, missing.hint)
    read = list(dict.fromkeys([*wanted, "userId"]))
    table = profiles.find(store, within=people, columns=read, sort=order, limit=limit, offset=offset)
    rows = table.to_pylist()
    inside = columns is None or SEGMENTS in columns
    members = membership.of_many(store, [row["profile_key"] for row in rows], at=at) if inside else {}
    return [_user(row, wanted, whole=columns is None) | _inside(members, row, inside=inside) for row in rows]


def _inside(members: dict[int, tuple[Segment, ...]], row: dict[str, Any], *, inside: bool) -> dict[str, Any]:
    return {SEGMENTS: [each.id for each in members[row["profile_key"]]]} if inside else {}


def _user(row: dict[str, Any], wanted: Sequence[str], *, whole: bool) -> dict[str, Any]:
    values = {each: value(row[each]) for each in wanted if not whole or row[each] is not None}
    if "tags" in wanted:
        values["tags"] = list(row["tags"] or [])
    user_id = row["userId"]
    return {"userId": user_id, "id": str(row["profile_key"]), "identified": user_id is not None, "properties": values}


def value(value: Any) -> Any:
    """A value of the database as JSON has it: numbers, truth and lists as themselves, times as ISO 8601."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 10**15 else value
    if hasattr(value, "hour") and hasattr(value, "year"):
        return instant(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
