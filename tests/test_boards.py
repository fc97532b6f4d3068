"""Boards hold pinned questions and lose nothing; annotations say what happened on a day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.worlds import AT, events, take
from user360 import activity, annotating, beginning, boards, insights
from user360.errors import Conflict, Invalid, NameTaken, Unknown

LATER = AT + timedelta(minutes=5)
ACTIVE = {"kind": "active", "period": {"last": [30, "day"]}}
TREND = {"kind": "trend"}


@pytest.fixture
def board(store):
    made = boards.make(store, "Weekly  look", by="Ana", at=AT)
    boards.pin(store, made.id, "Active users", ACTIVE, width=2, by="Ana", at=AT)
    return boards.pin(store, made.id, "Orders", TREND, by="Ana", at=AT)


def test_a_board_keeps_its_tiles_in_order_with_their_questions(store, board):
    assert [(each.id, each.title, each.width) for each in board.tiles] == [("t1", "Active users", 2), ("t2", "Orders", 1)]
    assert board.tiles[0].question == ACTIVE
    assert board.name == "Weekly look"


def test_tiles_are_moved_resized_and_taken_out_and_the_whole_can_be_put_back(store, board):
    tiles = boards.moved(board.tiles, "t2", -1)
    tiles = boards.changed(tiles, "t1", width=3, height=2, title="Who came")
    arranged = boards.lay_out(store, board.id, tiles, expected_version=board.version, by="Ben", at=LATER)
    assert [(each.id, each.width, each.height, each.title) for each in arranged.tiles] == [
        ("t2", 1, 1, "Orders"),
        ("t1", 3, 2, "Who came"),
    ]

    less = boards.lay_out(store, board.id, boards.without(arranged.tiles, "t2"), by="Ben", at=LATER)
    assert [each.id for each in less.tiles] == ["t1"]
    assert boards.lay_out(store, board.id, board.tiles, by="Ben", at=LATER).tiles == board.tiles


def test_moving_past_the_ends_stops_there(board):
    assert [each.id for each in boards.moved(board.tiles, "t1", 9)] == ["t2", "t1"]
    assert boards.moved(board.tiles, "t1", -9) == board.tiles


def test_a_board_that_somebody_changed_meanwhile_is_not_laid_out_over_them(store, board):
    boards.pin(store, board.id, "More", TREND, by="Ben", at=LATER)

    with pytest.raises(Conflict, match="Ben changed"):
        boards.lay_out(store, board.id, (), expected_version=board.version, by="Ana", at=LATER)


def test_a_tile_taken_out_does_not_give_its_id_to_another_while_later_ones_live(store, board):
    boards.lay_out(store, board.id, boards.without(board.tiles, "t1"), by="Ana", at=AT)

    assert [each.id for each in boards.pin(store, board.id, "Third", TREND, by="Ana", at=AT).tiles] == ["t2", "t3"]


def test_a_copy_has_everything_but_the_name_and_lives_on_its_own(store, board):
    boards.override(store, board.id, period={"last": [7, "day"]}, people={"segment": "s1"}, by="Ana", at=AT)
    copy = boards.duplicate(store, board.id, by="Ben", at=LATER)

    assert (copy.name, copy.period, copy.people) == ("Copy of Weekly look", {"last": [7, "day"]}, {"segment": "s1"})
    assert [each.question for each in copy.tiles] == [ACTIVE, TREND]
    boards.lay_out(store, copy.id, (), by="Ben", at=LATER)
    assert len(boards.get(store, board.id).tiles) == 2


def test_an_archived_board_is_out_of_the_lists_keeps_its_name_and_comes_back(store, board):
    boards.archive(store, board.id, by="Ana", at=LATER)
    assert boards.find(store) == ()
    with pytest.raises(NameTaken):
        boards.make(store, "weekly LOOK", by="Ana", at=LATER)
    assert boards.restore(store, board.id, by="Ana", at=LATER).archived_at is None
    assert [each.id for each in boards.find(store, text="weekly")] == [board.id]
    assert activity.kinds(store) == ["archive board", "make board", "pin to board", "restore board"]


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (lambda store, _: boards.make(store, " \t", by="Ana", at=AT), Invalid),
        (lambda store, _: boards.make(store, "x" * 121, by="Ana", at=AT), Invalid),
        (lambda store, board: boards.pin(store, board.id, " ", TREND, by="Ana", at=AT), Invalid),
        (lambda store, board: boards.pin(store, board.id, "Wide", TREND, width=4, by="Ana", at=AT), Invalid),
        (lambda store, _: boards.pin(store, "b99", "Lost", TREND, by="Ana", at=AT), Unknown),
        (lambda _, board: boards.moved(board.tiles, "t9", 1), Unknown),
        (lambda store, board: boards.lay_out(store, board.id, board.tiles * 21, by="Ana", at=AT), Invalid),
    ],
)
def test_what_a_board_cannot_be_is_refused(store, board, refused, why):
    with pytest.raises(why):
        refused(store, board)


def test_annotations_are_written_changed_taken_away_and_found_by_their_days(store):
    first = annotating.write(store, date(2026, 11, 1), "Prices  up", by="Ana", at=AT)
    annotating.write(store, date(2026, 11, 20), "Campaign", by="Ben", at=AT)
    annotating.change(store, first.id, "Prices up 4%", by="Ben", at=LATER)

    assert [each.text for each in annotating.find(store)] == ["Prices up 4%", "Campaign"]
    assert [each.text for each in annotating.find(store, first=date(2026, 11, 2), last=date(2026, 11, 20))] == ["Campaign"]
    gone = annotating.delete(store, first.id, by="Ben", at=LATER)
    assert (gone.day, [each.text for each in annotating.find(store)]) == (date(2026, 11, 1), ["Campaign"])
    with pytest.raises(Unknown):
        annotating.delete(store, first.id, by="Ben", at=LATER)
    with pytest.raises(Invalid):
        annotating.write(store, date(2026, 11, 1), " ", by="Ana", at=AT)


def test_a_board_asks_a_tile_of_another_period_and_of_fewer_people():
    tile = boards.Tile("t1", "Active", {**ACTIVE, "people": {"version": 1, "match": "any", "conditions": [{"event": "A"}]}})
    others = {"version": 1, "match": "all", "conditions": [{"event": "B"}]}

    asked = boards.asked(tile, period={"last": 7, "unit": "day"}, people=others)

    assert asked["period"] == {"last": 7, "unit": "day"}
    assert asked["people"] == {
        "match": "all",
        "conditions": [{"match": "any", "conditions": [{"event": "A"}]}, {"match": "all", "conditions": [{"event": "B"}]}],
    }
    assert boards.asked(tile) == tile.question


def test_the_first_board_asks_only_what_can_be_asked_and_is_made_once(store):
    take(store, events([("u1", "Order Completed", AT - timedelta(days=1)), ("u1", "Seen", AT - timedelta(days=1))]))
    made = beginning.board(store, by="Ana", at=AT)
    assert made is not None

    asked = [insights.run(store, insights.parse(each.question), at=AT).table.num_rows for each in made.tiles]
    assert min(asked) > 0
    assert {"Order Completed, times and users", "Commonest events, users"} <= {each.title for each in made.tiles}
    assert beginning.board(store, by="Ana", at=AT) is None
