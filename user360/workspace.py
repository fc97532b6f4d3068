"""Settings of the workspace, and what each analyst likes to see.

The zone decides where days begin, the week start decides weeks; without one home for them two
figures on one page could mean different days. A preference (chosen columns, say) is any JSON value
under an analyst's name. Properties and their order for everybody do not live here.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from user360 import activity, enrichment
from user360.errors import Invalid, Unknown, shorten
from user360.sql import sql

if TYPE_CHECKING:
    from datetime import datetime

    from user360.store import Store

WORKSPACE: Final = "workspace"
DEFAULT_ZONE: Final = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Workspace:
    """`week_starts` is 0 for Monday … 6 for Sunday. `user_id_property` is the property that feeds the user id.

    `automatic_properties`: whether a trait no property has the name of becomes a custom property by itself.
    `geoip_file` is the path of a database that knows cities, unless the environment names another.
    """

    zone_name: str = DEFAULT_ZONE
    week_starts: int = 0
    user_id_property: str = "userId"
    automatic_properties: bool = False
    geoip_file: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The zone days and weeks are counted in."""
        return ZoneInfo(self.zone_name)


def get(store: Store) -> Workspace:
    """The settings as they are."""
    return store.kept(_settings, "workspace")


def _settings(store: Store) -> Workspace:
    kept = {
        each: json.loads(value) for each, value in store.rows(sql("SELECT name, value FROM settings WHERE scope = {}", WORKSPACE))
    }
    return Workspace(**kept)


def change(
    store: Store,
    *,
    zone_name: str | None = None,
    week_starts: int | None = None,
    user_id_property: str | None = None,
    automatic_properties: bool | None = None,
    geoip_file: str | None = None,
) -> Workspace:
    """Change what is given, and answer the settings as they are then.

    Whether a property can feed the user id is for `properties.feed_user_id` to say, which ends here.
    """
    if zone_name is not None:
        if zone_name not in available_timezones():
            raise Unknown.named("time zone", zone_name, available_timezones())
        _put(store, WORKSPACE, "zone_name", zone_name)
    if week_starts is not None:
        _put(store, WORKSPACE, "week_starts", week_starts % 7)
    if user_id_property is not None:
        _put(store, WORKSPACE, "user_id_property", user_id_property)
    if geoip_file is not None:
        found = enrichment.described(geoip_file)
        if geoip_file.strip() and found.fault:
            raise Invalid(f"“{shorten(geoip_file)}” cannot be used.", found.fault)
        _put(store, WORKSPACE, "geoip_file", geoip_file.strip())
    if automatic_properties is not None:
        _put(store, WORKSPACE, "automatic_properties", automatic_properties)
    return get(store)


def choose(store: Store, *, by: str, at: datetime, **wanted: Any) -> Workspace:
    """Change what is given, as `change` does, and leave a line in the activity log for what is another now."""
    with store.transaction() as tx:
        before = asdict(get(store))
        after = asdict(change(store, **wanted))
        for each, value in after.items():
            if value != before[each]:
                activity.record(tx, "change setting", each, {"from": before[each], "to": value}, by=by, at=at)
    return get(store)


def preference(store: Store, analyst: str, name: str) -> object | None:
    """What the analyst kept under that name, if anything."""
    found = store.rows(sql("SELECT value FROM settings WHERE scope = {} AND name = {}", _scope(analyst), name))
    return json.loads(found[0][0]) if found else None


def keep(store: Store, analyst: str, name: str, value: object) -> None:
    """Keep a JSON value for an analyst under a name."""
    _put(store, _scope(analyst), name, value)


def _scope(analyst: str) -> str:
    return f"analyst:{analyst}"


def _put(store: Store, scope: str, name: str, value: object) -> None:
    with store.transaction() as tx:
        tx.execute(sql("DELETE FROM settings WHERE scope = {} AND name = {}", scope, name))
        tx.execute(sql("INSERT INTO settings VALUES ({}, {}, {})", scope, name, json.dumps(value)))
        tx.touch("workspace")
