"""The page of boards: the first one, tiles live and arranged, what holds for all of them, the file that opens anywhere."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pages.ui import charts
from pages.ui.boards import offline, tiles
from pages.ui.insights import flows, pictures
from pages.ui.insights.picture import Picture
from tests import worlds
from tests.test_pages_insights import NOW, chosen, day_of, world
from tests.test_pages_users import HOSTILE, lives, shown
from tests.test_pages_users import opened as opened  # noqa: PLC0414 - the database of these pages
from tests.test_pages_why import said
from user360 import beginning, boards, ingest, insights, segments
from user360.segments import saved

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest

    from user360.boards import Board, Tile
    from user360.store import Store

ACTIVE: dict[str, Any] = {"kind": "active", "breakdown": {"by": "channel"}}
TREND: dict[str, Any] = {"kind": "trend", "series": [{"of": {"event": "Product Viewed"}}]}
LIGHT = charts.NEUTRALS["light"]


def board(store: Store, *questions: dict[str, Any], name: str = "Weekly") -> Board:
    made = boards.make(store, name, by="Ana", at=NOW)
    for place, each in enumerate(questions):
        made = boards.pin(store, made.id, f"Chart {place + 1}", each, by="Ana", at=NOW)
    return made


def titles(store: Store, board_id: str) -> list[str]:
    return [each.title for each in boards.get(store, board_id).tiles]


# -- all boards ---------------------------------------------------------------------------------


def test_a_workspace_that_never_had_a_board_gets_its_first_and_keeps_it_archived(opened: Store) -> None:
    test = shown("boards")
    assert test.dataframe[0].value["Name"].tolist() == [beginning.NAME]

    (first,) = boards.find(opened)
    boards.archive(opened, first.id, by="Ana", at=NOW)
    shown("boards")
    assert [each.name for each in boards.find(opened, archived=None)] == [beginning.NAME]


@pytest.mark.parametrize("filled", [False, True])
def test_the_first_board_is_drawn_without_events_and_with_them(opened: Store, filled: bool) -> None:
    if filled:
        world(opened)
    made = beginning.board(opened, by="Ana", at=NOW)
    assert made is not None

    test = shown("boards", id=made.id)

    drawn = len(test.get("plotly_chart")) + len([each for each in test.caption if each.value.startswith(("Nobody", "Nothing"))])
    assert drawn == len(made.tiles) >= 6
    assert not test.error
    assert ("No users yet" in said(test)) is not filled


@pytest.mark.parametrize("names", [(), ("Seen",), ("Product Viewed", "Order Completed"), beginning.TO_BUY])
def test_no_row_of_the_first_board_is_left_half(opened: Store, names: tuple[str, ...]) -> None:
    if names:
        taken = worlds.events([("u1", each, NOW - timedelta(days=1)) for each in names])
        ingest.receive(opened, taken, source="test", by="Ana", at=NOW)
    made = beginning.board(opened, by="Ana", at=NOW)
    assert made is not None
    assert {sum(each.width for each in row) for row in tiles.rows(made.tiles)} == {tiles.COLUMNS}


def test_boards_are_found_by_name_and_archived_ones_apart(opened: Store) -> None:
    board(opened, name="Sales")
    gone = board(opened, name="Old")
    boards.archive(opened, gone.id, by="Ana", at=NOW)

    assert shown("boards").dataframe[0].value["Name"].tolist() == ["Sales"]
    assert shown("boards", archived="1").dataframe[0].value["Name"].tolist() == ["Old"]
    assert "No board has that" in said(shown("boards", search="nothing like it"))


def test_a_board_that_is_not_there_is_refused(opened: Store) -> None:
    assert "There is no board" in shown("boards", id="b99").error[0].value


def test_a_new_board_is_named_and_opened_and_a_taken_name_is_refused(opened: Store) -> None:
    board(opened, name="Sales")
    test = shown("boards")
    lives(test.button(key="boards.new").click().run())
    test.text_input[-1].set_value("sales")
    lives(next(each for each in test.button if each.label == "Make it").click().run())
    assert "A board is called" in said(test)

    test.text_input[-1].set_value("Support")
    lives(next(each for each in test.button if each.label == "Make it").click().run())
    assert [each.value for each in test.header] == ["Support"]
    assert "No charts on this board yet" in said(test)


# -- one board ----------------------------------------------------------------------------------


def test_a_tile_that_cannot_be_asked_any_more_says_so_and_the_others_live(opened: Store) -> None:
    world(opened)
    made = board(opened, {"kind": "trend", "series": [{"of": {"event": "Gone"}}]}, {"kind": "gone"}, ACTIVE)

    test = lives(shown("boards", id=made.id))

    assert [each.value.startswith("This cannot be asked any more") for each in test.warning] == [True, True]
    assert len(test.get("plotly_chart")) == 1


def test_hostile_names_are_text(opened: Store) -> None:
    world(opened)
    made = boards.make(opened, HOSTILE, description=HOSTILE, by="Ana", at=NOW)
    boards.pin(opened, made.id, HOSTILE, TREND, by="Ana", at=NOW)

    test = lives(shown("boards", id=made.id))

    assert not [each for each in [*test.markdown, *test.caption, *test.header] if "![x](" in each.value]


def test_a_tile_is_moved_resized_renamed_and_taken_off_and_each_step_is_undone(opened: Store) -> None:
    world(opened)
    made = board(opened, ACTIVE, TREND)
    test = shown("boards", id=made.id, arrange="1")

    lives(test.button(key="boards.t2.earlier").click().run())
    assert titles(opened, made.id) == ["Chart 2", "Chart 1"]
    test.segmented_control(key="boards.t1.width").set_value(3)
    lives(test.run())
    assert boards.get(opened, made.id).tiles[1].width == 3
    test.text_input(key="boards.t1.title").set_value("Who came")
    lives(test.run())
    assert titles(opened, made.id) == ["Chart 2", "Who came"]

    for _ in range(3):
        lives(test.button(key="boards.undo").click().run())
    assert boards.get(opened, made.id).tiles == made.tiles
    assert "boards.undo" not in [each.key for each in test.button]


def test_a_step_is_not_undone_over_what_somebody_else_did_since(opened: Store) -> None:
    world(opened)
    made = board(opened, ACTIVE, TREND)
    test = shown("boards", id=made.id, arrange="1")
    lives(test.button(key="boards.t2.earlier").click().run())
    boards.pin(opened, made.id, "New", ACTIVE, by="Ben", at=NOW)

    lives(test.run())
    lives(test.button(key="boards.undo").click().run())

    assert "Ben changed" in test.error[0].value
    assert titles(opened, made.id) == ["Chart 2", "Chart 1", "New"]


def test_a_period_and_people_for_the_whole_board_reach_every_tile_and_can_be_kept(opened: Store) -> None:
    world(opened)
    made = board(opened, {**ACTIVE, "granularity": "hour", "period": {"last": 2, "unit": "day"}}, TREND)
    rule = {"version": 1, "match": "all", "conditions": [{"event": "Order Completed"}]}
    period = {"last": 12, "unit": "month"}
    test = lives(shown("boards", id=made.id, period=json.dumps(period), rule=json.dumps(rule)))
    assert len(test.get("plotly_chart")) == 2

    lives(test.button(key="boards.keep").click().run())
    kept = boards.get(opened, made.id)
    assert kept.period == period
    assert kept.people["conditions"] == rule["conditions"]

    again = shown("boards", id=made.id)
    assert again.segmented_control(key="boards.period").value == "12 months"
    assert "boards.keep" not in [each.key for each in again.button]


@pytest.mark.parametrize("period", ["{", '{"last":0}'])
def test_a_period_somebody_edited_counts_as_none(opened: Store, period: str) -> None:
    world(opened)
    made = board(opened, ACTIVE)

    test = lives(shown("boards", id=made.id, period=period))

    assert test.segmented_control(key="boards.period").value == "As pinned"


def test_a_mark_of_a_tile_opens_its_people_under_its_row(opened: Store) -> None:
    world(opened)
    made = board(opened, ACTIVE, TREND)
    row = day_of(ACTIVE, opened)[0]
    cells = chosen(ACTIVE, {"time": row["time"], "breakdown": row["breakdown"]})

    test = lives(shown("boards", id=made.id, cells=cells))

    assert f"{row['users']} drawn = {row['users']} listed" in said(test)


def test_every_kind_of_insight_has_a_page_where_it_is_asked() -> None:
    assert [each.kind for each in insights.every() if not pictures.of(each.kind).screen] == []


# -- layout -------------------------------------------------------------------------------------


def tile(name: str, width: int) -> Tile:
    return boards.Tile(name, name, {}, width)


@pytest.mark.parametrize(
    ("widths", "laid"),
    [([], []), ([1, 1, 1, 1], [[1, 1, 1], [1]]), ([2, 2, 1], [[2], [2, 1]]), ([3, 1, 2], [[3], [1, 2]])],
)
def test_tiles_keep_their_order_and_no_row_is_wider_than_three(widths: list[int], laid: list[list[int]]) -> None:
    made = [[each.width for each in row] for row in tiles.rows([tile(str(place), each) for place, each in enumerate(widths)])]

    assert made == laid


@pytest.mark.parametrize("gone", ["archived", "never there"])
def test_a_tile_of_a_segment_that_is_gone_says_so_and_an_archived_one_is_still_counted(opened: Store, gone: str) -> None:
    world(opened)
    rule = segments.parse({"match": "all", "conditions": [{"event": "Order Completed"}]})
    segment_id = saved.save(opened, "Buyers", rule, by="Ana", at=NOW).id if gone == "archived" else "s99"
    of_them = {**TREND, "people": {"match": "all", "conditions": [{"segment": segment_id}]}}
    made = board(opened, of_them, ACTIVE)
    if gone == "archived":
        saved.archive(opened, segment_id, by="Ana", at=NOW)

    test = lives(shown("boards", id=made.id))

    told = [each.value.replace("\\", "") for each in test.warning]
    assert ["There is no segment “s99”" in each for each in told] == ([] if gone == "archived" else [True])
    assert len(test.get("plotly_chart")) == (2 if gone == "archived" else 1)
    assert titles(opened, made.id) == ["Chart 1", "Chart 2"]
    if gone == "archived":
        assert [value for value in lines(test)[0]["y"] if value] == [4]


# -- trends on a tile ---------------------------------------------------------------------------

SHARE = {
    "kind": "trend",
    "series": [{"of": {"event": "Order Completed"}}, {"of": {"event": "Product Viewed"}}],
    "formula": "B - A",
    "unit": "%",
}


def lines(test: AppTest) -> list[dict[str, Any]]:
    """The lines of the first chart, each in its first stretch."""
    drawn = json.loads(test.get("plotly_chart")[0].proto.spec)["data"]
    return list({each["name"]: each for each in reversed(drawn)}.values())[::-1]


def test_a_formula_is_drawn_on_a_tile_and_its_marks_open_the_people_of_its_series(opened: Store) -> None:
    world(opened)
    made = board(opened, SHARE)
    day = day_of(SHARE, opened)[-2]["time"]

    test = lives(shown("boards", id=made.id, cells=chosen(SHARE, {"series": 2, "time": day})))

    assert [each["name"] for each in lines(test)] == ["B - A"]
    assert [value for value in lines(test)[0]["y"] if value] == [12, -4]
    assert "12 drawn = 12 listed" in said(test)
    assert "people of A or B" in said(test)
    assert "A Order Completed, users; B Product Viewed, users" in said(test)


@pytest.mark.parametrize("gone", [False, True])
def test_a_tile_compares_with_a_segment_as_long_as_there_is_one(opened: Store, gone: bool) -> None:
    world(opened)
    rule = segments.parse({"match": "all", "conditions": [{"event": "Order Completed"}]})
    segment_id = saved.save(opened, "Buyers", rule, by="Ana", at=NOW).id
    made = boards.make(opened, "Weekly", by="Ana", at=NOW)
    boards.pin(opened, made.id, "Seen", TREND, view=f"segment:{segment_id}", by="Ana", at=NOW)
    boards.pin(opened, made.id, "Active", ACTIVE, by="Ana", at=NOW)
    if gone:
        saved.archive(opened, segment_id, by="Ana", at=NOW)

    test = lives(shown("boards", id=made.id))

    own = ["Product Viewed, users"]
    assert [each["name"] for each in lines(test)] == (own if gone else [*own, "Product Viewed, users, Buyers"])
    assert ["“Buyers”, is archived" in each.value.replace("\\", "") for each in test.warning] == ([True] if gone else [])
    assert len(test.get("plotly_chart")) == 2
    if not gone:
        assert lines(test)[1]["line"]["dash"] == "dash"
        cells = [json.loads(each) for each in lines(test)[1]["customdata"] if each]
        assert {each["of segment"] for each in cells} == {segment_id}


# -- the file -----------------------------------------------------------------------------------


def file_of(*made: tiles.Drawn, name: str = "Weekly") -> str:
    return offline.file_of(offline.Sheet(name, "", "", "by Ana"), made, LIGHT).decode()


def test_the_file_holds_every_chart_and_fetches_nothing() -> None:
    figure = charts.bars(["a"], [3], hover=["three"])
    text = file_of(tiles.Drawn(tile("t1", 2), Picture("x", figure=figure)), tiles.Drawn(tile("t2", 1)))

    body = text[text.index("</head>") :]
    assert "Plotly.newPlot" in body
    assert "This cannot be asked any more" in body
    assert "src=" not in body
    assert "href=" not in body
    assert "default-src 'none'" in text


def test_an_empty_chart_says_in_the_file_what_it_says_on_the_page() -> None:
    assert "<p>Nobody &amp; nothing</p>" in file_of(tiles.Drawn(tile("t1", 1), Picture("x", nothing="Nobody & nothing")))


def test_nothing_a_person_wrote_is_markup_in_the_file() -> None:
    evil = "</script><script>alert(1)</script><img src=x>"
    nodes = (flows.Node("a", 0, evil, evil, "#111111", "A"), flows.Node("b", 1, evil, evil, "#222222", "B"))
    flow = Picture(evil, nodes=nodes, links=(flows.Link("a", "b", 2, evil, "L"),))
    bars = Picture(evil, figure=charts.bars([evil], [3], hover=[evil]))
    drawn = [tiles.Drawn(boards.Tile("t", evil, {}), each, evil) for each in (flow, bars)]

    text = file_of(*drawn, name=evil)

    assert evil not in text
    assert "<script>alert(1)" not in text
    assert "<img src=x>" not in text
