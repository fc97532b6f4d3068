"""Filling blanks from what came: country, city, position and zone from the ip address, country and zone from the phone number.

Only what is unknown is filled, in a write of its own whose source says what it was derived from, so that the
user card can tell it from what somebody gave. What an address or a number says does not live here (`enrichment`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360 import enrichment, profiles
from user360.clock import stored

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from user360.store import Transaction
    from user360.workspace import Workspace

TELLING: Final = ("ip", "phone")
"""The properties from which others are derived, in the order in which they are asked."""


def fill(tx: Transaction, keys: pa.Array, settings: Workspace, *, by: str, at: datetime, import_id: int | None = None) -> None:
    """Fill the blanks of these people, of whom an ip address or a phone number was just given."""
    if not len(keys):
        return
    database = enrichment.database_file(settings.geoip_file)
    blank = enrichment.FROM_IP if database else enrichment.FROM_PHONE
    people = profiles.with_blanks(tx, keys, blank, TELLING)
    for origin in TELLING:
        if not people.num_rows or people[origin].null_count == people.num_rows:
            continue
        given = people[origin].combine_chunks()
        told = enrichment.of_ips(given, database) if origin == "ip" else enrichment.of_phones(given)
        fresh = _fresh(people, {each: told[each].combine_chunks() for each in told.column_names if each in blank})
        _write(tx, people["profile_key"].combine_chunks(), fresh, origin, by, at, import_id)
        for each, cells in fresh.items():
            whole = pc.coalesce(people[each].combine_chunks(), cells)
            people = people.set_column(people.column_names.index(each), each, whole)


def _fresh(people: pa.Table, told: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """What is told of whom it was not known: half of a position stays as it is."""
    empty = {each: pc.is_null(people[each].combine_chunks()) for each in told}
    if "latitude" in told:
        empty["latitude"] = empty["longitude"] = pc.and_(empty["latitude"], empty["longitude"])
    return {each: pc.if_else(empty[each], cells, pa.scalar(None, cells.type)) for each, cells in told.items()}


def _write(
    tx: Transaction, keys: pa.Array, fresh: Mapping[str, pa.Array], origin: str, by: str, at: datetime, import_id: int | None
) -> None:
    given = {each: cells for each, cells in fresh.items() if cells.null_count < len(cells)}
    if not given:
        return
    some: Any = None
    for cells in given.values():
        some = pc.is_valid(cells) if some is None else pc.or_(some, pc.is_valid(cells))
    columns = {each: cells.filter(some) for each, cells in given.items()}
    picked = keys.filter(some)
    nobody = pa.nulls(len(picked), pa.string())
    meant = {each: pc.is_valid(cells) for each, cells in columns.items()}
    made_at = pa.array([stored(at)] * len(picked), pa.timestamp("us"))
    incoming = profiles.Incoming(picked, nobody, columns, meant, None, unite=True, made_at=made_at)
    profiles.write(tx, incoming, source=enrichment.DERIVED[origin], by=by, import_id=import_id, at=at)
