"""Files that are damaged: a fault costs its own line, never a neighbour, and nothing is altered in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from user360.imports import reading, stretches
from user360.imports.lines import Damaged
from user360.imports.lines import records as delimited
from user360.imports.text import Text

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


@given(
    text=st.text(alphabet='ab,"\n\r é', max_size=30),
    lines=st.lists(st.sampled_from(["a,b", '"a","b"', '"a""b",', ",", "", 'é,"x,y"', "a", "a,b,c"]), max_size=6),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_stretch_read_at_once_has_the_rows_of_one_read_record_by_record(
    tmp_path_factory: pytest.TempPathFactory, text: str, lines: list[str], end: str
) -> None:
    for content in (text, end.join(lines) + end, end.join(lines)):
        path = tmp_path_factory.mktemp("stretch") / "part.csv"
        path.write_bytes(content.encode())
        found = stretches.read(content.encode(), ",", ("x", "y"), begins=1)
        told = list(delimited(Text(path, "utf-8"), ",", width=2))
        if found is not None:
            cells = zip(*(each.to_pylist() for each in found.columns), strict=True)
            rows = list(zip(found.lines.tolist(), map(list, cells), strict=True))
            assert rows == [each for each in told if not isinstance(each, Damaged) and any(each[1])]
            assert found.span == len(told)


def test_most_of_an_ordinary_file_is_read_at_once() -> None:
    text = 'a,"b ""c"", d"\r\n"é",\r\n\r\n,\r\nx,y'
    found = stretches.read(text.encode(), ",", ("x", "y"), begins=7)

    assert found is not None
    assert found.lines.tolist() == [7, 8, 11]
    assert [each.to_pylist() for each in found.columns] == [["a", "é", "x"], ['b "c", d', "", "y"]]


@pytest.mark.parametrize("at", [0, 1, 40_000, 79_999])
@pytest.mark.parametrize("skip", [0, 1, 40_001])
def test_a_damaged_line_costs_itself_wherever_it_stands_in_a_long_file(tmp_path: Path, at: int, skip: int) -> None:
    lines = [f'"user {each}","some ""text"" of {each}, to be long"' for each in range(80_000)]
    lines[at] = f'"user {at}","stray "quote"'
    path = tmp_path / "users.csv"
    path.write_text("userId,city\n" + "\n".join(lines) + "\n")
    batches = list(reading.rows(path, reading.shape(path), skip=skip, most=30_000))
    read = [line for batch in batches for line in batch.lines.to_pylist()]

    assert read == [each + 2 for each in range(skip, 80_000) if each != at]
    assert [each.line for batch in batches for each in batch.damaged] == ([at + 2] if at >= skip else [])
    assert [len(batch.lines) + len(batch.damaged) for batch in batches[:-1]] == [30_000] * (len(batches) - 1)
