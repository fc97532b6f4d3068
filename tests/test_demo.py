"""The sample business: the same every time, believable, and brought in whole."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from user360 import datatypes, demo, events, profiles, properties, schema, segments
from user360.demo import files
from user360.demo.calendar import days
from user360.demo.loading import CUSTOM
from user360.demo.places import COUNTRIES, plain
from user360.errors import Invalid

AT = datetime(2026, 11, 23, 12, 50, tzinfo=UTC)
START = AT - timedelta(days=180)
BERLIN = ZoneInfo("Europe/Berlin")
SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample"
KNOWN = {"property": "email", "operator": "is_known"}
STEPS = ("Product Viewed", "Product Added", "Checkout Started", "Order Completed")


@pytest.fixture(scope="module")
def sample():
    """Two thousand users and sixty thousand events."""
    return demo.tables(2_000, 60_000, at=AT)


def happened(sample, *names):
    return sample[1].filter(pc.is_in(sample[1]["event"], pa.array(names)))


def people_of(table):
    return set(table["person"].to_pylist())


def test_the_same_numbers_make_the_same_rows():
    first, again = (demo.tables(120, 900, at=AT) for _ in range(2))
    assert first[0].equals(again[0])
    assert first[1].equals(again[1])


def test_another_seed_makes_other_people():
    assert not demo.people(120, 900, at=AT).equals(demo.people(120, 900, at=AT, seed=8))


@pytest.mark.parametrize(("users", "count"), [(1, 0), (1, 1), (1, 400), (2, 77), (50, 0), (300, 3_001), (700, 500)])
def test_as_many_users_and_events_as_asked_for(users, count):
    people, done = demo.tables(users, count, at=AT)
    assert (len(people), len(done)) == (users, count)


def test_nobody_is_refused():
    with pytest.raises(Invalid):
        demo.people(0, 10, at=AT)


def test_ids_of_users_and_messages_are_never_given_twice(sample):
    people, done = sample
    named = people["userId"].drop_null()
    assert len(named.unique()) == len(named)
    assert len(done["messageId"].unique()) == len(done)


def test_everything_happens_within_the_180_days_and_after_its_user_was_made(sample):
    people, done = sample
    made = people["createdAt"].to_numpy()[done["person"].to_numpy()]
    when = done["timestamp"].to_numpy()
    assert np.all(when >= made)
    assert when.min() >= np.datetime64(START.replace(tzinfo=None))
    assert when.max() < np.datetime64(AT.replace(tzinfo=None))


@pytest.mark.parametrize("at", [datetime(2024, 2, 29, tzinfo=UTC), datetime(2031, 7, 4, 23, 59, 59, tzinfo=UTC)])
def test_any_instant_can_be_the_end(at):
    done = demo.tables(60, 2_000, at=at)[1]["timestamp"].to_numpy()
    assert done.min() >= np.datetime64((at - timedelta(days=180)).replace(tzinfo=None))
    assert done.max() < np.datetime64(at.replace(tzinfo=None))


def kinds():
    system = {name: kind for name, kind, _ in schema.SYSTEM_PROPERTIES}
    return {name: datatypes.get(kind) for name, kind in (system | {name: kind for name, kind, _ in CUSTOM}).items()}


def test_every_value_is_accepted_by_its_type(sample):
    people = sample[0].drop_columns(["source"])
    for name in people.column_names:
        parsed = kinds()[name].parse_column(people[name].combine_chunks(), BERLIN)
        assert (name, parsed.refused, parsed.values.null_count) == (name, (), people[name].null_count)


def test_every_value_is_accepted_as_the_file_spells_it(sample):
    people = sample[0].drop_columns(["source"]).slice(0, 300)
    for name in people.column_names:
        spelled = pa.array([files.text(value) or None for value in people[name].to_pylist()], pa.string())
        parsed = kinds()[name].parse_column(spelled, BERLIN)
        assert (name, parsed.refused, parsed.values.null_count) == (name, (), people[name].null_count)


def test_properties_of_events_are_json_objects(sample):
    said = [json.loads(each) for each in sample[1]["properties"].unique().to_pylist()]
    assert all(isinstance(each, dict) and each for each in said)


def test_the_funnel_narrows_at_every_step_and_believably(sample):
    reached = [people_of(happened(sample, each)) for each in STEPS]
    assert all(later <= earlier for earlier, later in pairwise(reached))
    shares = [len(later) / len(earlier) for earlier, later in pairwise(reached)]
    assert all(0.3 < each < 0.95 for each in shares)
    orders = len(happened(sample, "Order Completed")) / len(happened(sample, "Session Started"))
    assert 0.04 < orders < 0.2


def test_an_order_costs_what_was_put_in_the_basket(sample):
    totals = [json.loads(each)["total"] for each in happened(sample, "Order Completed")["properties"].to_pylist()]
    assert min(totals) >= 4.95  # the cheapest, with a coupon
    assert 25 < float(np.median(totals)) < 80
    assert max(totals) < 700


def test_what_users_spent_covers_what_their_events_say(sample):
    people = sample[0]
    orders = happened(sample, "Order Completed")
    seen, paid = Counter(orders["person"].to_pylist()), Counter[int]()
    for person, said in zip(orders["person"].to_pylist(), orders["properties"].to_pylist(), strict=True):
        paid[person] += json.loads(said)["total"]
    counted, spent = people["orders"].to_pylist(), people["spent"].to_pylist()
    assert all(counted[person] >= many for person, many in seen.items())
    assert all(spent[person] >= worth - 0.01 for person, worth in paid.items())


def test_nobody_is_written_to_who_said_no(sample):
    people = sample[0]
    for event, channel, answer in (("Email Sent", "email", "emailOptin"), ("Message Sent", "sms", "smsOptin")):
        written = sample[1].filter(pc.and_(pc.equal(sample[1]["event"], event), pc.equal(sample[1]["channel"], channel)))
        answers = people[answer].take(written["person"].combine_chunks().unique())
        assert False not in answers.to_pylist()


def test_six_channels_are_used_and_each_has_a_source(sample):
    channels = Counter(sample[1]["channel"].to_pylist())
    assert set(channels) == {"web", "whatsapp", "app", "email", "sms", "instagram"}
    assert min(channels.values()) > 200
    assert len(sample[1]["source"].unique()) == 6


def test_a_visit_is_a_burst_and_nights_are_quiet(sample):
    done = sample[1].sort_by([("person", "ascending"), ("timestamp", "ascending")])
    person, when = done["person"].to_numpy(), done["timestamp"].to_numpy()
    gaps = np.diff(when)[person[1:] == person[:-1]]
    assert float(np.mean(gaps < np.timedelta64(15, "m"))) > 0.6
    hours = Counter(pc.hour(happened(sample, "Session Started")["timestamp"]).to_pylist())
    assert hours[19] > 3 * hours[2]


def test_promotions_bring_more_events(sample):
    when = sample[1]["timestamp"].to_numpy().astype("M8[D]")
    diwali = np.sum((when >= np.datetime64("2026-10-29")) & (when <= np.datetime64("2026-11-09")))
    before = np.sum((when >= np.datetime64("2026-10-16")) & (when <= np.datetime64("2026-10-27")))
    assert diwali > 1.5 * before


def test_the_calendar_covers_the_180_days_without_gap():
    calendar = days(AT)
    assert np.array_equal(calendar.first[1:], calendar.last[:-1])
    assert int(calendar.last[-1] - calendar.first[0]) == 180 * 86_400_000_000


def test_reality_is_messy(sample):
    people = sample[0]
    unknown = {each: people[each].null_count / len(people) for each in people.column_names}
    assert all(
        0.2 <= unknown[each] <= 0.4 for each in ("email", "phone", "city", "gender", "language", "emailOptin", "interests")
    )
    assert 0.01 < unknown["userId"] < 0.06
    assert 0.1 < 1 - len(people_of(sample[1])) / len(people) < 0.3
    assert any(each and each.isupper() for each in people["city"].to_pylist())
    assert any(each and not each.isascii() for each in people["firstName"].to_pylist())
    again = Counter(each for each in people["phone"].to_pylist() if each)
    assert sum(many > 1 for many in again.values()) > 10  # the same person under two ids


@pytest.mark.parametrize("country", COUNTRIES, ids=lambda each: each.name)
def test_numbers_and_names_of_a_country_are_valid(country):
    random = np.random.default_rng(1)
    for prefix in country.prefixes:
        for tail in [0, 10**country.digits - 1, *random.integers(0, 10**country.digits, 25)]:
            number = phonenumbers.parse(f"+{country.calling}{prefix}{tail:0{country.digits}d}")
            assert (number, phonenumbers.is_valid_number(number)) == (number, True)
    assert all(plain(each) for each in (*country.women, *country.men, *country.families))


def test_the_sample_comes_into_a_store_whole(store):
    told: list[tuple[int, int, str]] = []
    demo.load(store, users=150, events=2_000, at=AT, progress=lambda *each: told.append(each))
    people, done = demo.tables(150, 2_000, at=AT)
    assert profiles.count(store) == 150
    catalogue = {each["event"]: each["total"] for each in events.catalogue(store).to_pylist() if not each["system"]}
    assert catalogue == dict(Counter(done["event"].to_pylist()))
    assert {name for name, _, _ in CUSTOM} <= {each.name for each in properties.find(store)}
    known = properties.fill(store)
    assert known["email"] == len(people) - people["email"].null_count
    assert told[-1][0] == told[-1][1]


def test_later_changes_stand_in_the_history(store):
    demo.load(store, users=150, events=2_000, at=AT)
    risen = next(each for each in demo.changes(demo.people(150, 2_000, at=AT), at=AT) if "loyaltyTier" in each.rows.column_names)
    person = risen.rows["person"][0].as_py()
    user_id = demo.people(150, 2_000, at=AT)["userId"][person].as_py()
    key = profiles.key_of(store, user_id)
    assert key is not None
    change = next(each for each in profiles.history(store, key) if each.property == "loyaltyTier")
    assert (change.new, change.at, change.source) == (risen.rows["loyaltyTier"][0].as_py(), risen.at, risen.source)


def test_it_brings_a_few_of_the_usual_segments_and_leaves_one_of_that_name_alone(store):
    own = segments.saved.save(store, "Active", segments.parse({"match": "all", "conditions": [KNOWN]}), by="ann", at=AT)
    demo.load(store, users=400, events=6_000, at=AT)
    found = {each.name: each for each in segments.saved.find(store)}
    assert set(found) == {"Active", "Slipping away", "Big spenders", "Cart abandoned", "Can be reached on WhatsApp"}
    assert found["Active"] == own
    rules = [segments.parse({"match": "all", "conditions": [{"segment": each.id}]}) for each in found.values()]
    assert all(0 < len(segments.people(store, each, at=AT)) < 400 for each in rules)


def test_loaded_twice_nothing_is_new(store):
    demo.load(store, users=40, events=300, at=AT)
    before = store.revision()
    demo.load(store, users=40, events=300, at=AT + timedelta(hours=3))
    assert store.revision() == before


@pytest.mark.parametrize("broken_off", ["users", "events", "changes"])
def test_a_load_that_was_broken_off_goes_on(store, broken_off):
    class PowerCut(Exception):
        pass

    def cut(done: int, _whole: int, doing: str) -> None:
        if doing == broken_off and done:
            raise PowerCut

    with pytest.raises(PowerCut):
        demo.load(store, users=150, events=2_000, at=AT, progress=cut)
    demo.load(store, users=150, events=2_000, at=AT + timedelta(hours=3))
    totals = {each["event"]: each["total"] for each in events.catalogue(store).to_pylist()}
    told = demo.changes(demo.people(150, 2_000, at=AT), at=AT)
    assert profiles.count(store) == 150
    assert sum(many for event, many in totals.items() if not event.startswith("USER_")) == 2_000
    assert totals["USER_CREATE"] == 150
    assert totals["USER_UPDATE"] == sum(len(each.rows) for each in told)


def test_it_can_be_loaded_again_once_everybody_is_deleted(store):
    demo.load(store, users=40, events=300, at=AT)
    profiles.delete(store, profiles.everyone(store), by="a test", source="a test", at=AT)
    demo.load(store, users=40, events=300, at=AT + timedelta(days=1))
    assert profiles.count(store) == 40


def test_the_committed_files_are_what_the_generator_writes(tmp_path):
    written = files.write_files(tmp_path)
    assert {each.name: each.read_bytes() for each in written} == {
        each.name: (SAMPLE / each.name).read_bytes() for each in written
    }
    assert sum(each.stat().st_size for each in written) < 3_000_000
