"""What goes in and what comes back: batches, receipts, rejections, and how rows are told apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from user360 import erased, identities
from user360.errors import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from user360.store import Transaction

Mode: TypeAlias = Literal["update", "replace"]
OnRefusal: TypeAlias = Literal["row", "value", "all"]
RuleKind: TypeAlias = Literal["overwrite", "blanks", "newest", "larger", "smaller", "append"]
Also: TypeAlias = "Callable[[Transaction, Receipt], None]"


REFUSED, NEW, CHANGED, UNCHANGED = range(4)
"""What became of a row: for events `NEW` is one not known before, `UNCHANGED` one that was."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a value counts beside the one a person has.

    Always, only into a blank, where it is newer by another property the row gives too (`by`), where it is larger or
    smaller, or as items added to a list.
    """

    kind: RuleKind = "overwrite"
    by: str = ""


@dataclass(frozen=True, slots=True)
class Users:
    """Users to create or change, a row each, in the order they are to apply.

    `columns` holds text or values of the property's own Arrow type; null means not given. `clears`
    marks cells that are to become unknown. A row is addressed by `profile_keys` or else by user id;
    with neither it is a new unidentified user where `unidentified` allows it. `positions` are what a
    refusal points at (line numbers). `at` becomes createdAt of who is new (naive UTC). `rules` say per property
    when a value counts.
    """

    user_ids: pa.Array
    columns: Mapping[str, pa.Array]
    positions: pa.Array
    profile_keys: pa.Array | None = None
    clears: Mapping[str, pa.Array] = field(default_factory=dict)
    at: pa.Array | None = None
    unidentified: bool = False
    rules: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Events:
    """Events to append, a row each; only who, name and time are needed. Times are naive UTC.

    `properties` and `context` are JSON objects as text. A user id nobody has becomes a new user. `refused` says of
    times that could not be read why, where it is known.
    """

    user_ids: pa.Array
    names: pa.Array
    at: pa.Array
    positions: pa.Array
    channels: pa.Array | None = None
    message_ids: pa.Array | None = None
    properties: pa.Array | None = None
    context: pa.Array | None = None
    profile_keys: pa.Array | None = None
    refused: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """One thing that was not taken: where, which property and value, why, and how to mend it."""

    position: int
    code: str
    property: str
    value: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch. `stored` events are new, `known` ones had come before.

    `profile_keys` stands in the order of the batch, null where a row was not taken; so do `outcomes` (`REFUSED` …)
    and `writes`, the number of the write that took a user in.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stored: int = 0
    known: int = 0
    rejected: tuple[Rejected, ...] = ()
    profile_keys: pa.Array = field(default_factory=lambda: pa.array([], pa.uint32()))
    outcomes: pa.Array = field(default_factory=lambda: pa.array([], pa.int8()))
    writes: pa.Array = field(default_factory=lambda: pa.array([], pa.uint32()))


def unfit(user_ids: pa.Array) -> list[int]:
    """Where an id is given that can be nobody's. Only short or odd ids are looked at one by one."""
    suspects = pc.or_(
        pc.match_substring_regex(user_ids, r"^[\s\"'\[]|^[A-Za-z_/]{1,17}$|^[01\-]+$|[\s\"'\]]$|[^\x20-\x7e]"),
        pc.greater(pc.utf8_length(user_ids), identities.LONGEST_ID),
    )
    return [
        each
        for each in pc.indices_nonzero(pc.fill_null(suspects, False)).to_pylist()
        if not identities.identifies(user_ids[each].as_py())
    ]


def placeholder(position: int, user_id: str) -> Rejected:
    """The refusal of an id that never identifies anyone."""
    return Rejected(
        position,
        "propertiesRequired",
        "userId",
        shorten(user_id),
        f"“{shorten(user_id)}” never identifies anyone.",
        f"Give the person's own id, of at most {identities.LONGEST_ID} characters.",
    )


def barred(tx: Transaction, batch_positions: pa.Array, user_ids: pa.Array) -> list[Rejected]:
    """The refusals of ids whose person was erased. The id itself is not repeated."""
    return [
        Rejected(batch_positions[each].as_py(), erased.CODE, "userId", "", "The person of this id was erased.", erased.HINT)
        for each in erased.barred(tx, identities.USER, user_ids)
    ]


def flags(positions: pa.Array, rejected: list[Rejected]) -> Any:
    """Which rows are refused, as booleans in the order of the batch."""
    wrong = pa.array({each.position for each in rejected}, pa.int64())
    return pc.is_in(positions, wrong).to_numpy(zero_copy_only=False)


def plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def nullable(keys: Any) -> pa.Array:
    """Keys as Arrow, null where there is none (below zero)."""
    return pa.array(keys, mask=keys < 0).cast(pa.uint32())


def refused_whole(rejected: list[Rejected], count: int) -> Receipt:
    """The receipt of a batch of which nothing was taken."""
    nobody = pa.nulls(count, pa.uint32())
    return Receipt(rejected=tuple(rejected), profile_keys=nobody, outcomes=pa.array([REFUSED] * count, pa.int8()), writes=nobody)
