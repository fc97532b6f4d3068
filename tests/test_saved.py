"""Saved segments: names, versions, archive, and fixed lists with what became of pasted ids."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds import AT, take, users
from user360 import activity, profiles, segments
from user360.errors import Conflict, InUse, Invalid, InvalidRule, NameTaken, Unknown
from user360.people import NOBODY, People
from user360.segments import lists, saved

if TYPE_CHECKING:
    from user360.segments import Rule
    from user360.segments.saved import Segment
    from user360.store import Store

LATER = AT + timedelta(hours=1)


def rule(*conditions: dict[str, Any], match: str = "all") -> Rule:
    return segments.parse({"version": 1, "match": match, "conditions": list(conditions)})


def lives_in(*countries: str) -> Rule:
    return rule({"property": "country", "operator": "is", "values": list(countries)})


def inside(*ids: str) -> Rule:
    return rule(*({"segment": each} for each in ids))


def made(store: Store, name: str = "Germans", what: Rule | None = None) -> Segment:
    return saved.save(store, name, what or lives_in("DE"), by="ann", at=AT)


def keys(store: Store, *ids: str) -> People:
    return People.of([key for each in ids if (key := profiles.key_of(store, each)) is not None])


def five(store: Store) -> None:
    take(store, users([{"userId": f"u{each}", "country": "DE" if each < 3 else "FR"} for each in range(1, 6)]))


# -- definitions --------------------------------------------------------------------------------


def test_a_saved_segment_is_found_as_it_was_saved(store: Store) -> None:
    found = saved.save(store, "  Germans\t", lives_in("DE"), description="From Germany.", note="first", by="ann", at=AT)

    assert found == saved.get(store, found.id)
    assert (found.id, found.name, found.kind, found.description) == ("s1", "Germans", "dynamic", "From Germany.")
    assert (found.rule, found.version, found.made_at, found.made_by, found.archived_at) == (lives_in("DE"), 1, AT, "ann", None)
    assert [(each.number, each.note, each.at, each.by) for each in saved.versions(store, "s1")] == [(1, "first", AT, "ann")]


def test_a_definition_is_kept_in_canonical_form(store: Store) -> None:
    found = made(store, what=lives_in("FR", "DE", "FR"))

    assert found.rule == lives_in("DE", "FR")


def test_a_rule_that_does_not_hold_is_not_saved(store: Store) -> None:
    with pytest.raises(InvalidRule, match=r"\$\.conditions\[0\]\.property"):
        made(store, what=rule({"property": "nothing", "operator": "is_known"}))

    assert saved.find(store, archived=None) == ()


@pytest.mark.parametrize("name", ["germans", "GERMANS ", "Ger\u006dans"])
def test_a_name_is_taken_without_regard_to_case_and_blanks(store: Store, name: str) -> None:
    made(store)

    with pytest.raises(NameTaken, match="Germans"):
        made(store, name)


def test_two_spellings_of_one_letter_are_one_name(store: Store) -> None:
    made(store, "Caf\u00e9")

    with pytest.raises(NameTaken):
        made(store, "Cafe\u0301")


@pytest.mark.parametrize("name", ["", "  ", "\n\t", "x" * 121])
def test_a_name_that_says_nothing_or_too_much_is_refused(store: Store, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        made(store, name)


def test_an_archived_segment_keeps_its_name(store: Store) -> None:
    saved.archive(store, made(store).id, by="ann", at=AT)

    with pytest.raises(NameTaken, match="already"):
        made(store)


def test_revising_makes_a_version_and_keeps_the_earlier_ones(store: Store) -> None:
    made(store)

    found = saved.revise(store, "s1", lives_in("DE", "AT"), expected_version=1, note="and Austria", by="bob", at=LATER)

    assert (found.version, found.rule, found.changed_at, found.changed_by) == (2, lives_in("AT", "DE"), LATER, "bob")
    assert [(each.number, each.rule) for each in saved.versions(store, "s1")] == [(2, lives_in("AT", "DE")), (1, lives_in("DE"))]


def test_the_same_definition_makes_no_version(store: Store) -> None:
    before = made(store)

    assert saved.revise(store, "s1", lives_in("DE", "DE"), by="bob", at=LATER) == before


def test_who_edited_an_older_version_is_told_who_was_quicker(store: Store) -> None:
    made(store)
    saved.revise(store, "s1", lives_in("FR"), expected_version=1, by="bob", at=LATER)

    with pytest.raises(Conflict, match="bob saved version 2 of “Germans” meanwhile"):
        saved.revise(store, "s1", lives_in("IT"), expected_version=1, by="cem", at=LATER)

    assert saved.get(store, "s1").rule == lives_in("FR")


def test_rolling_back_is_a_new_version_of_the_old_definition(store: Store) -> None:
    made(store)
    saved.revise(store, "s1", lives_in("FR"), by="bob", at=LATER)

    found = saved.roll_back(store, "s1", 1, by="ann", at=LATER)

    assert (found.version, found.rule) == (3, lives_in("DE"))
    assert saved.versions(store, "s1")[0].note == "Back to version 1"
    with pytest.raises(Unknown, match="no version 7"):
        saved.roll_back(store, "s1", 7, by="ann", at=LATER)


def test_a_name_and_a_description_can_change(store: Store) -> None:
    made(store)
    saved.rename(store, "s1", "germans", by="bob", at=LATER)

    found = saved.describe(store, "s1", "Whom we ship to.", by="bob", at=LATER)

    assert (found.name, found.description, found.version, found.changed_by) == ("germans", "Whom we ship to.", 1, "bob")


def test_segments_are_found_by_words_lately_changed_first(store: Store) -> None:
    for name in ("Germans", "French", "Italians"):
        made(store, name)
    saved.describe(store, "s1", "Not the FRENCH ones.", by="bob", at=LATER)

    assert [each.name for each in saved.find(store, text="french")] == ["Germans", "French"]
    assert saved.named(store, "french ") == saved.get(store, "s2")
    assert saved.named(store, "nobody") is None


def test_a_segment_that_is_not_there_is_refused(store: Store) -> None:
    with pytest.raises(Unknown, match="no segment “s9”"):
        saved.get(store, "s9")


def test_a_segment_is_told_of_in_the_activity_log_with_who_did_it(store: Store) -> None:
    made(store)
    saved.revise(store, "s1", lives_in("FR"), by="bob", at=LATER)
    saved.rename(store, "s1", "French", by="bob", at=LATER)
    saved.archive(store, "s1", by="cem", at=LATER)
    saved.restore(store, "s1", by="cem", at=LATER)

    told = activity.find(store).select(["kind", "subject", "by"]).to_pylist()

    assert [tuple(each.values()) for each in told] == [
        ("restore segment", "French", "cem"),
        ("archive segment", "French", "cem"),
        ("rename segment", "French", "bob"),
        ("save segment", "Germans", "bob"),
        ("save segment", "Germans", "ann"),
    ]


# -- one resting on another ---------------------------------------------------------------------


def test_a_segment_can_rest_on_others(store: Store) -> None:
    five(store)
    made(store)
    made(store, "Others", rule({"segment": "s1"}, match="none"))

    assert segments.people(store, inside("s2"), at=AT) == keys(store, "u3", "u4", "u5")
    assert [each.name for each in saved.dependents(store, "s1")] == ["Others"]


def test_a_segment_in_use_is_not_archived(store: Store) -> None:
    made(store)
    made(store, "Others", rule({"segment": "s1"}, match="none"))

    with pytest.raises(InUse, match="“Germans” is used by “Others”"):
        saved.archive(store, "s1", by="ann", at=AT)

    saved.archive(store, "s2", by="ann", at=AT)
    assert saved.archive(store, "s1", by="ann", at=AT).archived_at == AT
    assert [each.id for each in saved.find(store, archived=True)] == ["s2", "s1"]


def test_what_is_archived_is_neither_named_anew_nor_restored_without_what_it_names(store: Store) -> None:
    made(store)
    made(store, "Others", rule({"segment": "s1"}, match="none"))
    for each in ("s2", "s1"):
        saved.archive(store, each, by="ann", at=AT)

    with pytest.raises(InvalidRule, match="“Germans” is archived"):
        made(store, "More", inside("s1"))
    with pytest.raises(Conflict, match="“Others” uses “Germans”, which is archived"):
        saved.restore(store, "s2", by="ann", at=AT)

    assert saved.restore(store, "s1", by="ann", at=LATER).archived_at is None
    assert saved.restore(store, "s2", by="ann", at=LATER).archived_at is None


def test_a_segment_cannot_come_to_name_itself(store: Store) -> None:
    made(store)
    made(store, "Over", inside("s1"))
    made(store, "Further over", inside("s2"))

    for way in ("s1", "s2", "s3"):
        with pytest.raises(InvalidRule, match="refers back to itself") as refusal:
            saved.revise(store, "s1", rule({"property": "city", "operator": "is_known"}, {"segment": way}), by="ann", at=AT)
        assert refusal.value.path == "$.conditions[1].segment"


def test_segments_that_name_each_other_twice_over_do_not_grow_without_end(store: Store) -> None:
    made(store)
    with pytest.raises(InvalidRule, match="conditions"):
        for number in range(1, 30):
            made(
                store,
                f"Twice {number}",
                rule({"segment": f"s{number}"}, {"match": "any", "conditions": [{"segment": f"s{number}"}]}),
            )

    assert len(saved.find(store)) < 12


# -- copies -------------------------------------------------------------------------------------


def test_a_duplicate_has_the_definition_and_a_name_of_its_own(store: Store) -> None:
    made(store)

    copies = [saved.duplicate(store, "s1", by="bob", at=LATER) for _ in range(2)]

    assert [(each.name, each.rule, each.version) for each in copies] == [
        ("Copy of Germans", lives_in("DE"), 1),
        ("Copy of Germans 2", lives_in("DE"), 1),
    ]


def test_a_frozen_segment_keeps_its_members_while_the_rule_moves_on(store: Store) -> None:
    five(store)
    made(store)

    frozen = lists.freeze(store, "s1", by="ann", at=AT)
    take(store, users([{"userId": "u1", "country": "FR"}]))

    assert (frozen.name, frozen.kind, frozen.rule, frozen.version) == ("Germans on 23 Nov 2026", "static", None, 0)
    assert segments.people(store, inside(frozen.id), at=AT) == keys(store, "u1", "u2")
    assert segments.people(store, inside("s1"), at=AT) == keys(store, "u2")


# -- fixed lists --------------------------------------------------------------------------------


def test_members_are_put_in_once_and_taken_out(store: Store) -> None:
    five(store)
    held = lists.save(store, "Guests", keys(store, "u1", "u2"), source="selection", by="ann", at=AT)

    assert lists.add(store, held.id, keys(store, "u2", "u3"), source="selection", by="ann", at=AT) == 1
    assert lists.remove(store, held.id, keys(store, "u1", "u5"), by="ann", at=LATER) == 1

    assert segments.people(store, saved.rule_of(held), at=LATER) == keys(store, "u2", "u3")
    assert segments.people(store, saved.rule_of(held), at=AT, past=True) == keys(store, "u1", "u2", "u3")
    assert lists.add(store, held.id, keys(store, "u1"), source="selection", by="ann", at=LATER) == 1


def test_a_list_just_made_is_full_for_who_asks_of_a_moment_ago(store: Store) -> None:
    """A page asks of the minute it was drawn in, which began before the list was saved."""
    five(store)
    held = lists.save(store, "Guests", keys(store, "u1"), source="selection", by="ann", at=AT)

    assert segments.people(store, saved.rule_of(held), at=AT - timedelta(seconds=50)) == keys(store, "u1")


def test_who_is_deleted_is_on_no_list_any_more(store: Store) -> None:
    five(store)
    held = lists.save(store, "Guests", keys(store, "u1", "u2"), source="selection", by="ann", at=AT)
    profiles.delete(store, keys(store, "u1"), by="ann", source="test", at=LATER)
    take(store, users([{"userId": "u1"}]), at=LATER)

    assert segments.people(store, saved.rule_of(held), at=LATER) == keys(store, "u2")


def test_a_list_can_be_empty_and_be_copied(store: Store) -> None:
    five(store)
    held = lists.save(store, "Guests", NOBODY, source="selection", by="ann", at=AT)
    lists.add(store, held.id, keys(store, "u4"), source="selection", by="ann", at=AT)

    copy = saved.duplicate(store, held.id, by="ann", at=AT)

    assert segments.people(store, inside(copy.id), at=AT) == keys(store, "u4")


def test_a_rule_takes_no_members_and_a_list_no_rule(store: Store) -> None:
    five(store)
    made(store)
    lists.save(store, "Guests", NOBODY, source="selection", by="ann", at=AT)

    with pytest.raises(Conflict, match="follows from the rule"):
        lists.add(store, "s1", keys(store, "u1"), source="selection", by="ann", at=AT)
    with pytest.raises(Conflict, match="no definition"):
        saved.revise(store, "s2", lives_in("DE"), by="ann", at=AT)


def test_pasted_ids_are_reported_one_by_one(store: Store) -> None:
    five(store)

    pasted = lists.paste(store, 'u1\r\n  u2 \n\n"u3"\nu9\nu1\nu9\nU1\n')

    assert pasted.found == keys(store, "u1", "u2", "u3")
    assert [(each.position, each.id) for each in pasted.strangers] == [(5, "u9"), (8, "U1")]
    assert [(each.position, each.id, each.first) for each in pasted.duplicates] == [(6, "u1", 1), (7, "u9", 5)]
    assert [each.position for each in pasted.blanks] == [3]


@pytest.mark.parametrize("text", ["u1,u2;u3", "u1\tu2, u3", "u1, u2, u3\n"])
def test_ids_on_one_line_may_be_separated(store: Store, text: str) -> None:
    five(store)

    assert lists.paste(store, text).found == keys(store, "u1", "u2", "u3")


def test_nothing_pasted_finds_nobody(store: Store) -> None:
    pasted = lists.paste(store, "")

    assert (len(pasted.found), pasted.strangers, [each.position for each in pasted.blanks]) == (0, (), [1])


def test_fifty_thousand_pasted_ids_each_have_their_line(store: Store) -> None:
    take(store, users([{"userId": f"u{each}"} for each in range(30_000)]))
    lines = [f"u{each}" for each in range(45_000)] + ["", "u7"] * 2_500

    pasted = lists.paste(store, "\n".join(lines))

    assert (len(pasted.found), len(pasted.strangers), len(pasted.duplicates), len(pasted.blanks)) == (
        30_000,
        15_000,
        2_500,
        2_500,
    )
    assert pasted.strangers[0] == lists.Line(30_001, "u30000")
    assert pasted.duplicates[0] == lists.Line(45_002, "u7", 8)
