"""How users, segments and rules look in JSON. Field names are the contract with whoever calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from user360 import clock, datatypes, profiles, properties, segments
from user360.api.calls import page_of
from user360.errors import InvalidRequest, InvalidValue, Unknown, shorten
from user360.people import People
from user360.segments import membership

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.api.calls import Answer, Asked
    from user360.properties import Property
    from user360.segments import Rule
    from user360.segments.saved import Segment
    from user360.store import Store

SEGMENTS: Final = "segments"
SOURCE: Final = "HTTP call"
BY_ID: Final = "id:"
LAST_KEY: Final = 2**32
LONGEST_NUMBER: Final = 9
GONE: Final = "They may have been deleted, or merged into another."


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
    store: Store,
    people: People | None,
    *,
    columns: Sequence[str] | None,
    sort: Sequence[str],
    limit: int,
    offset: int,
    at: datetime,
) -> list[dict[str, Any]]:
    """One page of users, of everybody without `people`. Without columns all that is known of each and their segments.

    With columns just these, null for unknown. The newest session comes first, unless `sort` names properties, with `-`
    before one for descending.
    """
    wanted = _wanted(store, columns)
    order = [(each.removeprefix("-"), each.startswith("-")) for each in sort] or profiles.NEWEST_SESSION
    for name, _ in order:
        known_property(store, name, "$.sort")
    read = list(dict.fromkeys([*wanted, "userId"]))
    rows = profiles.find(store, within=people, columns=read, sort=order, limit=limit, offset=offset).to_pylist()
    members = membership.of_many(store, [row["profile_key"] for row in rows], at=at) if _inside(columns) else {}
    return [_user(row, wanted, members.get(row["profile_key"]), whole=columns is None) for row in rows]


def user(store: Store, profile_key: int, *, columns: Sequence[str] | None, at: datetime) -> dict[str, Any]:
    """One user, as a page has them."""
    wanted = _wanted(store, columns)
    read = list(dict.fromkeys([*wanted, "userId"]))
    rows = profiles.find(store, within=People.of([profile_key]), columns=read, limit=1).to_pylist()
    if not rows:
        raise Unknown("There is no such user.", GONE)
    return _user(rows[0], wanted, membership.of(store, profile_key, at=at) if _inside(columns) else None, whole=columns is None)


def person(asked: Asked, name: str = "userId") -> int:
    """The profile of the user an address names: by their userId, or `id:` and the stable id of one who has none."""
    return profile_of(asked.store, asked.place[name])


def profile_of(store: Store, given: str) -> int:
    """The profile of a user id, or of `id:` and a stable id."""
    try:
        user_id = str(datatypes.get("string").parse(given) or "")
    except InvalidValue:
        user_id = ""
    found = profiles.key_of(store, user_id)
    number = user_id.removeprefix(BY_ID)
    if found is None and number != user_id and number.isascii() and number.isdigit() and int(number) < LAST_KEY:
        found = profiles.get(store, int(number)).key
    if found is None:
        raise Unknown(f"There is no user “{shorten(given)}”.", GONE)
    return found


def number(asked: Asked, what: str, name: str = "id") -> int:
    """The number an address names something of ours by; `what` says what that is."""
    given = asked.place[name]
    if not (given.isascii() and given.isdigit() and len(given) <= LONGEST_NUMBER):
        raise Unknown(f"There is no {what} {shorten(given)}.")
    return int(given)


def address(found: Mapping[str, Any]) -> str:
    """What stands for a user in an address, encoded."""
    return quote(called(found["userId"], found["id"]), safe="")


def called(user_id: str | None, profile_key: object) -> str:
    """How a call names a user: by their userId, or `id:` and the stable id of one who has none."""
    return user_id or f"{BY_ID}{profile_key}"


def known_property(store: Store, name: str, path: str) -> Property:
    """The property of that name; a name nobody made is refused, pointing at the path it came by."""
    known = {each.name: each for each in properties.find(store)}
    if name not in known:
        missing = Unknown.named("property", name, known)
        raise InvalidRequest(path, missing.message, missing.hint)
    return known[name]


def chosen(asked: Asked) -> list[str] | None:
    """The properties an address asks for, each of which there is; None where it asks for none."""
    wanted = asked.texts("properties")
    for each in wanted or ():
        if each != SEGMENTS:
            known_property(asked.store, each, "$.properties")
    return wanted


def _wanted(store: Store, columns: Sequence[str] | None) -> list[str]:
    """The properties to read, each of which there is."""
    if columns is None:
        return [each.name for each in properties.find(store)]
    return [known_property(store, each, "$.columns").name for each in columns if each != SEGMENTS]


def _inside(columns: Sequence[str] | None) -> bool:
    return columns is None or SEGMENTS in columns


def _user(row: dict[str, Any], wanted: Sequence[str], inside: Sequence[Segment] | None, *, whole: bool) -> dict[str, Any]:
    values = {each: value(row[each]) for each in wanted if not whole or row[each] is not None}
    if "tags" in wanted:
        values["tags"] = list(row["tags"] or [])
    user_id = row["userId"]
    told = {"userId": user_id, "id": str(row["profile_key"]), "identified": user_id is not None, "properties": values}
    return told if inside is None else told | {SEGMENTS: [each.id for each in inside]}


def value(value: Any) -> Any:
    """A value of the database as JSON has it: numbers, truth and lists as themselves, times as ISO 8601."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 10**15 else value
    if hasattr(value, "hour") and hasattr(value, "year"):
        return instant(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
