"""A small part of the sample as files, to try imports on: one tidy pair, and one as people really send it.

The files stand in `data/sample/`; the generator writes the same bytes again. What becomes of a file
does not live here (`imports`).
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from user360.demo.making import SEED, tables

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

AT: Final = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)
USERS: Final = 500
EVENTS: Final = 5_000
_MESSY: Final = 80
_MESSY_HEADER: Final = (
    "User ID",
    "First name",
    "last name",
    "E-Mail",
    "Mobile",
    "City",
    "Spent",
    "Plus member",
    "Birthday",
    "Tags",
    "City",
    "",
)


def write_files(folder: Path, *, users: int = USERS, events: int = EVENTS, at: datetime = AT, seed: int = SEED) -> list[Path]:
    """Write `users.csv`, `events.jsonl` and `users_messy.csv` into a folder; answer their paths.

    Users without an id, and their events, are left out: a file of users names them by their ids.
    """
    people, happened = tables(users, events, at=at, seed=seed)
    named = people.filter(people["userId"].is_valid())
    said = {
        "users.csv": users_csv(named.drop_columns(["createdAt", "source"])),
        "events.jsonl": events_jsonl(happened.filter(happened["userId"].is_valid()).sort_by("timestamp")),
        "users_messy.csv": messy_csv(named.slice(len(named) - min(_MESSY, len(named)))),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in said.items():
        (folder / name).write_bytes(text.encode())
    return [folder / name for name in said]


def users_csv(people: pa.Table) -> str:
    """The users with every value as its type accepts it."""
    return _csv([people.column_names, *([text(value) for value in row.values()] for row in people.to_pylist())])


def events_jsonl(happened: pa.Table) -> str:
    """The events, an object a line, as the tracking API takes them."""
    rows = happened.select(["userId", "event", "timestamp", "channel", "source", "messageId", "properties"]).to_pylist()
    lines = [{**row, "timestamp": text(row["timestamp"]), "properties": json.loads(row["properties"])} for row in rows]
    return "".join(f"{json.dumps(line, ensure_ascii=False, separators=(',', ':'))}\n" for line in lines)


def text(value: Any) -> str:
    """A value as a file spells it: instants in UTC and said to be, lists with semicolons, nothing where nothing is known."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%S}Z"
        case date() | time():
            return value.isoformat()
        case list():
            return ";".join(value)
        case _:
            return str(value)


def messy_csv(people: pa.Table) -> str:
    """The same people as a spreadsheet in Leipzig saved them: semicolons, a byte order mark, and a fault in most rows."""
    rows = [_messy(place, row) for place, row in enumerate(people.to_pylist())]
    return "\ufeff" + _csv([list(_MESSY_HEADER), *rows], delimiter=";")


def _messy(place: int, row: dict[str, Any]) -> list[str]:
    cells = {
        "id": row["userId"],
        "first": row["firstName"] or "",
        "last": row["lastName"] or "",
        "email": row["email"] or "",
        "phone": row["phone"] or "",
        "city": row["city"] or "",
        "spent": text(row["spent"]),
        "plus": "true" if place % 2 else "FALSE",
        "dob": text(row["dob"]),
        "tags": text(row["tags"]),
        "again": "",
        "blank": "",
    }
    cells |= _FAULTS[place % len(_FAULTS)](cells) if place % 3 else {}
    return [each for each in cells.values() if each is not _CUT]


_CUT: Final = "\0cut"
_FAULTS: Final[tuple[Any, ...]] = (
    lambda cells: {"phone": f"{float(cells['phone'] or 919000500000):.2E}"},  # a spreadsheet cut its digits
    lambda cells: {"phone": "0" + (cells["phone"] or "+493415500142")[3:]},  # no country code
    lambda _: {"spent": "1,204.50"},
    lambda _: {"spent": "1.204,50"},
    lambda _: {"plus": "yes"},
    lambda _: {"plus": "1"},
    lambda cells: {"email": cells["email"].replace("@", " at ") or "n/a"},
    lambda cells: {"email": cells["email"].upper() or "-"},
    lambda _: {"dob": "31.02.1990"},
    lambda _: {"dob": "03/14/94"},
    lambda _: {"id": ""},
    lambda _: {"id": "null"},
    lambda _: {"again": _CUT, "blank": _CUT, "tags": _CUT},  # a row that ends early
    lambda _: {"blank": "moved; ask again", "more": "one cell too many"},
    lambda cells: {"first": f'  {cells["first"]} "Max" \n', "city": '=HYPERLINK("https://example.com")'},
    lambda cells: {"tags": "vip;;VIP; gift ", "phone": f"({cells['phone'][:3]}) {cells['phone'][3:7]}-{cells['phone'][7:]}"},
)


def _csv(rows: list[list[str]], *, delimiter: str = ",") -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return written.getvalue()
