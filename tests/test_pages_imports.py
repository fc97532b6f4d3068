"""The page of imports: from a file over matching, dry run and repairs to the report, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pages.ui import words
from tests.addresses import at_address
from tests.serving import PATIENCE_SECONDS
from tests.worlds import AT, take, users
from user360 import doors, imports, jobs, profiles, properties, segments
from user360.people import NOBODY
from user360.sql import Sql

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from user360.records import Import
    from user360.store import Store

pytestmark = pytest.mark.usefixtures("workspace")


def _open(**parameters: str) -> AppTest:
    return at_address("import", **parameters)


def _said(at: AppTest) -> str:
    kinds = ("markdown", "caption", "subheader", "header", "error", "warning", "info")
    return "\n".join(str(each.value) for kind in kinds for each in getattr(at, kind))


def _labels(at: AppTest) -> dict[str, str]:
    """The keys of the buttons, by label as people read it."""
    return {each.label.replace("\\", ""): str(each.key) for each in at.button}


def _upload(content: str | bytes, name: str = "people.csv") -> AppTest:
    at = _open()
    at.file_uploader[0].upload(name, content if isinstance(content, bytes) else content.encode()).run()
    return at


def _next(at: AppTest, key: str = "import.next") -> AppTest:
    at.button(key=key).click().run()
    job = jobs.wait(at.session_state["import.tried"]["job"], PATIENCE_SECONDS) if "import.tried" in at.session_state else None
    assert job is None or job.status == "done", job.message
    return at.run()


def _import(at: AppTest, store: Store) -> Import:
    at.button(key="import.go").click().run()
    jobs.wait(at.session_state["progress.import"], PATIENCE_SECONDS)
    at.run()
    assert not at.exception
    return imports.find(store)[0]


def _figures(at: AppTest) -> dict[str, str]:
    return {each.label: str(each.value) for each in at.metric}


@pytest.fixture
def shop() -> Store:
    store = doors.current_store()
    properties.define(store, "points", "number", by="tester", at=AT)
    rows: list[dict[str, Any]] = [{"userId": f"u{each}", "city": "Kochi", "points": 5} for each in range(12)]
    take(store, users(rows))
    return store


def test_a_messy_file_is_mended_tried_imported_reported_and_taken_back(shop: Store) -> None:
    before = profiles.find(shop, columns=("userId", "city", "points"), limit=100).to_pylist()
    at = _upload("Customer;E-Mail;points;agreed\nu1;one@example.com;1,204;yes\nnew;nonsense;6;no\nmore;two@example.com;7;yes\n")
    at.selectbox(key="import.to.1.0").set_value("userId").run()
    at.selectbox(key="import.to.1.3").set_value("emailOptin").run()
    assert "a comma is the decimal mark" not in _said(at)

    _next(at)
    assert _figures(at)["Refused rows"] == "3"
    assert {"Read as 1.204", "Read as 1204", "yes → true", "no → false"} <= set(_labels(at))
    for label in ("Read as 1204", "yes → true", "no → false"):
        _next(at, _labels(at)[label])
    assert (_figures(at)["Refused rows"], _figures(at)["New users"]) == ("1", "1")
    assert at.button(key="import.go").label == "Import 2 rows"
    assert [each.label for each in at.button].count("Undo") == 3

    record = _import(at, shop)
    report = _open(**{"import": str(record.id)})
    assert (record.counts.created, record.counts.updated, record.counts.failed) == (1, 1, 1)
    assert [each.value for each in report.metric] == ["3", "1", "1", "0", "1", "0"]
    assert profiles.get(shop, profiles.key_of(shop, "u1") or 0).values["points"] == 1204

    report.button(key="import.undo").click().run()
    next(each for each in report.text_input if str(each.key).endswith(".typed")).set_value("undo import").run()
    next(each for each in report.button if str(each.key).endswith(".act")).click().run()
    jobs.wait(report.session_state["progress.import"], PATIENCE_SECONDS)
    report.run()
    assert imports.get(shop, record.id).status == "undone"
    assert profiles.find(shop, columns=("userId", "city", "points"), limit=100).to_pylist() == before


def test_dates_that_can_be_read_in_two_ways_are_asked_about(shop: Store) -> None:
    at = _upload("userId,dob\nu1,03/04/1990\nu2,05/06/1991\n")
    asked = next(each for each in at.segmented_control if str(each.key).startswith("import.asked."))
    assert ("03/04/1990" in asked.label, len(asked.options)) == (True, 2)
    assert "1990-04-03" in asked.options
    asked.set_value(asked.options[0]).run()
    _import(_next(at), shop)

    assert str(profiles.get(shop, profiles.key_of(shop, "u1") or 0).values["dob"]) == "1990-04-03"


def test_a_column_becomes_a_property_in_a_click(shop: Store) -> None:
    at = _upload("userId,Lieblingsfarbe,visits\nu1,rot,3\nu2,blau,4\n")
    at.button(key="import.new.1.1").click().run()
    at.button(key="import.new.1.2").click().run()
    _import(_next(at), shop)

    assert [properties.get(shop, each).datatype.name for each in ("lieblingsfarbe", "visits")] == ["string", "number"]
    assert profiles.get(shop, profiles.key_of(shop, "u2") or 0).values["visits"] == 4


def test_a_rule_fills_blanks_only_and_is_kept_for_the_next_file_of_this_header(shop: Store) -> None:
    at = _next(_upload("userId,city,points\nu1,Ulm,9\nnew,Bonn,9\n"))
    _next(at)
    at.selectbox(key="import.rule.1.0").set_value("blanks").run()
    at.selectbox(key="import.rule.1.1").set_value("larger").run()
    _import(_next(at, "import.step.dry"), shop)
    again = _next(_next(_upload("userId,city,points\nu2,Ulm,1\n")))

    values = profiles.get(shop, profiles.key_of(shop, "u1") or 0).values
    assert (values["city"], values["points"]) == ("Kochi", 9)
    assert (again.selectbox(key="import.rule.1.0").value, again.selectbox(key="import.rule.1.1").value) == ("blanks", "larger")


def test_the_users_of_a_file_are_put_on_the_segment_chosen_and_shown_by_it(shop: Store) -> None:
    fair = segments.lists.save(shop, "Fair", NOBODY, source="test", by="Mira", at=AT)
    at = _next(_upload("userId,city\nu1,Ulm\nnew,Bonn\n"))
    _next(at, "import.step.tags")
    at.selectbox(key="import.segment.1").set_value("Fair").run()
    record = _import(_next(at, "import.step.dry"), shop)
    report = _open(**{"import": str(record.id)})

    assert not report.exception
    assert len(segments.people(shop, segments.saved.rule_of(fair), at=AT)) == 2
    report.button(key="import.show").click().run()
    assert "s1" in str(report.query_params)


def test_an_import_that_empties_half_of_all_people_is_held_until_that_is_typed(shop: Store) -> None:
    rows = "".join(f"u{each},Ulm\n" for each in range(12))
    at = _next(_next(_upload(f"userId,city\n{rows}")))
    at.segmented_control(key="import.mode.1").set_value("replace").run()
    _next(at, "import.step.dry")
    assert "would lose a value" in _said(at)

    at.button(key="import.go").click().run()
    held = imports.find(shop)
    next(each for each in at.text_input if str(each.key).endswith(".typed")).set_value("lose values of 12 users").run()
    next(each for each in at.button if str(each.key).endswith(".act")).click().run()
    jobs.wait(at.session_state["progress.import"], PATIENCE_SECONDS)

    assert (held, imports.find(shop)[0].counts.updated) == ([], 12)


def test_the_same_file_twice_is_told(shop: Store) -> None:
    content = "userId,city\nu1,Ulm\n"
    _import(_next(_upload(content)), shop)

    assert "The same file was imported" in _said(_next(_upload(content, "other.csv")))


def test_events_and_members_are_tried_and_imported_too(shop: Store) -> None:
    events = _next(_upload("userId,event,timestamp\nu1,Order,2026-11-20 10:00\nu1,Order,04.03.2026\n", "events.csv"))
    assert (_figures(events)["New events"], _figures(events)["Refused rows"]) == ("1", "1")
    assert {"Read as 2026-03-04 00:00:00", "Read as 2026-04-03 00:00:00"} <= set(_labels(events))
    assert [each.dropna().tolist()[:4] for _, each in events.dataframe[0].value.iterrows()] == [
        [2, "u1", "new", "20 Nov 2026, 10:00"],
        [3, "u1", "refused", words.NO_VALUE],
    ]
    events.segmented_control(key="import.rows").set_value("known").run()
    assert "No row of the file is like that." in [each.value for each in events.caption]
    assert _import(events, shop).counts.created == 1
    assert shop.rows(Sql("SELECT database_name FROM duckdb_databases() WHERE database_name LIKE 'trial%'")) == []

    segments.lists.save(shop, "Fair", NOBODY, source="test", by="Mira", at=AT)
    members = _upload("who\nu1\nu2\nnobody\n")
    members.segmented_control(key="import.kind.1").set_value("members").run()
    assert "No list is chosen" in _said(members)
    members.selectbox(key="import.segment.1").set_value("Fair").run()
    _next(members)
    assert _import(members, shop).counts.created == 2


def test_a_file_is_read_another_way_when_somebody_says_so(shop: Store) -> None:
    at = _upload("userId;city\nu1;Ulm\n")
    at.selectbox(key="import.delimiter").set_value(",").run()
    at.button(key="import.reread").click().run()

    assert not at.exception
    assert any("userId;city" in str(each.value) for each in at.markdown)
    assert imports.find(shop) == []


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("people.parquet", b"no parquet", "no Parquet file"),
        ("people.csv", b"", "is empty"),
        ("people.jsonl", b"[1]\n", "No line of the file is a JSON object"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(shop: Store, name: str, content: bytes, why: str) -> None:
    at = _upload(content, name)

    assert not at.exception
    assert why in _said(at)
    assert imports.find(shop) == []


def test_a_paused_import_offers_to_go_on_and_to_be_undone(shop: Store, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("userId\nx1\n")
    number = imports.start(shop, path, imports.Plan(mapping={"userId": "userId"}), by="Mira", at=AT)
    jobs.begin(shop)
    at = _open(**{"import": str(number)})
    assert {"Go on with it", "Undo"} <= {each.label for each in at.button}

    at.button(key="import.resume").click().run()
    jobs.wait(at.session_state["progress.import"], PATIENCE_SECONDS)
    assert imports.get(shop, number).status == "completed"


def test_a_file_of_many_columns_and_rows_is_shown_page_by_page(shop: Store) -> None:
    names = [f"extra{each}" for each in range(60)]
    for each in names[:20]:
        properties.define(shop, each, "string", by="tester", at=AT)
    rows = "".join(f"u{row}," + ",".join(f"v{row}" for _ in names) + "\n" for row in range(300))
    at = _upload(f"userId,{','.join(names)}\n{rows}")
    assert "Show 21 more columns" in _labels(at)

    _next(at)
    table = at.dataframe[0].value
    assert (len(table), len(table.columns), _figures(at)["New users"]) == (50, 15, "288")
    assert "9 more columns are imported too" in _said(at)
    assert not at.exception


def test_a_dry_run_that_is_gone_is_made_again(shop: Store) -> None:
    at = _next(_upload("userId,city\nu1,Ulm\n"))
    before = at.session_state["import.tried"]["job"]
    result = jobs.get(before).result
    assert isinstance(result, imports.DryRun)
    result.close()
    at.run()

    assert at.session_state["import.tried"]["job"] != before
    assert _figures(at)["Changed"] == "1"
