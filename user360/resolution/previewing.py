"""What a merge would do, before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from user360 import events, identities, profiles, properties, workspace
from user360.clock import aware
from user360.resolution import uniting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from user360.datatype import DataType
    from user360.store import Store


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of both: values as text, by property.

    `fills` are blanks that get a value, `adds` the items lists take over, `stays` what both know differently: the
    value that stays and the one that is left. `created` is the createdAt that stays. `both_identified` says that
    each has a user id of their own; the one that goes leads to the one that stays.
    """

    kept: int
    gone: int
    kept_name: str
    gone_name: str
    events: int
    ids: tuple[tuple[str, str], ...]
    fills: Mapping[str, str]
    adds: Mapping[str, Sequence[str]]
    stays: Mapping[str, tuple[str, str]]
    created: datetime
    both_identified: bool

    @property
    def sentence(self) -> str:
        """All of it in one sentence, such as “38 events move, 3 blanks are filled, nothing is overwritten.”."""
        parts = [
            _counted(self.events, "event moves", "events move"),
            _counted(len(self.fills), "blank is filled", "blanks are filled"),
        ]
        if self.adds:
            parts.append(_counted(len(self.adds), "list is united", "lists are united"))
        parts.append("nothing is overwritten")
        return f"{', '.join(parts)}."


def preview(store: Store, keep: int, absorb: int) -> Preview:
    """What merging one profile into another would do, or the refusal it would meet."""
    uniting.check(store, keep, absorb)
    records = profiles.rows(store, (keep, absorb))
    kept, gone = records[keep], records[absorb]
    known = properties.find(store)
    taken = profiles.taken_over(kept, gone, known)
    types = {each.name: each.datatype for each in known}
    zone = workspace.get(store).zone

    def text(name: str, value: Any) -> str:
        return _text(types[name], value, zone)

    return Preview(
        keep,
        absorb,
        uniting.name_of(kept),
        uniting.name_of(gone),
        events.count_of(store, absorb),
        tuple((row["kind"], row["id"]) for row in identities.of(store, absorb).to_pylist()),
        {each: text(each, value) for each, value in taken.values.items()},
        taken.added,
        {each: (text(each, kept[each]), text(each, value)) for each, value in taken.refused.items()},
        aware(taken.older or kept["createdAt"]),
        kept["userId"] is not None and gone["userId"] is not None,
    )


def _text(datatype: DataType, value: Any, zone: ZoneInfo) -> str:
    if datatype.name == "datetime":
        value = aware(value)
    return datatype.format(tuple(value) if isinstance(value, list) else value, zone)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}" if number else f"no {many}"
