"""The Segments screens: built by pointing, undone, saved; empty, small, refused and large."""

from __future__ import annotations

import json

import pytest

from pages.ui.builder import draft
from tests.test_pages_users import AT, add, add_many, happened, lives, opened, said, shown  # noqa: F401 - the fixture
from user360 import segments
from user360.segments import lists, saved

INDIA = {"property": "country", "operator": "is", "values": ["India"]}
BRAZIL = {"property": "country", "operator": "is", "values": ["Brazil"]}


def rule(*conditions, match="all"):
    return json.dumps({"version": 1, "match": match, "conditions": list(conditions)})


def rows(test):
    return draft.rows_of(test.session_state["builder"].root)


def root(test):
    return test.session_state["builder"].root["id"]


def people_now(test):
    return next(each.value for each in test.metric if each.label == "People now")


def save(store, name, *conditions):
    return saved.save(store, name, segments.parse(rule(*conditions)), by="Ana", at=AT)


@pytest.fixture
def store(opened):  # noqa: F811 - pytest's way
    return opened


def test_without_segments_the_list_says_what_one_is(store):
    add_many(store, 3)
    test = shown("segments")
    assert "No segments yet" in said(test)
    lives(test.button(key="segments.new").click().run())
    assert [each.value for each in test.header] == ["New segment"]


def test_the_list_counts_each_segment_for_the_present(store):
    add_many(store, 9)
    save(store, "India", INDIA)
    save(store, "Everyone")
    table = shown("segments").dataframe[0].value
    assert dict(zip(table["Name"], table["People"], strict=True)) == {"India": 3, "Everyone": 9}


def test_the_list_finds_by_name_and_keeps_the_archived_apart(store):
    add_many(store, 3)
    save(store, "India", INDIA)
    gone = save(store, "Brazil", BRAZIL)
    saved.archive(store, gone.id, by="Ana", at=AT)
    assert shown("segments").dataframe[0].value["Name"].tolist() == ["India"]
    assert shown("segments", archived="1").dataframe[0].value["Name"].tolist() == ["Brazil"]
    assert "No segment has that" in said(shown("segments", q="zzz"))


def test_a_new_segment_is_everyone(store):
    add_many(store, 9)
    test = shown("segment")
    assert people_now(test) == "9"
    assert "rule" not in test.query_params


def test_a_property_is_chosen_by_pointing_and_the_address_says_so(store):
    add_many(store, 9)
    test = shown("segment")
    lives(test.button(key=f"rule.{root(test)}.add.property.0").click().run())
    row = rows(test)[0]["id"]
    assert "1 condition not finished: counted without it" in said(test)
    assert people_now(test) == "9"
    test.selectbox(key=f"rule.{row}.property.0").set_value("country")
    lives(test.run())
    test.multiselect(key=f"rule.{row}.many.1").set_value(["India"])
    lives(test.run())
    assert people_now(test) == "3"
    assert json.loads(test.query_params["rule"]) == json.loads(rule(INDIA))


def test_no_two_fields_of_a_rule_are_called_the_same(store):
    add_many(store, 9)
    happened(store, "C-0", "Order Completed", total=40)
    total = {"property": "total", "type": "number", "operator": "greater_than", "values": [1]}
    ordered = {"event": "Order Completed", "where": {"match": "all", "conditions": [total, total]}}
    group = {"match": "any", "conditions": [INDIA, BRAZIL]}
    steps = {"sequence": [{"event": "Order Completed"}, {"event": "Order Completed"}]}
    test = shown("segment", rule=rule(INDIA, INDIA, group, ordered, ordered, steps))
    fields = [*test.selectbox, *test.multiselect, *test.text_input, *test.number_input, *test.button_group]
    labels = [each.label for each in fields if str(each.key).startswith("rule.")]

    assert len(labels) > 30
    assert sorted(labels) == sorted(set(labels))
    assert "Property, where 2, condition 5" in labels


def test_a_rule_too_long_for_a_link_says_so(store):
    add_many(store, 9)
    test = shown("segment", rule=rule(INDIA))
    row = rows(test)[0]["id"]
    test.multiselect(key=f"rule.{row}.many.0").set_value(["India", *(f"Nowhere {number}" for number in range(2_000))])
    lives(test.run())
    assert people_now(test) == "3"
    assert "Too long for a link" in said(test)
    assert "rule" not in test.query_params


def test_an_event_its_where_and_its_time_are_built_by_pointing(store):
    for number in range(3):
        add(store, f"C-{number}")
    happened(store, "C-0", "Order Completed", total=40)
    happened(store, "C-1", "Order Completed", total=400)
    test = shown("segment")
    lives(test.button(key=f"rule.{root(test)}.add.event.0").click().run())
    row = rows(test)[0]["id"]
    test.selectbox(key=f"rule.{row}.event.0").set_value("Order Completed")
    lives(test.run())
    assert people_now(test) == "2"
    test.menu_button(key=f"rule.{row}.menu").set_value("Where …")
    lives(test.run())
    where = rows(test)[0]["where"]["conditions"][0]["id"]
    test.selectbox(key=f"rule.{where}.property.0").set_value("total")
    lives(test.run())
    test.selectbox(key=f"rule.{where}.operator.1").set_value("greater_than")
    lives(test.run())
    test.text_input(key=f"rule.{where}.value.2").set_value("100")
    lives(test.run())
    assert people_now(test) == "1"
    test.selectbox(key=f"rule.{row}.asked.0").set_value("did not")
    lives(test.run())
    assert people_now(test) == "2"
    test.selectbox(key=f"rule.{row}.during.1").set_value("last 7 day")
    lives(test.run())
    condition = json.loads(test.query_params["rule"])["conditions"][0]
    assert condition["during"] == {"last": 7, "unit": "day"}
    assert condition["where"]["conditions"][0]["values"] == [100]


def test_every_kind_of_condition_can_be_begun(store):
    add_many(store, 3)
    test = shown("segment")
    more = f"rule.{root(test)}.more.0"
    for kind in list(test.menu_button(key=more).options):
        test.menu_button(key=more).set_value(kind)
        lives(test.run())
    assert len(rows(test)) == 8
    assert people_now(test) == "3"


def test_what_each_leaves_is_counted_in_order_alone_and_without(store):
    add_many(store, 9)
    test = shown("segment", rule=rule(INDIA, BRAZIL))
    assert test.dataframe[0].value["Left"].tolist() == [9, 3, 0]
    test.segmented_control(key="segment.view").set_value("alone")
    lives(test.run())
    assert test.dataframe[0].value["Alone"].tolist() == [9, 3, 3]
    test.segmented_control(key="segment.view").set_value("without")
    lives(test.run())
    assert test.dataframe[0].value["Then"].tolist() == [0, 3, 3]


def test_of_conditions_of_which_any_holds_it_is_told_what_each_adds_and_those_that_read_alike_have_numbers(store):
    add_many(store, 9)
    test = shown("segment", rule=rule(INDIA, BRAZIL, INDIA, match="any"))
    found = test.dataframe[0].value
    assert found["What"].tolist() == ["Everyone", "1 · country", "2 · country", "3 · country"]
    assert (found["So far"].tolist(), found["Of all"].round().tolist()) == ([9, 3, 6, 6], [100, 33, 67, 67])
    test.segmented_control(key="segment.view").set_value("without")
    lives(test.run())
    assert test.dataframe[0].value["Fewer"].tolist() == [0, 0, 3, 0]


def test_edits_are_undone_and_done_again(store):
    add_many(store, 9)
    test = shown("segment", rule=rule(INDIA))
    row = rows(test)[0]["id"]
    test.menu_button(key=f"rule.{row}.menu").set_value("Take out")
    lives(test.run())
    assert people_now(test) == "9"
    lives(test.button(key="segment.undo").click().run())
    assert (people_now(test), rows(test)[0]["id"]) == ("3", row)
    lives(test.button(key="segment.redo").click().run())
    assert people_now(test) == "9"


def test_going_back_in_the_browser_is_undoing(store):
    add_many(store, 9)
    test = shown("segment", rule=rule(INDIA))
    before = test.query_params["rule"]
    row = rows(test)[0]["id"]
    test.multiselect(key=f"rule.{row}.many.0").set_value(["India", "Brazil"])
    lives(test.run())
    assert people_now(test) == "6"
    test.query_params["rule"] = before
    lives(test.run())
    assert (people_now(test), rows(test)[0]["id"]) == ("3", row)


def test_a_condition_switched_off_is_kept_and_not_counted(store):
    add_many(store, 9)
    test = shown("segment", rule=rule(INDIA))
    row = rows(test)[0]["id"]
    test.menu_button(key=f"rule.{row}.menu").set_value("Switch off")
    lives(test.run())
    assert people_now(test) == "9"
    assert "~~" in said(test)
    test.menu_button(key=f"rule.{row}.menu").set_value("Switch on")
    lives(test.run())
    assert people_now(test) == "3"


def test_a_faulty_condition_stands_as_a_row_with_its_fault(store):
    add_many(store, 3)
    test = shown("segment", rule=rule(INDIA, {"property": "contry", "operator": "is", "values": ["x"]}))
    assert "There is no property “contry”" in said(test).replace("\\", "")
    assert people_now(test) == "1"


def test_nonsense_in_the_address_is_refused_in_words(store):
    add_many(store, 3)
    for faulty in ("{", "[]", '{"match":"all","conditions":7}'):
        test = shown("segment", rule=faulty)
        assert ["The rule in the address cannot be used" in each.value for each in test.error] == [True]
        assert people_now(test) == "3"


def test_a_segment_that_is_not_there_says_so(store):
    add_many(store, 3)
    test = shown("segment", id="s99")
    assert ["There is no segment" in each.value for each in test.error] == [True]


def test_a_new_segment_is_saved_under_its_name(store):
    add_many(store, 9)
    test = shown("segment", rule=rule(INDIA))
    lives(test.button(key="segment.save").click().run())
    key = f"segment.save_as.{test.session_state['dialogs.open']['turn']}"
    lives(test.button(key=f"{key}.act").click().run())
    assert saved.find(store) == ()
    test.text_input(key=f"{key}.name").set_value("From India")
    lives(test.run())
    lives(test.button(key=f"{key}.act").click().run())
    (made,) = saved.find(store)
    assert (made.name, made.version) == ("From India", 1)
    assert [each.value for each in test.header] == ["From India"]


def test_a_saved_segment_gets_its_next_version(store):
    add_many(store, 9)
    of = save(store, "India", INDIA)
    test = shown("segment", id=of.id)
    assert test.button(key="segment.save").disabled
    row = rows(test)[0]["id"]
    test.multiselect(key=f"rule.{row}.many.0").set_value(["India", "Brazil"])
    lives(test.run())
    assert "Version 1 · changed, not saved" in said(test)
    lives(test.button(key="segment.save").click().run())
    key = f"segment.save.{test.session_state['dialogs.open']['turn']}"
    lives(test.button(key=f"{key}.act").click().run())
    assert saved.get(store, of.id).version == 2
    assert "rule" not in test.query_params


def test_the_sentence_can_be_written(store):
    add_many(store, 9)
    test = shown("segment", rule=rule(INDIA))
    lives(test.button(key="segment.write").click().run())
    test.text_area(key="segment.text").set_value("People whose country is “Brazil” or “Indi")
    lives(test.run())
    lives(test.button(key="segment.text.use").click().run())
    assert "stops too early" in said(test) or "cannot be read" in said(test)
    test.text_area(key="segment.text").set_value("People whose country is “Brazil” or “India”.")
    lives(test.run())
    lives(test.button(key="segment.text.use").click().run())
    assert people_now(test) == "6"


def test_two_hundred_conditions_eight_levels_deep_are_drawn_as_sentences(store):
    add_many(store, 30)
    inner = json.loads(rule(*[{"property": "city", "operator": "is", "values": [f"c{n}"]} for n in range(180)], match="any"))
    del inner["version"]
    for _ in range(6):
        inner = {"match": "all", "conditions": [INDIA, inner]}
    test = shown("segment", rule=json.dumps({"version": 1, "match": "all", "conditions": [inner]}))
    assert len(rows(test)) == 186
    assert len(test.multiselect) == 0
    row = rows(test)[0]["id"]
    lives(test.button(key=f"rule.{row}.unfold.0").click().run())
    assert len(test.multiselect) == 1


def test_ten_thousand_values_are_lines_of_a_text(store):
    add_many(store, 30)
    values = [f"city {number}" for number in range(10_000)]
    of = save(store, "Many", {"property": "city", "operator": "is", "values": values})
    test = shown("segment", id=of.id)
    row = rows(test)[0]["id"]
    assert len(test.multiselect) == 0
    test.session_state[f"rule.{row}.pasted.0"] = True
    lives(test.run())
    test.text_area(key=f"rule.{row}.lines.0").set_value("\n".join(values[:9_000]))
    lives(test.run())
    assert len(rows(test)[0]["condition"]["values"]) == 9_000
    assert "rule" not in test.query_params


def test_data_never_becomes_markup_in_the_builder(store):
    hostile = "![x](http://evil/beacon.png) <b>"
    add(store, "C-1", city=hostile, firstName=hostile)
    happened(store, "C-1", hostile)
    of = save(store, hostile, {"property": "city", "operator": "is", "values": [hostile]}, {"event": hostile})
    test = shown("segment", id=of.id)
    for each in [*test.header, *test.markdown, *test.caption, *test.button]:
        text = str(getattr(each, "label", "") or "") + str(getattr(each, "value", "") or "")
        assert "![x](" not in text
        assert "<b>" not in text.replace("\\<b\\>", "")


def open_dialog(test, button):
    lives(test.button(key=button).click().run())
    return f"{test.session_state['dialogs.open']['name']}.{test.session_state['dialogs.open']['turn']}"


def choose(test, what):
    test.menu_button(key="segment.more").set_value(what)
    return lives(test.run())


def open_menu(test, what):
    choose(test, what)
    return f"{test.session_state['dialogs.open']['name']}.{test.session_state['dialogs.open']['turn']}"


def test_before_saving_the_difference_and_whom_it_moves_are_told(store):
    add_many(store, 9)
    of = save(store, "India", INDIA)
    save(store, "Not India", {"match": "none", "conditions": [{"segment": of.id}]})
    test = shown("segment", id=of.id, rule=rule(BRAZIL))
    open_dialog(test, "segment.save")
    text = said(test).replace("\\", "")
    assert "**3** enter, **3** leave, 0 stay." in text
    assert "Changed: whose country is “India” → “Brazil”" in text
    assert "Used by 1 segment: Not India" in text


def test_what_somebody_else_saved_meanwhile_is_not_overwritten_unseen(store):
    add_many(store, 9)
    of = save(store, "India", INDIA)
    test = shown("segment", id=of.id, rule=rule(BRAZIL))
    key = open_dialog(test, "segment.save")
    both = segments.parse(rule({"property": "country", "operator": "is", "values": ["India", "Germany"]}))
    saved.revise(store, of.id, both, by="Bea", at=AT)
    test.button(key=f"{key}.act").click()
    lives(test.run())
    assert saved.get(store, of.id).version == 2
    assert "Bea saved version 2" in said(test).replace("\\", "")
    lives(test.button(key=f"{key}.act").click().run())
    assert saved.get(store, of.id).version == 3


def test_an_earlier_version_holds_again(store):
    add_many(store, 9)
    of = save(store, "India", INDIA)
    saved.revise(store, of.id, segments.parse(rule(BRAZIL)), note="Brazil instead", by="Bea", at=AT)
    test = shown("segment", id=of.id)
    open_menu(test, "Versions")
    assert "Brazil instead" in said(test)
    lives(test.button(key="segment.roll.1").click().run())
    found = saved.get(store, of.id)
    assert (found.version, found.rule) == (3, of.rule)


def test_a_segment_in_use_is_not_archived(store):
    add_many(store, 3)
    of = save(store, "India", INDIA)
    save(store, "Not India", {"match": "none", "conditions": [{"segment": of.id}]})
    test = shown("segment", id=of.id)
    choose(test, "Archive")
    assert ["is used by" in each.value for each in test.error] == [True]
    assert saved.get(store, of.id).archived_at is None


def test_a_segment_is_archived_and_restored(store):
    add_many(store, 3)
    of = save(store, "India", INDIA)
    test = shown("segment", id=of.id)
    choose(test, "Archive")
    assert saved.get(store, of.id).archived_at is not None
    test = shown("segment", id=of.id)
    assert "archived" in said(test)
    choose(test, "Restore")
    assert saved.get(store, of.id).archived_at is None


def test_a_segment_is_renamed_and_a_taken_name_refused(store):
    add_many(store, 3)
    of = save(store, "India", INDIA)
    save(store, "Brazil", BRAZIL)
    test = shown("segment", id=of.id)
    key = open_menu(test, "Name and description")
    test.text_input(key=f"{key}.name").set_value("brazil")
    lives(test.run())
    lives(test.button(key=f"{key}.act").click().run())
    assert "Brazil" in said(test)
    assert saved.get(store, of.id).name == "India"
    test.text_input(key=f"{key}.name").set_value("People of India")
    lives(test.run())
    lives(test.button(key=f"{key}.act").click().run())
    assert saved.get(store, of.id).name == "People of India"


def test_a_rule_is_frozen_to_a_list_and_duplicated(store):
    add_many(store, 9)
    of = save(store, "India", INDIA)
    choose(shown("segment", id=of.id), "Freeze to a list")
    choose(shown("segment", id=of.id), "Duplicate")
    found = {each.name: each.kind for each in saved.find(store)}
    assert found["Copy of India"] == "dynamic"
    assert sorted(found.values()) == ["dynamic", "dynamic", "static"]


def test_pasted_ids_become_a_list_and_every_odd_line_is_told(store):
    add_many(store, 9)
    test = shown("segments")
    key = open_dialog(test, "segments.paste")
    test.text_area(key=f"{key}.text").set_value("C-00001\nnobody\n\nC-00001\nC-00002")
    lives(test.run())
    assert "**2** found · 1 unknown · 1 more than once · 1 blank" in said(test)
    told = test.dataframe[-1].value
    assert told["Line"].tolist() == [2, 3, 4]
    test.text_input(key=f"{key}.name").set_value("Guests")
    lives(test.run())
    lives(test.button(key=f"{key}.act").click().run())
    (made,) = saved.find(store)
    assert (made.name, made.kind) == ("Guests", "static")
    assert [each.value for each in test.header] == ["Guests"]
    assert [each.value for each in test.metric] == ["2"]
    test = shown("segment", id=made.id)
    key = open_dialog(test, "list.off")
    test.text_area(key=f"{key}.text").set_value("C-00001")
    lives(test.run())
    lives(test.button(key=f"{key}.act").click().run())
    assert [each.value for each in test.metric] == ["1"]


def test_a_usual_segment_opens_as_a_draft(store):
    add_many(store, 3)
    happened(store, "C-00001", "Order Completed", total=4)
    test = shown("segments")
    lives(test.button(key="gallery.never-bought").click().run())
    assert [each.value for each in test.header] == ["New segment"]
    assert people_now(test) == "2"


def test_the_users_filter_is_saved_as_a_segment(store):
    add_many(store, 9)
    test = shown("users", rule=rule(INDIA))
    key = open_dialog(test, "users.save")
    test.text_input(key=f"{key}.name").set_value("India")
    lives(test.run())
    lives(test.button(key=f"{key}.act").click().run())
    (made,) = saved.find(store)
    assert (made.name, segments.dump(saved.rule_of(made))) == ("India", json.loads(rule(INDIA)))
    assert people_now(test) == "3"


def test_ticked_users_are_added_to_a_list(store):
    add_many(store, 9)
    test = shown("users", sort="userId")
    test.session_state["users.ticked.everyone"] = True
    lives(test.run())
    key = open_dialog(test, "users.list")
    test.text_input(key=f"{key}.name").set_value("All of them")
    lives(test.run())
    lives(test.button(key=f"{key}.act").click().run())
    (made,) = saved.find(store)
    assert len(segments.people(store, saved.rule_of(made), at=AT)) == 9


def test_the_users_filter_takes_an_event(store):
    add_many(store, 9)
    happened(store, "C-00001", "Order Completed", total=4)
    test = shown("users")
    test.menu_button(key="rules.add").set_value("Event")
    lives(test.run())
    item = test.session_state["rules.items"][0]["id"]
    test.selectbox(key=f"rule.{item}.event.0").set_value("Order Completed")
    lives(test.run())
    assert "**1** of 9 users" in said(test)
    assert json.loads(test.query_params["rule"]) == json.loads(rule({"event": "Order Completed"}))


def test_who_came_and_went_is_told_with_the_cause(store):
    add_many(store, 3)
    of = save(store, "India", INDIA)
    test = shown("segment", id=of.id)
    open_dialog(test, "segment.moved")
    assert "**Entered**" in said(test)
    assert "stayed" in said(test)


def test_a_rule_is_counted_as_things_stood(store):
    add_many(store, 9)
    test = shown("segment", rule=rule(INDIA), as_of="2020-01-01T00:00")
    assert [(each.label, each.value) for each in test.metric] == [("People on 1 Jan 2020, 00:00", "0")]
    for later in ("2999-01-01", "yesterday", "; DROP"):
        assert people_now(shown("segment", rule=rule(INDIA), as_of=later)) == "3"


def test_the_size_over_time_of_a_draft_is_drawn_when_asked_for(store):
    add_many(store, 9)
    test = shown("segment", rule=rule(INDIA))
    assert len(test.get("plotly_chart")) == 0
    lives(test.button(key="segment.trend.ask").click().run())
    assert len(test.get("plotly_chart")) == 1


def test_what_is_odd_about_a_rule_is_told_and_mended_in_one_click(store):
    add_many(store, 9)
    test = shown("segment", rule=rule({**INDIA, "values": ["Idnia"]}))
    assert "No one has “Idnia” as country. Did you mean India (3)?" in said(test).replace("\\", "")
    assert people_now(test) == "0"
    lives(test.button(key="lint.repair.0").click().run())
    assert people_now(test) == "3"
    assert "No one has" not in said(test)
    lives(test.button(key="segment.undo").click().run())
    assert people_now(test) == "0"


def test_a_segment_is_split_into_lists_in_one_click(store):
    add_many(store, 30)
    of = save(store, "India", INDIA)
    test = shown("segment", id=of.id)
    test.session_state["dialogs.open"] = {"name": "segment.split", "turn": 900}
    test = lives(test.run())
    assert "50% of" not in said(test)
    lives(next(each for each in test.button if each.label == "Make 2 lists").click().run())
    parts = [saved.named(store, f"India – {each}") for each in ("A", "B")]
    sizes = [len(segments.people(store, saved.rule_of(each), at=AT)) for each in parts if each is not None]
    assert sum(sizes) == 10


def test_a_fixed_list_answers_why_too(store):
    add_many(store, 3)
    of = save(store, "India", INDIA)
    frozen = lists.freeze(store, of.id, name="Frozen", by="Ana", at=AT)
    test = lives(shown("segment", id=frozen.id).button(key="why.ask").click().run())
    search = next(each for each in test.text_input if each.label == "Name, email, phone or user id")
    lives(search.input("C-00000").run())
    lives(next(each for each in test.button if str(each.key).endswith(".is.0")).click().run())
    assert "In the segment" in said(test)
