"""Exports: whole files or none, every format, nothing a spreadsheet would run, and no value changed by the way back."""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import json
import re
import resource
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT, events, take, users
from user360 import activity, exports, imports, profiles, segments, spreadsheet
from user360.errors import Interrupted, StoreUnavailable, Unknown, User360Error
from user360.exports import Events, Layout, Rows, Users, formats
from user360.people import People

if TYPE_CHECKING:
    from pathlib import Path

    from user360.store import Store

RISKY = ["=1+1", "+49", "-5", "@x", "\t=x", "\r=x", " =x", "'=x", "\u00a0=x", "\ufeff=x", "＝x", "''-x"]
DAY = timedelta(days=1)
COLUMNS = ("userId", "firstName", "phone", "latitude", "emailOptin", "dob")


def _write(store: Store, target: Path, form: str) -> int:
    return exports.write(store, target, Users(COLUMNS), Layout(form), by="Mira", at=AT).rows


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
    monkeypatch.setattr(formats, "SHEET_ROWS", 1)
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
        exports.write(store, tmp_path / f"out.{form}", Users(COLUMNS), Layout(form), by="Mira", at=AT, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("form", "columns"), [("exe", ("userId",)), ("csv", ("userId", "nope"))])
def test_what_nobody_knows_is_refused(store: Store, tmp_path: Path, form: str, columns: tuple[str, ...]) -> None:
    with pytest.raises(Unknown):
        exports.write(store, tmp_path / "out", Users(columns), Layout(form), by="Mira", at=AT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", exports.FORMATS)
def test_a_packed_file_holds_the_same(store: Store, tmp_path: Path, form: str) -> None:
    _fill(store)
    exports.write(store, tmp_path / "out.gz", Users(COLUMNS), Layout(form, gzip=True), by="Mira", at=AT)
    _write(store, tmp_path / "out", form)
    packed, plain = gzip.decompress((tmp_path / "out.gz").read_bytes()), (tmp_path / "out").read_bytes()

    if form == "xlsx":
        assert _cells(zipfile.ZipFile(io.BytesIO(packed))) == _cells(zipfile.ZipFile(io.BytesIO(plain)))
    else:
        assert packed == plain


def _cells(book: zipfile.ZipFile) -> bytes:
    return book.read("xl/worksheets/sheet1.xml")


def test_columns_come_in_the_order_and_under_the_names_asked_for(store: Store, tmp_path: Path) -> None:
    _fill(store)
    layout = Layout("csv", headers={"firstName": "Vorname; =x", "userId": "=Nummer"}, delimiter=";", bom=True)
    exports.write(store, tmp_path / "out.csv", Users(("firstName", "userId"), sort=(("userId", True),)), layout, by="Mira", at=AT)

    text = (tmp_path / "out.csv").read_bytes()
    assert text.decode("utf-8-sig").splitlines() == ['"Vorname; =x";"\'=Nummer"', ';"b"', '"\'=HYPERLINK(1)";"a"']
    assert text.startswith(codecs.BOM_UTF8)


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        (Layout("csv", headers={"firstName": "userId"}), "heads two columns"),
        (Layout("csv", headers={"nope": "x"}), "nope"),
        (Layout("csv", headers={"userId": " "}), "no name"),
        (Layout("csv", zone="Mars/Base"), "Mars/Base"),
        (Layout("csv", delimiter="x"), "cannot separate"),
    ],
)
def test_a_look_that_cannot_be_is_refused_before_anything_is_written(
    store: Store, tmp_path: Path, layout: Layout, told: str
) -> None:
    with pytest.raises(User360Error, match=told):
        exports.write(store, tmp_path / "out.csv", Users(COLUMNS), layout, by="Mira", at=AT)
    assert list(tmp_path.iterdir()) == []


INSTANTS = [
    "2026-07-01T10:00:00Z",
    "2026-12-01T10:00:00.25Z",
    "1850-01-01T00:00:00Z",
    "2026-10-25T01:30:00Z",
    "0001-01-02T00:00:00Z",
]


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "Africa/Monrovia"])
def test_instants_told_in_a_zone_are_read_back_as_the_same(store: Store, tmp_path: Path, form: str, zone: str) -> None:
    take(store, users([{"userId": f"u{place}", "lastSession": each} for place, each in enumerate(INSTANTS)]))
    file = tmp_path / f"out.{form}"
    exports.write(store, file, Users(("userId", "lastSession")), Layout(form, zone=zone), by="Mira", at=AT)
    before = profiles.find(store, columns=["userId", "lastSession"]).to_pylist()
    number = imports.start(
        store, file, imports.Plan(mapping={"userId": "userId", "lastSession": "lastSession"}), by="Mira", at=AT
    )
    done = imports.run(store, number, now=lambda: AT)

    assert (done.counts.unchanged, done.counts.failed) == (len(INSTANTS), 0)
    assert profiles.find(store, columns=["userId", "lastSession"]).to_pylist() == before


def test_excel_gets_days_and_instants_as_its_own_and_those_before_its_time_as_text(store: Store, tmp_path: Path) -> None:
    old = {"userId": "b", "dob": "1899-12-31", "lastSession": "1899-12-31T00:00:00Z"}
    take(store, users([{"userId": "a", "dob": "2000-02-29", "lastSession": "2026-07-01T10:00:00Z"}, old]))
    layout = Layout("xlsx", zone="Europe/Berlin")
    exports.write(store, tmp_path / "out.xlsx", Users(("dob", "lastSession")), layout, by="Mira", at=AT)

    sheet = _cells(zipfile.ZipFile(tmp_path / "out.xlsx")).decode()
    assert [float(each) for each in re.findall(r"<v>([^<]+)</v>", sheet)] == [36585, 46204.5]
    assert re.findall(r"<t[^>]*>([^<]+)</t>", sheet) == ["dob", "lastSession", "1899-12-31", "1899-12-31 01:00:00+0100"]


def test_events_come_oldest_first_with_their_properties_as_columns(store: Store, tmp_path: Path) -> None:
    _fill(store)
    documents = ['{"amount": 12, "to/me": "=x"}', '{"amount": "7"}', None]
    take(store, events([("a", "Order", AT), ("b", "Order", AT - DAY), ("b", "Visit", AT)], properties=documents))
    wanted = Events(("userId", "event", "timestamp", "properties.amount", "properties.to/me"), names=("Order",))
    assert exports.write(store, tmp_path / "out.csv", wanted, Layout("csv"), by="Mira", at=AT).rows == 2

    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1:] == [
            ["b", "Order", "2026-11-22 12:50:00Z", "7", ""],
            ["a", "Order", "2026-11-23 12:50:00Z", "12", "'=x"],
        ]


def test_only_the_events_asked_for_are_in_the_file(store: Store, tmp_path: Path) -> None:
    _fill(store)
    take(store, events([("a", "Order", AT), ("b", "Order", AT - DAY), ("b", "Visit", AT)], channels=["web", "app", "web"]))

    def found(**of: Any) -> int:
        return exports.write(store, tmp_path / "out.jsonl", Events(**of), Layout("jsonl"), by="Mira", at=AT).rows

    assert found(names=("Order",), channels=("web",)) == 1
    assert found(since=AT, system=False) == 2
    assert found(until=AT, system=False) == 1
    assert found(within=People.of([1]), system=False) == 2
    with pytest.raises(Unknown, match="Ordre"):
        found(names=("Ordre",))


def test_any_table_is_written_with_the_types_it_has(store: Store, tmp_path: Path) -> None:
    table = pa.table({"day": [AT.date()], "people": [12], "share": [0.25], "tags": [["a", "b"]], "nested": [{"x": 1}]})
    wanted = Rows(table, "People by day.", {"insight": "trend"})
    exports.write(store, tmp_path / "out.csv", wanted, Layout("csv"), by="Mira", at=AT)
    exports.write(store, tmp_path / "out.jsonl", wanted, Layout("jsonl"), by="Mira", at=AT)

    assert (tmp_path / "out.csv").read_text("utf-8").splitlines()[1] == '"2026-11-23","12","0.25","a;b","{""x"": 1}"'
    found = json.loads((tmp_path / "out.jsonl").read_text("utf-8"))
    assert found == {"day": "2026-11-23", "people": 12, "share": 0.25, "tags": ["a", "b"], "nested": {"x": 1}}


def test_a_manifest_says_what_the_file_is(store: Store, tmp_path: Path) -> None:
    _fill(store)
    rule = segments.parse({"match": "all", "conditions": [{"property": "firstName", "operator": "is_known"}]})
    wanted = Users(("userId", "phone"), rule)
    exports.write(store, tmp_path / "out.csv", wanted, Layout("csv", manifest=True), by="Mira", at=AT)
    told = json.loads((tmp_path / "out.csv.manifest.json").read_text("utf-8"))

    assert told["sha256"] == hashlib.sha256((tmp_path / "out.csv").read_bytes()).hexdigest()
    assert (told["rows"], told["instant"], told["by"]) == (1, "2026-11-23T12:50:00Z", "Mira")
    assert "firstName" in told["sentence"]
    assert segments.parse(told["definition"]["definition"]) == rule
    assert [each["type"] for each in told["columns"]] == ["string", "phone"]


def test_a_folder_without_room_is_refused_and_left_clean(store: Store, tmp_path: Path) -> None:
    take(store, users([{"userId": f"u{each}", "firstName": "x" * 500} for each in range(500)]))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        for form in exports.FORMATS[:2]:
            with pytest.raises(StoreUnavailable, match="no room left for"):
                _write(store, tmp_path / f"out.{form}", form)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def _made(store: Store, wanted: exports.Wanted, name: str) -> exports.Export:
    number = exports.start(store, wanted, Layout("csv"), file_name=name, by="Mira", at=AT)
    return exports.run(store, number, wanted, Layout("csv"), now=lambda: AT)


def test_a_file_is_deleted_and_its_line_stays(store: Store) -> None:
    _fill(store)
    made = _made(store, Users(COLUMNS), "users.csv")
    exports.delete(store, made.id, by="Mira", at=AT)

    assert list(store.folder("exports").iterdir()) == []
    assert (exports.get(store, made.id).status, exports.get(store, made.id).rows) == ("deleted", 2)


def test_only_files_with_a_person_go_with_that_person(store: Store) -> None:
    _fill(store)
    everybody, one, other = (
        _made(store, Users(COLUMNS, within=each), "x.csv") for each in (None, People.of([0]), People.of([1]))
    )
    table = _made(store, Rows(pa.table({"n": [1]}), "t"), "t.csv")

    assert exports.without(store, 0, by="Mira", at=AT) == 2
    assert [exports.get(store, each.id).status for each in (everybody, one, other, table)] == ["deleted"] * 2 + ["completed"] * 2


def test_what_a_sudden_end_left_half_done_is_swept_away(store: Store) -> None:
    half = store.folder("exports") / "7.csv.part"
    half.write_text("userId")
    exports.sweep(store)

    assert not half.exists()


def test_every_export_stands_in_the_activity_log(store: Store, tmp_path: Path) -> None:
    _fill(store)
    _write(store, tmp_path / "out.csv", "csv")

    assert activity.find(store, kinds=("export",))["subject"].to_pylist() == ["out.csv"]
