"""Files that CSV readers stumble over: each gives its exact rows or a clear refusal, and no row is lost without a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from user360.errors import InvalidFile
from user360.imports import reading

FOLDER = Path(__file__).parent / "csv"
SPECTRUM = sorted((FOLDER / "spectrum").glob("*.csv"))
LONE_RETURN = "Mixed slash n and slash r should choose first as precident"
"""A lone carriage return ends a row here wherever it stands outside of quotes; there it does not."""

PAPA = [each for each in json.loads((FOLDER / "papaparse.json").read_text("utf-8")) if each["description"] != LONE_RETURN]


Read = tuple[list[list[str]], int, int, tuple[str, ...]]


def _tried(path: Path, delimiter: str | None = None) -> Read | InvalidFile:
    try:
        return _read(path, delimiter)
    except InvalidFile as refusal:
        return refusal


def _read(path: Path, delimiter: str | None = None) -> Read:
    """The rows that were read, how many are damaged and empty, and the names of the columns."""
    of = reading.shape(path, delimiter=delimiter)
    batches = list(reading.rows(path, of))
    rows = [list(row) for each in batches for row in zip(*[each.columns[name].to_pylist() for name in of.columns], strict=True)]
    return rows, sum(len(each.damaged) for each in batches), sum(each.empty for each in batches), of.columns


@pytest.mark.parametrize("path", SPECTRUM, ids=lambda each: each.stem)
def test_every_file_of_the_spectrum_gives_its_exact_rows(path: Path) -> None:
    told = json.loads(path.with_suffix(".json").read_text("utf-8", "replace"))
    expected = told if isinstance(told, list) else [told]
    rows, damaged, _, columns = _read(path)
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    if path.stem == "location_coordinates":  # its bytes are of no encoding that can be told, and its JSON holds marks for them
        assert [each["Cities"] for each in found] == ["Modesto"] or damaged == 1
    else:
        assert (found, damaged) == (expected, 0)


@pytest.mark.parametrize("case", PAPA, ids=lambda each: each["description"][:60])
def test_every_case_of_papa_parse_gives_its_rows_or_says_what_is_wrong(tmp_path: Path, case: dict[str, Any]) -> None:
    path = tmp_path / "case.csv"
    path.write_text(case["input"], "utf-8", newline="")
    found = _tried(path, case["delimiter"])
    if isinstance(found, InvalidFile):
        assert found.hint
        return
    rows, damaged, _, columns = found
    filled = [row for row in case["rows"] if any(cell.strip() for cell in row)]
    regular = [row for row in filled[1:] if len(row) == len(columns)]
    unguarded = [[cell.removeprefix("'") for cell in row] for row in regular]

    assert damaged or len(rows) == len(filled) - 1
    assert damaged or rows in (regular, unguarded)


@given(
    content=st.one_of(st.binary(max_size=120), st.text(alphabet='a,;"\n\r\t|é \0', max_size=60).map(lambda each: each.encode()))
)
def test_whatever_the_bytes_every_line_is_a_row_or_told_of(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "file.csv"
    path.write_bytes(content)
    found = _tried(path)
    if isinstance(found, InvalidFile):
        assert found.hint
        return
    rows, damaged, empty, columns = found
    encoding = reading.shape(path).encoding
    lines = content.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    held = sum(cell.replace("\r\n", "\n").replace("\r", "\n").count("\n") for row in rows for cell in row)

    assert len(rows) + damaged + empty + held <= len(lines)
    head = _blank_head(lines)
    if '"' not in "".join(lines[: head + 1]):  # names in quotes may go over several lines
        assert len(rows) + damaged + empty + held >= len(lines) - 1 - head
    assert all(len(row) == len(columns) for row in rows)


def _blank_head(lines: list[str]) -> int:
    """Blank lines before the one that names the columns, which no row is counted for."""
    return next((place for place, each in enumerate(lines) if each.strip(' ,;|\t"\0')), len(lines))
