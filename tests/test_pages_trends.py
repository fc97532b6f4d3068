"""The page of trends: beside each line the same of a segment's people, formulas over series, each mark opening its own people."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pages.ui.insights import asking, frame, readings
from tests.test_pages_insights import DAY, NOW, asks, chosen, world
from tests.test_pages_users import lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import insights, segments
from user360.segments import saved

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from user360.store import Store

VIEWED = {"kind": "trend", "series": [{"of": {"event": "Product Viewed"}}]}
ACTIVE = {"kind": "active"}


def buyers(store: Store) -> str:
    """The segment of who bought: every third of those who saw something."""
    rule = segments.parse({"match": "all", "conditions": [{"event": "Order Completed"}]})
    return saved.save(store, "Buyers * of <b>", rule, by="Ana", at=NOW).id


def traces(test: AppTest) -> dict[str, dict[str, Any]]:
    """What is drawn, by the name of its line; of a line in two stretches the first."""
    drawn = json.loads(test.get("plotly_chart")[0].proto.spec)["data"]
    found: dict[str, dict[str, Any]] = {}
    for each in drawn:
        found.setdefault(each["name"], each)
    return found


def other(test: AppTest) -> dict[str, Any]:
    """The line of the segment's people."""
    return next(each for name, each in traces(test).items() if "Buyers" in name)


@pytest.mark.parametrize(("view", "document"), [("trends", VIEWED), ("active", ACTIVE)])
def test_a_segment_is_drawn_beside_the_line_dashed_and_by_its_name(opened: Store, view: str, document: dict[str, Any]) -> None:
    world(opened)
    segment_id = buyers(opened)
    own = insights.parse({**document, "people": {"match": "all", "conditions": [{"segment": segment_id}]}})
    expected = {row["time"]: row["users"] for row in insights.run(opened, own, at=NOW).table.to_pylist()}

    test = lives(shown("trends", view=view, q=asks(document), compare=f"segment:{segment_id}"))
    line = other(test)

    drawn = {
        json.loads(cell)["time"]: value
        for cell, value in zip(line["customdata"], line["y"], strict=True)
        if cell is not None and value
    }
    assert drawn == expected
    assert expected[DAY] == 4
    assert line["line"]["dash"] == "dash"
    assert test.selectbox(key="trends.compare").value == f"segment:{segment_id}"


def test_a_mark_of_the_segment_opens_the_people_of_the_segment(opened: Store) -> None:
    world(opened)
    segment_id = buyers(opened)
    cell = asking.of_segment(readings.cell({"series": 0, "time": DAY}), segment_id)
    cells = asks({"of": asking._mark(insights.parse(VIEWED)), "cells": [cell]})

    test = lives(shown("trends", q=asks(VIEWED), compare=f"segment:{segment_id}", cells=cells))

    assert "4 drawn = 4 listed" in said(test)
    assert "Buyers" in said(test)
    own = lives(
        shown("trends", q=asks(VIEWED), compare=f"segment:{segment_id}", cells=chosen(VIEWED, {"series": 0, "time": DAY}))
    )
    assert "12 drawn = 12 listed" in said(own)


def test_the_choice_of_what_to_compare_with_stands_in_the_address(opened: Store) -> None:
    world(opened)
    segment_id = buyers(opened)
    test = shown("trends", q=asks(VIEWED))

    for way, parameter in ((f"segment:{segment_id}", f"segment:{segment_id}"), ("before", "1")):
        lives(test.selectbox(key="trends.compare").set_value(way).run())
        assert test.query_params["compare"] in (parameter, [parameter])
    lives(test.selectbox(key="trends.compare").set_value("").run())
    assert "compare" not in test.query_params


@pytest.mark.parametrize("gone", ["archived", "never there"])
def test_a_segment_that_is_gone_is_told_where_it_would_stand_and_the_line_is_still_drawn(opened: Store, gone: str) -> None:
    world(opened)
    segment_id = buyers(opened)
    if gone == "archived":
        saved.archive(opened, segment_id, by="Ana", at=NOW)
    else:
        segment_id = "s99"

    test = lives(shown("trends", q=asks(VIEWED), compare=f"segment:{segment_id}"))

    assert ["The segment to compare with" in each.value for each in test.warning] == [True]
    assert list(traces(test)) == ["Product Viewed, users"]
    assert test.selectbox(key="trends.compare").value == f"segment:{segment_id}"


def test_a_rolling_mean_is_drawn_strong_over_marks_that_can_still_be_clicked(opened: Store) -> None:
    world(opened)

    test = lives(shown("trends", q=asks({**VIEWED, "mean": 3})))
    raw, mean = traces(test).values()

    assert (raw["mode"], mean["mode"], mean["name"]) == ("lines+markers", "lines", "Product Viewed, users, mean of 3 days")
    assert raw["opacity"] < mean["opacity"]
    assert [cell for cell in raw["customdata"] if cell] == [readings.cell({"series": 0, "time": DAY})]
    assert set(mean["customdata"]) == {None}
    assert [value for value in mean["y"] if value] == [4, 4, 4]
    assert mean["y"][:2] == [None, None]
    assert "÷ 3" in said(test)


def test_the_rolling_mean_is_chosen_beside_the_other_controls_and_stands_in_the_file(opened: Store) -> None:
    world(opened)
    test = shown("trends", q=asks(VIEWED))

    lives(test.selectbox(key="insight.mean").set_value(7).run())
    written = test.query_params["q"]
    document = json.loads(written[0] if isinstance(written, list) else written)

    assert document["mean"] == 7
    question = insights.parse(document)
    assert b"Rolling mean" in frame.file_of(question, insights.run(opened, question, at=NOW))


def test_a_rolling_mean_is_compared_with_that_of_a_segment(opened: Store) -> None:
    world(opened)
    segment_id = buyers(opened)

    test = lives(shown("trends", q=asks({**VIEWED, "mean": 3}), compare=f"segment:{segment_id}"))

    dashed = {name: each for name, each in traces(test).items() if each["line"].get("dash") == "dash"}
    assert [each["mode"] for each in dashed.values()] == ["lines+markers", "lines"]
    assert max(value or 0 for value in list(dashed.values())[1]["y"]) == pytest.approx(4 / 3)


# -- formulas -----------------------------------------------------------------------------------

TWO = {"kind": "trend", "series": [{"of": {"event": "Order Completed"}}, {"of": {"event": "Product Viewed"}}]}
SHARE = {**TWO, "formula": "A / B * 100", "unit": "%"}
BOUGHT_DAY = (NOW - timedelta(days=2)).date().isoformat()


def asked(test: AppTest) -> dict[str, Any]:
    """The question of the address."""
    written = test.query_params["q"]
    found: dict[str, Any] = json.loads(written[0] if isinstance(written, list) else written)
    return found


def test_a_formula_is_written_drawn_and_stands_in_the_address(opened: Store) -> None:
    world(opened)
    test = shown("trends", q=asks(TWO))
    assert list(traces(test)) == ["Order Completed, users", "Product Viewed, users"]

    lives(test.button(key="trend.formula.open").click().run())
    lives(test.text_input(key="trend.formula").set_value("(b - a)*2").run())

    assert asked(test)["formula"] == "(B - A) * 2"
    assert list(traces(test)) == ["(B - A) * 2"]
    line = traces(test)["(B - A) * 2"]
    drawn = {json.loads(cell)["time"]: value for cell, value in zip(line["customdata"], line["y"], strict=True) if cell}
    assert drawn == {DAY: 24, BOUGHT_DAY: -8}
    assert "A Order Completed, users" in said(test)

    lives(test.selectbox(key="insight.unit").set_value("%").run())
    lives(test.selectbox(key="insight.alone").set_value(False).run())
    assert (asked(test)["unit"], asked(test)["alone"]) == ("%", False)
    assert [each.get("yaxis") for each in traces(test).values()] == [None, None, "y2"]

    lives(test.button(key="trend.formula.less").click().run())
    assert set(asked(test)) == {"kind", "series"}
    assert not test.text_input


@pytest.mark.parametrize(
    ("typed", "told"), [("A / C", "names C"), ("A /", "ends where"), ("A $ B", "at character 3"), ("7", "names no series")]
)
def test_what_is_no_formula_is_told_under_the_field_and_the_chart_stays(opened: Store, typed: str, told: str) -> None:
    world(opened)
    test = shown("trends", q=asks(SHARE))

    lives(test.text_input(key="trend.formula").set_value(typed).run())

    assert any(told.replace("(", "") in each.value.replace("\\", "") for each in test.markdown)
    assert test.text_input(key="trend.formula").value == typed
    assert asked(test)["formula"] == "A / B * 100"
    assert list(traces(test)) == ["A / B * 100"]


@pytest.mark.parametrize("formula", ["A / C", "A /", 7, [], "A" * 500, "x"])
def test_a_formula_somebody_edited_in_the_address_is_refused_with_a_way_to_begin_again(opened: Store, formula: Any) -> None:
    world(opened)
    test = lives(shown("trends", q=asks({**TWO, "formula": formula})))
    assert test.error

    lives(test.button(key="insight.again").click().run())
    assert not test.error


def test_divided_by_nothing_is_a_gap_in_the_line(opened: Store) -> None:
    world(opened)
    line = traces(lives(shown("trends", q=asks(SHARE))))["A / B * 100"]

    assert [each for each in line["y"] if each is not None] == [0]
    assert line["connectgaps"] is False


def test_behind_a_formula_are_the_people_of_its_series_and_of_one_of_them_if_chosen(opened: Store) -> None:
    world(opened)
    test = lives(shown("trends", q=asks(SHARE), cells=chosen(SHARE, {"series": 2, "time": DAY})))
    assert "12 drawn = 12 listed" in said(test)
    assert "people of A or B" in said(test)

    choice = test.segmented_control(key="trends.trends.series")
    assert choice.options == ["A or B", "B"]
    lives(choice.set_value(1).run())
    assert "12 drawn = 12 listed" in said(test)
    assert "people of A or B" not in said(test).split("where it divides")[0]


def test_a_series_that_is_taken_out_takes_the_formula_that_names_it_along(opened: Store) -> None:
    world(opened)
    three = {**TWO, "series": [*TWO["series"], {"of": {"event": None}, "figure": "total"}]}

    test = shown("trends", q=asks({**three, "formula": "C / B"}))
    lives(test.button(key="trend.0.less").click().run())
    assert asked(test)["formula"] == "B / A"
    lives(test.button(key="trend.1.less").click().run())
    assert "formula" not in asked(test)
    assert list(traces(test)) == ["Product Viewed, users"]


def test_the_table_has_the_whole_period_on_top_by_the_names_of_the_series(opened: Store) -> None:
    world(opened)
    test = shown("trends", q=asks(SHARE))
    test.session_state["trends.trends.table"] = True
    table = lives(test.run()).dataframe[0].value

    assert table["Series"].tolist()[:3] == ["A · Order Completed, users", "B · Product Viewed, users", "A / B * 100"]
    assert table["Time"].tolist()[:3] == ["the whole period"] * 3
    assert table["Value"].tolist()[:3] == [4, 12, pytest.approx(100 * 4 / 12)]

    whole = lives(shown("trends", q=asks(SHARE), cells=chosen(SHARE, {"series": 0})))
    assert "4 drawn = 4 listed" in said(whole)
    assert "the whole period" in said(whole)


def test_a_formula_is_compared_with_the_period_before_and_with_a_segment(opened: Store) -> None:
    world(opened)
    segment_id = buyers(opened)
    question = {**TWO, "formula": "B - A"}

    before = traces(lives(shown("trends", q=asks(question), compare="1")))
    beside = traces(lives(shown("trends", q=asks(question), compare=f"segment:{segment_id}")))

    assert list(before) == ["B - A", "B - A, before"]
    assert sorted(value for value in other_of(beside)["y"] if value) == [-4, 4]


def other_of(drawn: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return next(each for name, each in drawn.items() if "Buyers" in name)


@pytest.mark.parametrize("cell", [{"series": "x"}, {"series": 2, "time": 7}, {"series": 2, "breakdown": "=x"}])
def test_a_mark_somebody_edited_is_refused_in_words_under_the_chart(opened: Store, cell: dict[str, Any]) -> None:
    world(opened)
    test = shown("trends", q=asks(SHARE), cells=chosen(SHARE, cell))

    assert ["cell" in each.value and "could not be drawn" not in each.value for each in test.error] == [True]
    assert traces(test)
