"""Repairs and rules: what a type refuses is made what it most likely means, and what counts beside a known value is as the rule says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import worlds
from tests.serving import PATIENCE_SECONDS
from tests.worlds import AT, take
from user360 import datatypes, imports, jobs, profiles, properties
from user360.datatype import UTC_ZONE
from user360.errors import InvalidFile, InvalidValue
from user360.imports import Repair, repairing

if TYPE_CHECKING:
    from pathlib import Path

    from user360.store import Store


def _mend(values: list[str | None], repair: Repair, datatype: str) -> list[str | None]:
    found: list[str | None] = repairing.mended(
        pa.array(values, pa.string()), [repair], datatypes.get(datatype), UTC_ZONE
    ).to_pylist()
    return found


# -- repairs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("repair", "datatype", "value", "expected"),
    [
        (Repair("decimal", ","), "number", "1.234,56", "1234.56"),
        (Repair("decimal", ","), "number", "1.234", "1234"),
        (Repair("decimal", ","), "number", "-0,5", "-0.5"),
        (Repair("decimal", "."), "number", "1,204", "1204"),
        (Repair("decimal", "."), "number", "1 204.50", "1204.50"),
        (Repair("decimal", "."), "number", "1,2,3", "1,2,3"),
        (Repair("dates", "dmy"), "date", "31.12.1990", "1990-12-31"),
        (Repair("dates", "dmy"), "date", "3/4/2026", "2026-04-03"),
        (Repair("dates", "mdy"), "date", "3/4/2026", "2026-03-04"),
        (Repair("dates", "ymd"), "date", "2026/3/4", "2026-03-04"),
        (Repair("dates", "dmy"), "date", "2026-03-04", "2026-03-04"),
        (Repair("dates", "dmy"), "date", "03/04/26", "03/04/26"),
        (Repair("dates", "dmy"), "date", "31.02.1990", "31.02.1990"),
        (Repair("dates", "dmy"), "datetime", "3.4.2026 9:30", "2026-04-03 09:30"),
        (Repair("dates", "dmy"), "datetime", "3.4.2026", "2026-04-03 00:00"),
        (Repair("serial"), "date", "45291", "2023-12-31"),
        (Repair("country", "DE"), "phone", "0341 550 0142", "+493415500142"),
        (Repair("country", "DE"), "phone", "+91 90005 00000", "+91 90005 00000"),
        (Repair("country", "DE"), "phone", "9.19E+11", "9.19E+11"),
        (Repair("map", "yes", "true"), "boolean", " yes ", "true"),
        (Repair("map", "yes", "true"), "boolean", "Yes", "Yes"),
        (Repair("empty"), "email", "ana@@example", None),
        (Repair("empty"), "email", "ana@example.com", "ana@example.com"),
    ],
)
def test_a_repair_makes_of_a_value_what_it_says(repair: Repair, datatype: str, value: str, expected: str | None) -> None:
    assert _mend([value, None], repair, datatype) == [expected, None]


@pytest.mark.parametrize(
    ("datatype", "value", "became"),
    [
        ("number", "1,204", ["1.204", "1204", ""]),
        ("number", "1,5", ["1.5", ""]),
        ("date", "03/04/2026", ["2026-04-03", "2026-03-04", ""]),
        ("date", "31/02/1990", [""]),
        ("boolean", "yes", ["true", ""]),
        ("boolean", "maybe", [""]),
        ("phone", "0341 550 0142", ["+493415500142", ""]),
        ("phone", "9.19E+11", [""]),
        ("email", "ana@@example", [""]),
    ],
)
def test_what_is_offered_is_what_the_type_then_takes(datatype: str, value: str, became: list[str]) -> None:
    example, offered = repairing.offers([value], datatypes.get(datatype), UTC_ZONE, country="DE")

    assert (example, [each.became for each in offered]) == (value, became)


def test_what_mends_more_values_is_offered_first_and_told_by_one_it_mends() -> None:
    values = ["31.02.1990", "03.04.1990", "25.12.1990", "24.12.1990"]
    example, offered = repairing.offers(values, datatypes.get("date"), UTC_ZONE)

    assert (example, [each.became for each in offered]) == ("03.04.1990", ["1990-04-03", "1990-03-04", ""])


@pytest.mark.parametrize(
    ("values", "datatype", "expected"),
    [
        (["31.12.1990", "01.02.2000"], "date", ["dmy"]),
        (["12/31/1990", "2000-01-02"], "date", ["mdy"]),
        (["03/04/2026", "05/06/2026"], "date", ["dmy", "mdy"]),
        (["2000-01-02"], "date", []),
        (["31.12.1990", "12/31/1990"], "date", []),
        (["31.02.1990", "31.12.1990", "n/a"], "date", ["dmy"]),
        (["31.02.1990"], "date", []),
        (["1,5", "2"], "number", [","]),
        (["1,204"], "number", [",", "."]),
    ],
)
def test_how_values_are_written_is_found_where_only_one_way_fits(values: list[str], datatype: str, expected: list[str]) -> None:
    assert [each.value for each in repairing.detected(values, datatypes.get(datatype), UTC_ZONE)] == expected


@given(
    value=st.one_of(
        st.text(max_size=12),
        st.from_regex(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}", fullmatch=True),
        st.from_regex(r"[+-]?[0-9., ]{1,9}", fullmatch=True),
    ),
    repair=st.sampled_from(
        [Repair("dates", "dmy"), Repair("dates", "mdy"), Repair("serial"), Repair("country", "IN"), Repair("empty")]
    ),
    datatype=st.sampled_from(["date", "datetime", "number", "phone", "email", "boolean"]),
)
def test_a_repair_leaves_what_the_type_takes_as_it_is(value: str, repair: Repair, datatype: str) -> None:
    of = datatypes.get(datatype)
    try:
        of.parse(value)
    except InvalidValue:
        return
    assert _mend([value], repair, datatype) == [value]


def test_a_repair_that_does_not_exist_is_refused() -> None:
    for wrong in (
        {"kind": "guess"},
        {"kind": "dates", "value": "ydm"},
        {"kind": "country", "value": "Germany"},
        {"kind": "map", "x": "y"},
    ):
        with pytest.raises(InvalidFile, match="no repair"):
            imports.Plan.from_json({"repairs": {"a": [wrong]}})


def test_a_plan_with_rules_and_repairs_is_the_same_after_its_json() -> None:
    plan = imports.Plan(
        mapping={"a": "city"},
        rules={"a": "blanks"},
        repairs={"a": (Repair("map", "x", "y"), Repair("empty")), "b": (Repair("decimal", ","),)},
    )

    assert imports.Plan.from_json(plan.to_json()) == plan


def test_repairs_are_done_by_the_import_and_kept_for_the_next_file_of_this_header(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("userId,dob,phone\na,31.12.1990,0341 550 0142\nb,03.04.2000,+919000500000\n")
    found = imports.suggest(store, imports.inspect(path), zone="UTC")
    plan = imports.Plan.from_json(
        {**found.to_json(), "repairs": {**found.to_json()["repairs"], "phone": [{"kind": "country", "value": "DE"}]}}
    )
    imports.run(store, imports.start(store, path, plan, by="Mira", at=AT), now=lambda: AT)
    again = imports.suggest(store, imports.inspect(path), zone="UTC")

    assert found.repairs == {"dob": (Repair("dates", "dmy"),)}
    assert [str(profiles.get(store, key).values["dob"]) for key in (0, 1)] == ["1990-12-31", "2000-04-03"]
    assert profiles.get(store, 0).values["phone"] == "+493415500142"
    assert again.repairs == plan.repairs


@pytest.mark.parametrize(
    ("header", "target"),
    [("Prénom", "firstName"), ("Teléfono", "phone"), ("Geburtstag", "dob"), ("E-Mail", "email"), ("Mobil", "phone")],
)
def test_what_a_column_feeds_is_told_by_its_name_in_other_tongues(store: Store, tmp_path: Path, header: str, target: str) -> None:
    path = tmp_path / "users.csv"
    path.write_text(f"userId,{header}\na,\n")

    assert imports.suggest(store, imports.inspect(path), zone="UTC").mapping[header] == target


# -- rules --------------------------------------------------------------------------------------


def _import(store: Store, folder: Path, rows: list[str], rules: dict[str, str]) -> dict[str, Any]:
    """Import rows of userId, city, score, on, interests, and answer what the first user then has."""
    path = folder / "users.csv"
    path.write_text("\n".join(["userId,city,score,on,interests", *rows]) + "\n")
    mapping = {"userId": "userId", "city": "city", "score": "score", "on": "dob", "interests": "interests"}
    plan = imports.Plan(mapping=mapping, rules=rules)
    imports.run(store, imports.start(store, path, plan, by="Mira", at=AT), now=lambda: AT)
    return dict(profiles.get(store, 0).values)


@pytest.fixture
def shop(store: Store) -> Store:
    properties.define(store, "score", "number", by="t", at=AT)
    properties.define(store, "interests", "list", by="t", at=AT)
    take(
        store,
        worlds.users([{"userId": "a", "city": "Goa", "score": 5, "dob": "2020-01-10", "interests": "x;y"}, {"userId": "b"}]),
    )
    return store


@pytest.mark.parametrize(
    ("rules", "row", "expected"),
    [
        ({}, "a,Ulm,3,,z", {"city": "Ulm", "score": 3, "interests": ("z",)}),
        ({"city": "blanks", "score": "blanks"}, "a,Ulm,3,,", {"city": "Goa", "score": 5}),
        ({"city": "clear"}, "a,,,,", {"city": None, "score": 5}),
        ({"score": "larger"}, "a,,3,,", {"score": 5}),
        ({"score": "larger"}, "a,,9,,", {"score": 9}),
        ({"score": "smaller"}, "a,,3,,", {"score": 3}),
        ({"interests": "append"}, "a,,,,y;z", {"interests": ("x", "y", "z")}),
        ({"city": "newest:dob"}, "a,Ulm,,2020-01-09,", {"city": "Goa", "dob": "2020-01-10"}),
        ({"city": "newest:dob"}, "a,Ulm,,2020-01-11,", {"city": "Ulm", "dob": "2020-01-11"}),
        ({"city": "newest:dob"}, "a,Ulm,,,", {"city": "Goa", "dob": "2020-01-10"}),
    ],
)
def test_a_value_counts_as_the_rule_of_its_column_says(
    shop: Store, tmp_path: Path, rules: dict[str, str], row: str, expected: dict[str, Any]
) -> None:
    found = _import(shop, tmp_path, [row], rules)

    assert {each: str(found[each]) if each == "dob" else found.get(each) for each in expected} == expected


def test_rows_of_one_user_are_weighed_one_after_the_other(shop: Store, tmp_path: Path) -> None:
    rows = ["a,Ulm,7,2020-02-02,p", "a,Bonn,6,2020-02-01,q", "a,Pune,9,2020-02-03,"]
    found = _import(shop, tmp_path, rows, {"city": "newest:dob", "score": "larger", "interests": "append"})

    assert (found["city"], found["score"], str(found["dob"]), found["interests"]) == (
        "Pune",
        9,
        "2020-02-03",
        ("x", "y", "p", "q"),
    )


@pytest.mark.parametrize(
    ("rules", "why"),
    [({"city": "larger"}, "cannot be treated"), ({"city": "newest:score"}, "how new"), ({"city": "newest"}, "how new")],
)
def test_a_rule_that_makes_no_sense_is_refused_before_anything_is_written(
    shop: Store, tmp_path: Path, rules: dict[str, str], why: str
) -> None:
    with pytest.raises(InvalidFile, match=why):
        _import(shop, tmp_path, ["a,Ulm,1,,"], rules)
    assert imports.find(shop) == []


# -- files that are not what they were ----------------------------------------------------------


def test_a_file_that_is_not_the_one_looked_at_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("userId\na\n")
    before = imports.checksum(path)
    path.write_text("userId\na\nb\n")

    with pytest.raises(InvalidFile, match="not the file it was"):
        imports.start(store, path, imports.Plan(mapping={"userId": "userId"}), expected=before, by="Mira", at=AT)
    assert (imports.find(store), list(store.folder("imports").iterdir())) == ([], [])


def test_a_file_that_changes_while_it_is_read_is_refused(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("userId\n" + "".join(f"u{each}\n" for each in range(200)))
    read = path.stat

    class Growing(type(path)):  # type: ignore[misc]  # the path of this machine
        """A path to which somebody writes as soon as it is looked at."""

        def stat(self, **how: Any) -> Any:
            found = read(**how)
            with path.open("a") as file:
                file.write("more\n")
            return found

    with pytest.raises(InvalidFile, match="changed while it was read"):
        imports.start(store, Growing(path), imports.Plan(mapping={"userId": "userId"}), by="Mira", at=AT)
    assert (imports.find(store), list(store.folder("imports").iterdir())) == ([], [])


def test_ids_keep_their_zeroes_and_a_spreadsheets_exponent_is_an_id_like_another(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("userId\n007\n7\n9.19E+11\n\nnull\n 007 \n")
    done = imports.run(
        store, imports.start(store, path, imports.Plan(mapping={"userId": "userId"}), by="M", at=AT), now=lambda: AT
    )

    assert (done.counts.created, done.counts.unchanged, done.counts.failed, done.counts.empty) == (3, 1, 1, 1)
    assert [profiles.get(store, key).user_id for key in range(3)] == ["007", "7", "9.19E+11"]


def test_two_imports_of_the_same_users_at_once_end_as_one_after_the_other(store: Store, tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("userId,city\n" + "".join(f"u{each},Ulm\n" for each in range(300)))
    second.write_text("userId,city\n" + "".join(f"u{each},Bonn\n" for each in range(300)))
    plan = imports.Plan(mapping={"userId": "userId", "city": "city"})
    started = [jobs.start_import(store, path, plan, by="Mira") for path in (first, second)]
    done = [jobs.wait(job, PATIENCE_SECONDS).status for _, job in started]
    counts = [imports.get(store, number).counts for number, _ in started]

    assert done == ["done", "done"]
    assert [(each.created, each.updated) for each in counts] == [(300, 0), (0, 300)]
    assert profiles.count(store) == 300
