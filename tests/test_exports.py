"""Exports: whole files or none, every format, nothing a spreadsheet would run, and no value changed by the way back."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT, take, users
from user360 import activity, exports, spreadsheet
from user360.errors import Interrupted, Unknown

if TYPE_CHECKING:
    from pathlib import Path

    from user360.store import Store

RISKY = ["=1+1", "+49", "-5", "@x", "\t=x", "\r=x", " =x", "'=x", "\u00a0=x", "\ufeff=x", "＝x", "''-x"]
COLUMNS = ("userId", "firstName", "phone", "latitude", "emailOptin", "dob")


def _write(store: Store, target: Path, form: str) -> int:
    return exports.write(store, target, format=form, columns=COLUMNS, by="Mira", at=AT)


def _fill(store: Store) -> None:
    person = {"userId": "a", "firstName": "=HYPERLINK(1)", "phone": "+919000500000", "latitude": "-5.5", "emailOptin": "true"}
    take(store, users([person | {"dob": "2000-02-29"}, {"userId": "b"}]))


@given(text=st.one_of(st.sampled_from(RISKY), st.text(alphabet="'=+-@ \ta\u00a0＝", max_size=6), st.text(max_size=8)))
def test_a_guarded_text_comes_back_as_it_was_and_never_begins_like_a_formula(text: str) -> None:
    guarded = spreadsheet.guard(pa.array([text]))

    assert spreadsheet.unguard(guarded).to_pylist() == [text]
    assert not re.match(r"[ \u00a0\ufeff\u200b]*[=+\-@\t\r\n＝＋－＠]", guarded[0].as_py())


def test_text_is_guarded_and_numbers_stay_numbers_in_csv(store: Store, tmp_path: Path) -> None:
    _fill(store)

    assert _write(store, tmp_path / "out.csv", "csv") == 2
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        list(COLUMNS),
        ["a", "'=HYPERLINK(1)", "'+919000500000", "-5.5", "true", "2000-02-29"],
        ["b", "", "", "", "", ""],
    ]


def test_excel_gets_cells_of_text_and_no_formulas(store: Store, tmp_path: Path) -> None:
    _fill(store)
    _write(store, tmp_path / "out.xlsx", "xlsx")
    sheet = zipfile.ZipFile(tmp_path / "out.xlsx").read("xl/worksheets/sheet1.xml").decode()

    assert "<f>" not in sheet
    assert "<v>-5.5</v>" in sheet


def test_a_sheet_that_is_full_is_followed_by_another(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "SHEET_ROWS", 1)
    _fill(store)
    _write(store, tmp_path / "out.xlsx", "xlsx")

    assert "xl/worksheets/sheet2.xml" in zipfile.ZipFile(tmp_path / "out.xlsx").namelist()


def test_parquet_and_json_lines_hold_values_of_their_own_types(store: Store, tmp_path: Path) -> None:
    _fill(store)
    _write(store, tmp_path / "out.parquet", "parquet")
    _write(store, tmp_path / "out.jsonl", "jsonl")
    row = pq.read_table(tmp_path / "out.parquet").to_pylist()[0]
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]

    assert (row["firstName"], row["latitude"], row["emailOptin"]) == ("=HYPERLINK(1)", -5.5, True)
    assert lines[1] == {"userId": "b"}
    assert (lines[0]["latitude"], lines[0]["emailOptin"], lines[0]["dob"]) == (-5.5, True, "2000-02-29")


@pytest.mark.parametrize("form", exports.FORMATS)
def test_an_export_that_is_stopped_leaves_no_file(store: Store, tmp_path: Path, form: str) -> None:
    _fill(store)

    def stop(_done: int, _total: int, _doing: str) -> None:
        raise Interrupted("stop")

    with pytest.raises(Interrupted):
        exports.write(store, tmp_path / f"out.{form}", format=form, columns=COLUMNS, by="Mira", at=AT, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("form", "columns"), [("exe", ("userId",)), ("csv", ("userId", "nope"))])
def test_what_nobody_knows_is_refused(store: Store, tmp_path: Path, form: str, columns: tuple[str, ...]) -> None:
    with pytest.raises(Unknown):
        exports.write(store, tmp_path / "out", format=form, columns=columns, by="Mira", at=AT)
    assert list(tmp_path.iterdir()) == []


def test_every_export_stands_in_the_activity_log(store: Store, tmp_path: Path) -> None:
    _fill(store)
    _write(store, tmp_path / "out.csv", "csv")

    assert activity.find(store, kinds=("export",))["subject"].to_pylist() == ["out.csv"]
