"""Formulas: read and written the same, reckoned as Python reckons, refused with the place of the fault."""

from __future__ import annotations

import ast
import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from user360 import formulas
from user360.errors import InvalidInsight
from user360.formulas import Joined, Letter, Negated, Number

SIGNS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
NUMBERS = st.decimals(0, 10**6, places=3).map(lambda each: Number(float(each)))
LETTERS = st.integers(0, 4).map(Letter)
FORMULAS = st.recursive(
    NUMBERS | LETTERS,
    lambda parts: st.builds(Joined, st.sampled_from("+-*/"), parts, parts) | st.builds(Negated, parts),
    max_leaves=8,
).filter(lambda each: formulas.named(each) and len(formulas.text(each)) <= formulas.LONGEST)
FIGURES = st.lists(st.none() | st.integers(-50, 50).map(float), min_size=5, max_size=5)


def by_python(text, figures):
    """What Python's own reader makes of the text; None where a letter is unknown or it cannot be reckoned."""

    def reckoned(node):
        if isinstance(node, ast.BinOp):
            return SIGNS[type(node.op)](reckoned(node.left), reckoned(node.right))
        if isinstance(node, ast.UnaryOp):
            return -reckoned(node.operand)
        return node.value if isinstance(node, ast.Constant) else figures["ABCDE".index(node.id)]

    try:
        found = reckoned(ast.parse(text, mode="eval").body)
    except (TypeError, ZeroDivisionError, OverflowError):
        return None
    return found if math.isfinite(found) else None


@given(FORMULAS)
def test_what_is_written_is_read_again_as_the_same(formula):
    assert formulas.parse(formulas.text(formula)) == formula


@given(FORMULAS, FIGURES)
def test_it_comes_to_what_python_reckons(formula, figures):
    assert formulas.value(formula, figures) == by_python(formulas.text(formula), figures)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("a/b*100", "A / B * 100"),
        (" ( A-B ) / C", "(A - B) / C"),
        ("(A/B)*100", "A / B * 100"),
        ("A/(B*100)", "A / (B * 100)"),
        ("A-(B-C)", "A - (B - C)"),
        ("A × 0.50 ÷ B − C", "A * 0.5 / B - C"),
        ("--A", "--A"),
        ("-(A+B)*2", "-(A + B) * 2"),
        ("A * 007", "A * 7"),
    ],
)
def test_there_is_one_way_to_write_it(typed, written):
    assert formulas.text(formulas.parse(typed)) == written


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("A +", "ends where a number, a series or “(” is expected"),
        ("", "ends where"),
        ("A $ B", "“$” at character 3"),
        ("A / F", "“F” at character 5"),
        ("AB", "“AB” at character 1"),
        ("(A / B", "ends where"),
        ("A / B)", "“)” at character 6"),
        ("A B", "“B” at character 3"),
        ("A * .5", "“.” at character 5"),
        ("1 / 2", "names no series"),
        ("A ** 2", "“*” at character 4"),
        ("__import__('os')", "“_” at character 1"),
        ("A + ٣", "“٣” at character 5"),
        ("A+" * 101 + "A", "is longer than 200"),
        ("A+" * 99 + "A", "is longer than 200"),
        ("(" * 21 + "A" + ")" * 21, "is nested deeper than 20"),
        ("-" * 21 + "A", "is nested deeper than 20"),
        (7, "is not text"),
        (["A"], "is not text"),
    ],
)
def test_what_is_no_formula_is_refused_where_the_fault_is(typed, told):
    with pytest.raises(InvalidInsight) as refused:
        formulas.parse(typed)

    assert told in refused.value.reason
    assert refused.value.path == "$.formula"
    assert refused.value.hint


@pytest.mark.parametrize(("series", "there"), [(1, "There is only A."), (2, "There are A to B.")])
def test_a_letter_of_no_series_is_named_with_those_there_are(series, there):
    with pytest.raises(InvalidInsight) as refused:
        formulas.check(formulas.parse("A / C"), series)

    assert "names C" in refused.value.reason
    assert refused.value.hint == there


@pytest.mark.parametrize(
    ("text", "figures"),
    [("A / B", (3, 0)), ("A / (B - B)", (3, 2)), ("A + B", (3, None)), ("A * A", (1e200, 0)), ("A / B + 1", (0, 0))],
)
def test_what_cannot_be_reckoned_is_unknown_and_no_error(text, figures):
    assert formulas.value(formulas.parse(text), figures) is None


@given(FORMULAS, st.integers(0, 4), FIGURES)
def test_after_a_series_was_taken_out_it_comes_to_the_same_or_is_gone(formula, place, figures):
    left = formulas.without(formula, place)
    rest = [*figures[:place], *figures[place + 1 :], None]

    assert (left is None) == (place in formulas.named(formula))
    if left is not None:
        assert formulas.value(left, rest) == formulas.value(formula, figures)
