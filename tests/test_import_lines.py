"""Files that are damaged: a fault costs its own line, never a neighbour, and nothing is altered in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from user360.imports import reading

if TYPE_CHECKING:
    from pathlib import Path

MIDDLE = "a quote stands in the middle of a quoted value"


def _read(folder: Path, content: bytes) -> tuple[list[int], list[tuple[int, str]]]:
    """The lines of the rows that were read, and the damaged ones with their reasons."""
    path = folder / "users.csv"
    path.write_bytes(content)
    found = list(reading.rows(path, reading.shape(path)))
    read = [line for batch in found for line in batch.lines.to_pylist()]
    return read, [(each.line, each.reason) for batch in found for each in batch.damaged]


@pytest.mark.parametrize(
    ("content", "read", "damaged"),
    [
        ('userId,city\na,Goa\ne,"open\nf,"Pune"\ng,Kochi\n', [2, 4, 5], [(3, MIDDLE)]),
        ('userId,city\na,Goa\ne,"5" screen"\ng,Kochi\n', [2, 4], [(3, MIDDLE)]),
        ('userId,city,n\na,Goa,1\ne,"open,1\nf,Pune,"2"\ng,Kochi,3\n', [2, 4, 5], [(3, MIDDLE)]),
        (
            'userId,city\n"a,Goa\n"b,Goa\nc,Goa\n',
            [4],
            [(2, "a quote stands in the middle of a quoted value"), (3, "a quote is opened and not closed")],
        ),
    ],
)
def test_a_stray_quote_costs_its_own_line(tmp_path: Path, content: str, read: list[int], damaged: list[tuple[int, str]]) -> None:
    assert _read(tmp_path, content.encode()) == (read, damaged)


def test_one_damaged_byte_does_not_turn_a_file_into_another_encoding(tmp_path: Path) -> None:
    content = "userId,city\na,Köln\nb,bad".encode() + b"\xff" + "\nc,München\n".encode()

    assert _read(tmp_path, content) == ([2, 4], [(3, "holds bytes that are not of the file's encoding")])
    assert reading.shape(tmp_path / "users.csv").encoding == "utf-8"


def test_a_line_is_the_physical_one_its_row_begins_on(tmp_path: Path) -> None:
    assert _read(tmp_path, b'userId,city\r\na,"two\r\nlines"\r\n\r\nb,Goa\r\n') == ([2, 5], [])
