"""Imports: any file, row by row; a bad row costs itself alone, and the report says what became of each."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import AT, take, users
from user360 import events, exports, imports, profiles, properties, records, segments
from user360.errors import Conflict, Interrupted, Invalid, InvalidFile, InvalidProperty
from user360.imports import preparing, reading
from user360.people import NOBODY
from user360.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from user360.records import Import
    from user360.store import Store


def _file(folder: Path, text: str | bytes, name: str = "users.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _run(store: Store, path: Path, plan: imports.Plan | None = None, **changes: Any) -> Import:
    suggested = plan or imports.suggest(store, imports.inspect(path), zone="Europe/Berlin")
    whole = imports.Plan.from_json({**suggested.to_json(), **changes})
    number = imports.start(store, path, whole, by="Mira", at=AT)
    return imports.run(store, number, now=lambda: AT)


def _rows(path: Path) -> list[list[str]]:
    of = reading.shape(path)
    return [
        list(row)
        for batch in reading.rows(path, of)
        for row in zip(*[batch.columns[each].to_pylist() for each in of.columns], strict=True)
    ]


def _damaged(path: Path) -> list[tuple[int, str]]:
    return [(each.line, each.reason) for batch in reading.rows(path, reading.shape(path)) for each in batch.damaged]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_encoding_and_delimiter_is_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [["userId", "city", "note"], *[[f"u{each}", "Köln", "Grüße aus Düsseldorf, schön"] for each in range(40)]]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)

    assert _rows(_file(tmp_path, text.encode(encoding)))[39] == ["u39", "Köln", "Grüße aus Düsseldorf, schön"]


def test_blank_and_double_headers_get_names_of_their_own(tmp_path: Path) -> None:
    assert reading.shape(_file(tmp_path, "userId,,email,email,\n1,2,3,4,5")).columns == (
        "userId",
        "column 2",
        "email",
        "email (2)",
        "column 5",
    )


def test_ragged_rows_and_open_quotes_cost_only_themselves(tmp_path: Path) -> None:
    path = _file(tmp_path, 'userId,city\na,Goa\nb\nc,Goa,more\nd,"Go\na"\ne,"open\nf,Pune\n\ng,Kochi,,\n')

    assert _rows(path) == [["a", "Goa"], ["d", "Go\na"], ["f", "Pune"], ["g", "Kochi"]]
    assert _damaged(path) == [
        (3, "has 1 cells where the header has 2"),
        (4, "has 3 cells where the header has 2"),
        (7, "a quote is opened and not closed"),
    ]


def test_a_quote_left_open_in_a_long_file_swallows_one_line(tmp_path: Path) -> None:
    lines = [f"u{each},x" for each in range(5_000)]
    lines[100] = 'u100,"x'
    path = _file(tmp_path, "userId,city\n" + "\n".join(lines) + "\n")

    assert (len(_rows(path)), _damaged(path)) == (4_999, [(102, "a quote is opened and not closed")])


@pytest.mark.parametrize(("content", "reason"), [(b"", "is empty"), (b"\n\n  \n", "blank lines only")])
def test_a_file_without_a_header_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(InvalidFile, match=reason):
        imports.inspect(_file(tmp_path, content))


def test_a_file_with_a_header_only_imports_nobody(store: Store, tmp_path: Path) -> None:
    done = _run(store, _file(tmp_path, "userId,email\n"))

    assert (done.status, done.counts.total) == ("completed", 0)


def test_four_hundred_columns_and_a_cell_of_ten_megabytes_are_read(store: Store, tmp_path: Path) -> None:
    header = ["userId", "firstName", *[f"c{each}" for each in range(400)]]
    text = ",".join(header) + "\n" + ",".join(["a", "x" * 10_000_000, *["1"] * 400]) + "\n" + ",".join(["b", "Bob", *["1"] * 400])
    done = _run(store, _file(tmp_path, text))

    assert (done.counts.created, done.counts.failed, profiles.key_of(store, "b")) == (1, 1, 0)


def test_names_of_columns_may_be_anything(store: Store, tmp_path: Path) -> None:
    path = _file(tmp_path, 'userId,"x""; DROP TABLE profiles; --",<b>hi</b>,**bold**\na,1,2,3\n')

    assert _run(store, path).counts.created == 1


def test_mapping_follows_the_last_time_then_names_then_the_look_of_values(store: Store, tmp_path: Path) -> None:
    path = _file(tmp_path, "Customer ID,E-Mail,First name,Rufnummer,Nonsense\nc1,a@example.com,Ann,+919000500000,q\n")
    first = imports.suggest(store, imports.inspect(path), zone="UTC")
    _run(store, path, imports.Plan(mapping={"Customer ID": "userId", "Nonsense": "city"}))
    again = imports.suggest(store, imports.inspect(path), zone="UTC")

    assert first.mapping == {"Customer ID": "userId", "E-Mail": "email", "First name": "firstName", "Rufnummer": "phone"}
    assert again.mapping == {"Customer ID": "userId", "Nonsense": "city"}


@pytest.mark.parametrize(("ids", "found"), [("abz", {"Kundin": "userId"}), ("ayz", {})], ids=["most are known", "few are"])
def test_a_column_most_of_whose_values_are_ids_of_people_says_who_it_is(
    store: Store, tmp_path: Path, ids: str, found: dict[str, str]
) -> None:
    take(store, users([{"userId": each} for each in "abc"]))
    path = _file(tmp_path, "Kundin,Farbe\n" + "".join(f"{each},rot\n" for each in ids))

    assert imports.suggest(store, imports.inspect(path), zone="UTC").mapping == found


@pytest.mark.parametrize(
    ("mapping", "refusal"),
    [
        ({"city": "city"}, InvalidFile),
        ({"userId": "userId", "city": "nope"}, InvalidProperty),
        ({"userId": "userId", "gone": "city"}, InvalidFile),
        ({"userId": "userId", "city": "city", "town": "city"}, InvalidFile),
    ],
)
def test_a_plan_that_cannot_work_is_refused_before_anything_is_written(
    store: Store, tmp_path: Path, mapping: dict[str, str], refusal: type[Exception]
) -> None:
    path = _file(tmp_path, "userId,city,town\na,Goa,Goa\n")

    with pytest.raises(refusal):
        _run(store, path, imports.Plan(mapping=mapping))
    assert (imports.find(store), profiles.count(store)) == ([], 0)


def test_the_report_counts_every_row_and_failed_rows_can_be_mended_and_imported_again(store: Store, tmp_path: Path) -> None:
    properties.define(store, "orders", "number", by="t", at=AT)
    text = 'userId,email,orders,city\na,a@example.com,1,Goa\nb,nonsense,"1,204",Goa\n,c@example.com,2,Goa\nnull,,3,Goa\na,a@example.com,1,Goa\n\nd,,,"=1+1"\n'
    path = _file(tmp_path, text)
    done = _run(store, path)
    failed = imports.failed_rows(store, done.id)
    with failed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))

    assert (
        done.counts.total,
        done.counts.created,
        done.counts.updated,
        done.counts.unchanged,
        done.counts.failed,
        done.counts.empty,
    ) == (6, 2, 0, 1, 3, 1)
    assert [row[4] for row in rows[1:]] == ["3", "4", "5"]
    assert "invalidDataType: email (email): “nonsense”" in rows[1][5]
    assert "Write it as 1204" in rows[1][5]
    assert "propertiesRequired: userId is missing." in rows[2][5]

    mended = [
        [cell.replace("nonsense", "b@example.com").replace("1,204", "1204").replace("null", "n") or "x" for cell in row]
        for row in rows[1:]
    ]
    mended[1][0], mended[2][1] = "c", ""
    again = tmp_path / "mended.csv"
    with again.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([rows[0], *mended])
    assert (_run(store, again).counts.created, profiles.count(store)) == (3, 5)


def test_replace_tags_and_merging_are_as_the_plan_says(store: Store, tmp_path: Path) -> None:
    _run(store, _file(tmp_path, "userId,city,firstName,tags\na,Goa,Ann,old\n"))
    _run(
        store,
        _file(tmp_path, "userId,city\na,Pune\n", "second.csv"),
        mode="replace",
        tags=["23Nov26_13:50", "vip"],
        merge_tags=False,
    )
    found = profiles.get(store, 0)

    assert (found.values.get("city"), found.values.get("firstName"), found.tags) == ("Pune", None, ("23Nov26_13:50", "vip"))
    assert imports.default_tag(store, AT) == "23Nov26_13:50"


def test_rows_of_one_user_apply_in_order_and_leave_the_last(store: Store, tmp_path: Path) -> None:
    done = _run(store, _file(tmp_path, "userId,city\na,Goa\na,Pune\na,Pune\n"))

    assert ((done.counts.created, done.counts.updated, done.counts.unchanged), profiles.get(store, 0).values["city"]) == (
        (1, 1, 1),
        "Pune",
    )


def test_json_lines_and_parquet_hold_users_too(store: Store, tmp_path: Path) -> None:
    lines = [
        {"userId": "a", "latitude": 1.5, "emailOptin": True, "tags": ["x", "y"], "city": None},
        {"userId": "b", "latitude": "NaN?"},
    ]
    text = "\n".join(json.dumps(each) for each in lines) + "\n{broken\n[1]\n\n" + '{"userId": "n", "latitude": NaN}\n'
    first = _run(store, _file(tmp_path, text, "users.jsonl"))
    table = pa.table(
        {"userId": ["c"], "latitude": [2], "dob": [AT.date()], "lastSession": [AT], "tags": [["z"]], "emailOptin": [False]}
    )
    pq.write_table(table, tmp_path / "users.parquet")
    second = _run(store, tmp_path / "users.parquet")
    found = profiles.get(store, 2).values

    assert (first.counts.created, first.counts.failed, first.counts.empty, second.counts.created) == (2, 3, 1, 1)
    assert (profiles.get(store, 0).tags, found["latitude"], found["dob"], found["lastSession"], found["tags"]) == (
        ("x", "y"),
        2.0,
        AT.date(),
        AT,
        ("z",),
    )


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no Parquet"):
        imports.inspect(_file(tmp_path, "userId\na\n", "users.parquet"))


@given(st.lists(st.one_of(st.text(max_size=8), st.sampled_from(['"', "\\", "a\nb", "é", "\0", "12", "true"])), max_size=6))
def test_what_a_column_holds_stands_in_the_properties_of_its_events(cells: list[str]) -> None:
    column = preparing._written_cells(pa.array(cells, pa.string()), "string")
    whole = preparing._objects({'a "b"': column, "c": column})

    assert [None if each is None else json.loads(each) for each in column.to_pylist()] == [each or None for each in cells]
    assert whole.to_pylist() == [json.dumps({'a "b"': each, "c": each}, ensure_ascii=False) if each else None for each in cells]


@pytest.mark.parametrize(
    ("kind", "cells", "expected"),
    [
        (
            "number",
            ["12", "-0.50", " 7 ", "007", "1e3", "many", "", "1234567890123456"],
            [12, -0.5, 7, "007", "1e3", "many", None, "1234567890123456"],
        ),
        ("boolean", ["true", "FALSE", "perhaps", ""], [True, False, "perhaps", None]),
        ("string", ["12", "true"], ["12", "true"]),
    ],
)
def test_a_property_of_events_is_a_number_or_a_truth_where_its_column_holds_such(
    kind: str, cells: list[str], expected: list[Any]
) -> None:
    found = preparing._written_cells(pa.array(cells, pa.string()), kind).to_pylist()

    assert [None if each is None else json.loads(each) for each in found] == expected


def test_what_columns_of_events_hold_is_seen_by_their_values_and_can_be_said(store: Store, tmp_path: Path) -> None:
    path = _file(tmp_path, "userId,event,timestamp,amount,paid,zip\nu1,Order,2026-11-20T10:00:00Z,12.50,true,01069\n")
    plan = imports.suggest(store, imports.inspect(path), zone="UTC")
    _run(store, path, replace(plan, types={"amount": "string", "paid": "boolean"}))

    assert plan.types == {"amount": "number", "paid": "boolean"}
    assert imports.Plan.from_json(plan.to_json()) == plan
    assert [json.loads(each["properties"]) for each in events.stream(store, names=["Order"]).to_pylist()] == [
        {"amount": "12.50", "paid": True, "zip": "01069"}
    ]
    with pytest.raises(InvalidFile, match="cannot hold colour"):
        imports.check(store, replace(plan, types={"amount": "colour"}), ["userId", "event", "timestamp"])


def test_events_come_from_files_with_their_zone_channel_and_properties(store: Store, tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "userId,event,timestamp,channel,amount,sku\na,Order,2026-11-20 10:00:00,WEB,12.5,x\nb,Order,nonsense,app,,\na,View,2026-11-20T10:00:00Z,,,\n",
        "events.csv",
    )
    done = _run(store, path)
    again = _run(store, path)
    found = {row["event"]: row for row in events.stream(store).to_pylist()}

    assert ((done.counts.created, done.counts.failed), (again.counts.created, again.counts.unchanged)) == ((2, 1), (0, 2))
    assert found["Order"]["at"] == datetime(2026, 11, 20, 9, 0)  # noqa: DTZ001 - as stored
    assert (found["Order"]["channel"], json.loads(found["Order"]["properties"])) == ("web", {"amount": 12.5, "sku": "x"})


@given(
    st.recursive(
        st.one_of(st.integers(), st.floats(), st.text(max_size=4), st.none(), st.booleans()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    )
)
def test_a_line_of_json_is_read_without_loss(value: Any) -> None:
    line = json.dumps(value)

    assert repr(reading._parsed(line)) == repr(json.loads(line, parse_constant=lambda _: None))


def test_a_name_that_first_stands_on_the_last_line_of_json_is_a_column_too(tmp_path: Path) -> None:
    lines = [f'{{"userId": "u{each}"}}' for each in range(3_000)]
    path = _file(tmp_path, "\n".join([*lines, '{"userId": "u", "late": NaN, "half": "\\ud800"}']), "users.jsonl")

    assert reading.shape(path).columns == ("userId", "late", "half")


def test_events_of_one_name_need_no_column_for_it(store: Store, tmp_path: Path) -> None:
    path = _file(tmp_path, "who,when\na,2026-11-20 10:00\n", "calls.csv")
    plan = imports.Plan(kind="events", event="Called", user_column="who", time_column="when", channel="voice", zone="UTC")

    assert (_run(store, path, plan).counts.created, events.channels(store), events.names(store, system=False)) == (
        1,
        ["voice"],
        ["Called"],
    )


def test_a_paused_import_keeps_whole_batches_and_goes_on_where_it_stood(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH", 10)
    path = _file(tmp_path, "userId,city\n" + "".join(f"u{each},Goa\n" for each in range(95)))
    plan = imports.suggest(store, imports.inspect(path), zone="UTC")
    number = imports.start(store, path, plan, by="Mira", at=AT)

    def stop(done: int, _total: int, _doing: str) -> None:
        if done >= 30:
            raise Interrupted("stop")

    with pytest.raises(Interrupted):
        imports.run(store, number, now=lambda: AT, progress=stop)
    halted = records.get_import(store, number)
    imports.resume(store, number)
    done = imports.run(store, number, now=lambda: AT)

    assert (halted.status, halted.counts.position, halted.counts.created) == ("paused", 30, 30)
    assert (done.status, done.counts.position, done.counts.created, profiles.count(store)) == ("completed", 95, 95, 95)


def test_what_ran_when_the_process_ended_is_marked_at_the_next_start(store: Store, tmp_path: Path) -> None:
    path = _file(tmp_path, "userId\na\n")
    number = imports.start(store, path, imports.Plan(mapping={"userId": "userId"}), by="Mira", at=AT)

    assert records.interrupted_at_start(store, at=AT) == 1
    assert records.get_import(store, number).status == "interrupted"


TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["=1+1", "+49", "-5", "@x", "\t=x", "'=x", "''", " =x", "＝x", "a;b", "[1]", '"', "x,y\nz", "né 🌸"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
)


@given(
    people=st.lists(
        st.fixed_dictionaries({"firstName": TEXTS, "tags": st.lists(st.sampled_from(["=x", "a;b", "[", "é"]), max_size=2)}),
        min_size=1,
        max_size=6,
    ),
    form=st.sampled_from(exports.FORMATS[:1] + exports.FORMATS[2:]),
)
def test_a_file_of_ours_read_again_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, people: list[dict[str, Any]], form: str
) -> None:
    folder = tmp_path_factory.mktemp("round")
    store = open_store()
    properties.define(store, "score", "number", by="t", at=AT)
    lines = [
        json.dumps(
            {"userId": f"u{place}", "score": place / 3, "dob": "2000-02-29", "lastSession": "2026-11-20T10:00:00.5Z", **person}
        )
        for place, person in enumerate(people)
    ]
    _run(store, _file(folder, "\n".join(lines), "first.jsonl"))
    columns = [each.name for each in properties.find(store)]
    exports.write(store, folder / f"out.{form}", exports.Users(tuple(columns)), exports.Layout(form), by="Mira", at=AT)
    written = imports.inspect(folder / f"out.{form}").shape.columns
    done = _run(store, folder / f"out.{form}", imports.Plan(mapping={each: each for each in written}))
    count = profiles.count(store)
    store.close()

    assert (done.counts.updated, done.counts.created, done.counts.failed, done.counts.unchanged) == (0, 0, 0, count)


def test_instants_are_told_in_utc(store: Store, tmp_path: Path) -> None:
    done = _run(store, _file(tmp_path, "userId\na\n"))

    assert (done.started_at, done.finished_at, done.started_at.tzinfo) == (AT, AT, UTC)


@given(
    document=st.one_of(
        st.text(max_size=12),
        st.dictionaries(
            st.text(max_size=3),
            st.one_of(
                st.none(),
                st.booleans(),
                st.integers(-(10**16), 10**16),
                st.floats(),
                st.text(max_size=4),
                st.lists(st.integers(), max_size=2),
            ),
            max_size=3,
        ).map(json.dumps),
        st.sampled_from(
            [
                '{"a":01}',
                '{"a":1,}',
                '{"a":NaN}',
                '{"a":"\\ud800"}',
                '{"a":"\\u0041"}',
                "[1]",
                "null",
                '{"a" : 1}',
                '{"a":1}{',
                '{"a":"x\ty"}',
                "{}",
            ]
        ),
    )
)
def test_a_document_of_an_event_is_kept_whatever_it_is(document: str) -> None:
    found = preparing._checked(imports.Plan(kind="events", document="properties"), pa.array([document], pa.string())).to_pylist()[
        0
    ]
    try:
        plain = json.loads(document, parse_constant=lambda _: None)
    except ValueError:
        plain = document
    expected = plain if isinstance(plain, dict) else {"properties": plain} if document.strip() else {}

    assert (json.loads(found) if found else {}) == json.loads(
        json.dumps(expected, ensure_ascii=False).encode("utf-8", "replace").decode()
    )


# -- the list the users are put on --------------------------------------------------------------


def _on(store: Store, name: str) -> list[str]:
    found = segments.saved.named(store, name)
    assert found is not None
    people = segments.people(store, segments.saved.rule_of(found), at=AT)
    return sorted(profiles.get(store, int(key)).user_id or "" for key in people.keys())  # noqa: SIM118 - keys of a bitmap


def test_the_users_of_a_file_are_put_on_a_list_with_those_it_left_unchanged_and_without_those_it_refused(
    store: Store, tmp_path: Path
) -> None:
    _run(store, _file(tmp_path, "userId,city\nu1,Ulm\nu9,Bonn\n"))

    record = _run(store, _file(tmp_path, "userId,city,dob\nu1,Ulm,\nu2,Bonn,\nu3,Bonn,never\nu1,Ulm,\n"), segment=" Fair 2026 ")

    assert (record.counts.unchanged, record.counts.created, record.counts.failed) == (2, 1, 1)
    assert _on(store, "fair 2026") == ["u1", "u2"]
    assert [each.kind for each in segments.saved.find(store)] == ["static"]


def test_a_second_file_adds_to_the_list_of_that_name(store: Store, tmp_path: Path) -> None:
    _run(store, _file(tmp_path, "userId,city\nu1,Ulm\n"), segment="Fair")
    _run(store, _file(tmp_path, "userId,city\nu1,Bonn\nu2,Bonn\n"), segment="FAIR")

    assert _on(store, "Fair") == ["u1", "u2"]
    assert len(segments.saved.find(store)) == 1


def test_the_users_of_a_file_of_events_are_put_on_the_list_too(store: Store, tmp_path: Path) -> None:
    _run(
        store,
        _file(tmp_path, "userId,event,timestamp\nu1,Signed,2026-11-01T10:00:00Z\nu2,,2026-11-01T10:00:00Z\n"),
        segment="Fair",
    )

    assert _on(store, "Fair") == ["u1"]


def test_a_list_grows_with_each_batch_of_a_long_file(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH", 10)
    lines = "".join(f"u{each},Ulm\n" for each in range(35))

    _run(store, _file(tmp_path, f"userId,city\n{lines}"), segment="Fair")

    assert len(_on(store, "Fair")) == 35


@pytest.mark.parametrize(("name", "why"), [("Rule", "is a rule"), ("Gone", "is archived"), ("x" * 200, "too long")])
def test_a_name_that_can_be_no_list_is_refused_before_anything_is_written(
    store: Store, tmp_path: Path, name: str, why: str
) -> None:
    segments.saved.save(store, "Rule", segments.EVERYONE, by="Mira", at=AT)
    gone = segments.lists.save(store, "Gone", NOBODY, source="test", by="Mira", at=AT)
    segments.saved.archive(store, gone.id, by="Mira", at=AT)

    with pytest.raises((Conflict, Invalid), match=why):
        _run(store, _file(tmp_path, "userId,city\nu1,Ulm\n"), segment=name)

    assert (profiles.count(store), records.find_imports(store)) == (0, [])


def test_a_document_too_deep_for_the_database_is_kept_as_text(store, tmp_path):
    deep = '{"a":' * 5_000 + "1" + "}" * 5_000
    file = tmp_path / "events.jsonl"
    file.write_text(
        '{"userId": "u1", "event": "Order", "timestamp": "2026-11-20T10:00:00Z", "properties": '
        + '{"a":' * 60
        + "1"
        + "}" * 60
        + "}\n"
    )
    csv_file = tmp_path / "events.csv"
    quoted = deep.replace('"', '""')
    csv_file.write_text(f'userId,event,timestamp,properties\nu2,Order,2026-11-20T10:00:00Z,"{quoted}"\n')

    for each in (file, csv_file):
        plan = imports.suggest(store, imports.inspect(each), zone="UTC")
        number = imports.start(store, each, plan, by="t", at=AT)
        assert imports.run(store, number, now=lambda: AT).counts.created == 1

    kept = [
        json.loads(row["properties"])["properties"]
        for row in events.stream(store, limit=10).to_pylist()
        if row["event"] == "Order"
    ]
    assert sorted(isinstance(each, str) for each in kept) == [True, True]
