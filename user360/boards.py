"""Boards: pinned questions side by side, under one name, with a period and people for all of them.

A tile keeps its question as JSON, so a board can be read long after a kind of question has changed: what cannot be
asked any more is shown as such and stays. Nothing is deleted; a board is archived. What a question means does not
live here (`insight`), nor how a board is drawn.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from user360 import activity
from user360.clock import aware, stored
from user360.errors import Conflict, Invalid, NameTaken, Unknown, shorten
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.store import Store, Transaction

WIDTHS: Final = (1, 2, 3)
HEIGHTS: Final = (1, 2)
MOST_TILES: Final = 40
LONGEST_NAME: Final = 120
LONGEST_TEXT: Final = 2_000
TOPIC: Final = "boards"

_ROWS: Final = Sql(
    "SELECT board_id, name, description, tiles, period, people, version, made_at, made_by, changed_at, changed_by, archived_at "
    "FROM boards ORDER BY changed_at DESC, board_id DESC"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """One pinned question. `width` is of 3 columns, `height` of 2 sizes, `view` how it is drawn where there are several ways."""

    id: str
    title: str
    question: Mapping[str, Any]
    width: int = 1
    height: int = 1
    view: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One board. `period` stands for every tile's own, `people` narrow every tile's own (JSON, as in a question), where given."""

    id: str
    name: str
    description: str
    tiles: tuple[Tile, ...]
    period: Any
    people: Any
    version: int
    made_at: datetime
    made_by: str
    changed_at: datetime
    changed_by: str
    archived_at: datetime | None


# -- reading ------------------------------------------------------------------------------------


def find(store: Store, *, text: str = "", archived: bool | None = False) -> tuple[Board, ...]:
    """Boards whose name or description contains the text, lately changed first; `archived=None` takes both kinds."""
    wanted = text.strip().casefold()
    return tuple(
        each
        for each in (_board(*row) for row in store.rows(_ROWS))
        if archived in (None, each.archived_at is not None) and wanted in f"{each.name}\n{each.description}".casefold()
    )


def get(store: Store, board_id: str) -> Board:
    """One board, archived or not, or a refusal."""
    every = {each.id: each for each in find(store, archived=None)}
    if board_id not in every:
        raise Unknown(f"There is no board “{shorten(board_id)}”.", "Look for it by its name.")
    return every[board_id]


def free_name(store: Store, wanted: str) -> str:
    """The name, or the first of `name 2`, `name 3` … that no board has."""
    taken, base = _taken(store), _plain(wanted)[: LONGEST_NAME - 6].strip()
    if base.casefold() not in taken:
        return base
    return next(name for number in count(2) if (name := f"{base} {number}").casefold() not in taken)


def asked(tile: Tile, *, period: Any = None, people: Any = None) -> dict[str, Any]:
    """A tile's question as its board asks it: of another period, and of those of its people who are among these too."""
    question = dict(tile.question)
    if period is not None:
        question["period"] = period
    if people is not None:
        own = question.get("people")
        parts = [{key: value for key, value in each.items() if key != "version"} for each in (own, people) if each]
        question["people"] = parts[0] if len(parts) == 1 else {"match": "all", "conditions": parts}
    return question


# -- boards -------------------------------------------------------------------------------------


def make(store: Store, name: str, *, description: str = "", tiles: Sequence[Tile] = (), by: str, at: datetime) -> Board:
    """Make a board under a name nothing else has."""
    with store.transaction() as tx:
        free = _free(store, name)
        board_id = f"b{tx.take('boards') + 1}"
        numbered = tuple(replace(each, id=f"t{place}") for place, each in enumerate(_checked(tiles), 1))
        tx.execute(
            sql(
                "INSERT INTO boards VALUES ({}, {}, {}, {}, NULL, NULL, 1, {}, {}, {}, {}, NULL)",
                board_id,
                free,
                _text(description),
                _written(numbered),
                stored(at),
                by,
                stored(at),
                by,
            )
        )
        _recorded(tx, "make board", free, board_id, by=by, at=at)
    return get(store, board_id)


def rename(store: Store, board_id: str, name: str, *, description: str | None = None, by: str, at: datetime) -> Board:
    """Give a board another name, and another description if one is given."""
    with store.transaction() as tx:
        found = get(store, board_id)
        free = _free(store, name, but=board_id)
        told = found.description if description is None else _text(description)
        if (free, told) != (found.name, found.description):
            tx.execute(sql("UPDATE boards SET name = {}, description = {} WHERE board_id = {}", free, told, board_id))
            _stamp(tx, board_id, by=by, at=at)
            _recorded(tx, "rename board", free, board_id, by=by, at=at)
    return get(store, board_id)


def duplicate(store: Store, board_id: str, *, name: str = "", by: str, at: datetime) -> Board:
    """A new board with the same tiles, period and people."""
    found = get(store, board_id)
    made = make(
        store,
        name or free_name(store, f"Copy of {found.name}"),
        description=found.description,
        tiles=found.tiles,
        by=by,
        at=at,
    )
    return override(store, made.id, period=found.period, people=found.people, by=by, at=at)


def archive(store: Store, board_id: str, *, by: str, at: datetime) -> Board:
    """Take a board out of the lists."""
    return _shelve(store, board_id, archived=True, by=by, at=at)


def restore(store: Store, board_id: str, *, by: str, at: datetime) -> Board:
    """Put an archived board back."""
    return _shelve(store, board_id, archived=False, by=by, at=at)


def override(store: Store, board_id: str, *, period: Any, people: Any, by: str, at: datetime) -> Board:
    """Set the period of every tile and the people each is narrowed to; None leaves each tile its own."""
    with store.transaction() as tx:
        found = get(store, board_id)
        if (found.period, found.people) != (period, people):
            values = (_json(period), _json(people))
            tx.execute(sql("UPDATE boards SET period = {}, people = {} WHERE board_id = {}", *values, board_id))
            _stamp(tx, board_id, by=by, at=at)
    return get(store, board_id)


# -- tiles --------------------------------------------------------------------------------------


def pin(
    store: Store,
    board_id: str,
    title: str,
    question: Mapping[str, Any],
    *,
    width: int = 1,
    height: int = 1,
    view: str = "",
    by: str,
    at: datetime,
) -> Board:
    """Put a question at the end of a board."""
    with store.transaction() as tx:
        found = get(store, board_id)
        tile = Tile(_next_id(found.tiles), _named(title), question, width, height, view)
        _keep(tx, found, (*found.tiles, tile), by=by, at=at)
        activity.record(tx, "pin to board", tile.title, {"board": board_id}, by=by, at=at)
    return get(store, board_id)


def lay_out(
    store: Store, board_id: str, tiles: Sequence[Tile], *, expected_version: int | None = None, by: str, at: datetime
) -> Board:
    """Give a board these tiles, in this order and these sizes: arranging, resizing, renaming, taking out and putting back.

    `expected_version` is the one that was looked at: Conflict where somebody changed the board meanwhile.
    """
    with store.transaction() as tx:
        found = get(store, board_id)
        if expected_version not in (None, found.version):
            raise Conflict(f"{found.changed_by} changed “{found.name}” meanwhile.", "Look at it, then do it again.")
        if tuple(tiles) != found.tiles:
            _keep(tx, found, tiles, by=by, at=at)
    return get(store, board_id)


def moved(tiles: Sequence[Tile], tile_id: str, by_places: int) -> tuple[Tile, ...]:
    """The tiles with one of them so many places further on, as far as there is room."""
    place = _place(tiles, tile_id)
    rest = [each for each in tiles if each.id != tile_id]
    rest.insert(max(0, min(place + by_places, len(rest))), tiles[place])
    return tuple(rest)


def changed(tiles: Sequence[Tile], tile_id: str, **changes: Any) -> tuple[Tile, ...]:
    """The tiles with one of them changed: title, width, height, view or question."""
    _place(tiles, tile_id)
    return tuple(replace(each, **changes) if each.id == tile_id else each for each in tiles)


def without(tiles: Sequence[Tile], tile_id: str) -> tuple[Tile, ...]:
    """The tiles without one of them."""
    _place(tiles, tile_id)
    return tuple(each for each in tiles if each.id != tile_id)


# -- within -------------------------------------------------------------------------------------


def _place(tiles: Sequence[Tile], tile_id: str) -> int:
    for place, each in enumerate(tiles):
        if each.id == tile_id:
            return place
    raise Unknown(f"There is no tile “{shorten(tile_id)}” on this board.", "Somebody may have taken it out.")


def _next_id(tiles: Sequence[Tile]) -> str:
    return f"t{max((int(each.id[1:]) for each in tiles), default=0) + 1}"


def _keep(tx: Transaction, found: Board, tiles: Sequence[Tile], *, by: str, at: datetime) -> None:
    tx.execute(sql("UPDATE boards SET tiles = {} WHERE board_id = {}", _written(_checked(tiles)), found.id))
    _stamp(tx, found.id, by=by, at=at)


def _shelve(store: Store, board_id: str, *, archived: bool, by: str, at: datetime) -> Board:
    with store.transaction() as tx:
        found = get(store, board_id)
        if (found.archived_at is not None) != archived:
            when = stored(at) if archived else None
            tx.execute(sql("UPDATE boards SET archived_at = {} WHERE board_id = {}", when, board_id))
            _stamp(tx, board_id, by=by, at=at)
            _recorded(tx, "archive board" if archived else "restore board", found.name, board_id, by=by, at=at)
    return get(store, board_id)


def _stamp(tx: Transaction, board_id: str, *, by: str, at: datetime) -> None:
    tx.execute(
        sql(
            "UPDATE boards SET version = version + 1, changed_at = {}, changed_by = {} WHERE board_id = {}",
            stored(at),
            by,
            board_id,
        )
    )
    tx.touch(TOPIC)


def _recorded(tx: Transaction, kind: str, name: str, board_id: str, *, by: str, at: datetime) -> None:
    activity.record(tx, kind, name, {"board": board_id}, by=by, at=at)
    tx.touch(TOPIC)


def _checked(tiles: Sequence[Tile]) -> tuple[Tile, ...]:
    if len(tiles) > MOST_TILES:
        raise Invalid(f"A board holds {MOST_TILES} charts at most.", "Make another board for the rest.")
    for each in tiles:
        if each.width not in WIDTHS or each.height not in HEIGHTS:
            raise Invalid(f"“{shorten(each.title)}” cannot be {each.width} by {each.height}.", "Up to 3 wide and 2 high.")
    return tuple(replace(each, title=_named(each.title)) for each in tiles)


def _free(store: Store, name: str, *, but: str = "") -> str:
    wanted, taken = _plain(name), _taken(store, but=but)
    if not wanted:
        raise Invalid("A board needs a name.", "Say in a few words what it shows.")
    if len(wanted) > LONGEST_NAME:
        raise Invalid(f"The name “{shorten(wanted)}” is too long.", f"Use {LONGEST_NAME} characters at most.")
    if wanted.casefold() in taken:
        raise NameTaken(
            f"A board is called “{taken[wanted.casefold()]}” already.", "Choose another name. It may be in the archive."
        )
    return wanted


def _named(title: str) -> str:
    named = _plain(title)
    if not named:
        raise Invalid("A chart on a board needs a title.", "Say in a few words what it shows.")
    return named[:LONGEST_NAME]


def _taken(store: Store, *, but: str = "") -> dict[str, str]:
    return {each.name.casefold(): each.name for each in find(store, archived=None) if each.id != but}


def _plain(name: str) -> str:
    """One line in one spelling, without blanks around."""
    return " ".join("".join(each if each.isprintable() else " " for each in unicodedata.normalize("NFC", name)).split())


def _text(description: str) -> str:
    kept = unicodedata.normalize("NFC", description).replace("\0", "").strip()
    if len(kept) > LONGEST_TEXT:
        raise Invalid("The text is too long.", f"Use {LONGEST_TEXT:,} characters at most.")
    return kept


def _written(tiles: Sequence[Tile]) -> str:
    return json.dumps([asdict(each) for each in tiles], ensure_ascii=False)


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _board(
    board_id: str,
    name: str,
    description: str,
    tiles: str,
    period: str | None,
    people: str | None,
    version: int,
    made_at: datetime,
    made_by: str,
    changed_at: datetime,
    changed_by: str,
    archived_at: datetime | None,
) -> Board:
    return Board(
        board_id,
        name,
        description,
        tuple(Tile(**each) for each in json.loads(tiles)),
        None if period is None else json.loads(period),
        None if people is None else json.loads(people),
        version,
        aware(made_at),
        made_by,
        aware(changed_at),
        changed_by,
        None if archived_at is None else aware(archived_at),
    )
