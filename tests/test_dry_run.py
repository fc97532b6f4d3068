"""A dry run: it says what the import then does, writes nothing, and shows each cell before and after."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import worlds
from tests.worlds import AT, take
from user360 import activity, events, imports, ingest, profiles, properties, segments
from user360.errors import Conflict
from user360.imports import reading
from user360.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from user360.imports import DryRun
    from user360.store import Store

PEOPLE = [
    {"userId": "a", "city": "Goa", "firstName": "Ann", "tags": "vip"},
    {"userId": "b", "city": "Ulm"},
    {"userId": "c", "city": "Bonn", "email": "c@example.com"},
]
FILE = "id,city,mail\na,Pune,a@example.com\nb,Ulm,\nnew,Kochi,\nc,Bonn,nonsense\n,Goa,\na,Delhi,\n\n"


def _path(folder: Path, text: str, name: str = "users.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def _plan(**more: Any) -> imports.Plan:
    return imports.Plan.from_json({"mapping": {"id": "userId", "city": "city", "mail": "email"}, **more})


def _try(store: Store, path: Path, plan: imports.Plan) -> DryRun:
    return imports.dry_run(store, path, plan, by="Mira", at=AT)


def _run(store: Store, path: Path, plan: imports.Plan) -> imports.Import:
    return imports.run(store, imports.start(store, path, plan, by="Mira", at=AT), now=lambda: AT)


def _everything(store: Store) -> tuple[object, ...]:
    people = profiles.find(store, columns=[each.name for each in properties.find(store)], limit=1_000)
    logs = (
        activity.count(store),
        events.count(store),
        len(imports.find(store)),
        [each.name for each in segments.saved.find(store)],
    )
    return people.to_pylist(), logs, profiles.last_write(store), [each.last_written for each in properties.find(store)]


# -- what it says -------------------------------------------------------------------------------


def test_it_counts_new_changed_unchanged_refused_repeated_and_nameless_rows(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users(PEOPLE))
    with _try(store, _path(tmp_path, FILE), _plan(tags=["fair"])) as found:
        counts = found.counts

        assert (counts.total, counts.created, counts.updated, counts.unchanged, counts.failed, counts.empty) == (6, 1, 3, 0, 2, 1)
        assert (found.repeated, found.without_id, found.taken, found.people, found.people_after) == (1, 1, 4, 3, 4)
        assert found.cells == {"city": 2, "email": 1, "tags": 2}


def test_it_writes_nothing(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users(PEOPLE))
    before = _everything(store)

    _try(store, _path(tmp_path, FILE), _plan(tags=["fair"], segment="Fair", mode="replace")).close()

    assert _everything(store) == before


def test_each_cell_is_shown_before_and_after_its_row(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users(PEOPLE))
    with _try(store, _path(tmp_path, FILE), _plan()) as found:
        rows = {each.line: each for each in imports.look(found)}

    assert [(line, row.user_id, row.outcome) for line, row in sorted(rows.items())] == [
        (2, "a", ingest.CHANGED),
        (3, "b", ingest.UNCHANGED),
        (4, "new", ingest.NEW),
        (5, "c", ingest.REFUSED),
        (6, "", ingest.REFUSED),
        (7, "a", ingest.CHANGED),
    ]
    first, second = rows[2].cells["city"], rows[7].cells["city"]
    assert ((first.old, first.new), (second.old, second.new)) == (("Goa", "Pune"), ("Pune", "Delhi"))
    assert (rows[7].cells["email"].new, rows[7].cells["email"].changed) == ("a@example.com", False)
    assert (rows[3].cells["city"].new, rows[3].cells["city"].changed) == ("Ulm", False)
    assert "nonsense" in rows[5].reasons[0]


def test_rows_are_picked_by_what_became_of_them_and_by_the_column_they_change(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users(PEOPLE))
    with _try(store, _path(tmp_path, FILE), _plan()) as found:
        picked = {
            "refused": [each.line for each in imports.look(found, outcome=ingest.REFUSED)],
            "email": [each.line for each in imports.look(found, changing="email")],
            "city": [each.line for each in imports.look(found, changing="city", limit=1, offset=1)],
        }

        assert picked == {"refused": [5, 6], "email": [2], "city": [7]}
        assert imports.count_rows(found, changing="city") == 2


def test_it_says_how_full_columns_become_and_which_segments_change(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users(PEOPLE))
    rule = {"version": 1, "match": "all", "conditions": [{"property": "city", "operator": "is", "values": ["Goa"]}]}
    segments.saved.save(store, "In Goa", segments.parse(rule), by="Mira", at=AT)
    segments.saved.save(store, "Everyone", segments.EVERYONE, by="Mira", at=AT)
    with _try(store, _path(tmp_path, FILE), _plan(segment="Fair")) as found:
        fills = {each.property: (each.before, each.after) for each in found.fills}
        effects = {each.name: (each.before, each.gained, each.lost) for each in found.effects}

    assert fills == {"city": (3, 4), "email": (1, 2)}
    assert effects == {"In Goa": (1, 0, 1), "Everyone": (3, 1, 0), "Fair": (0, 3, 0)}


def test_half_of_all_people_losing_a_value_is_held(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users(PEOPLE))
    path, plan = _path(tmp_path, "id,city,mail\na,Goa,\nb,Ulm,\nc,Bonn,\n"), _plan(mode="replace")
    with _try(store, path, plan) as found:
        held, losing = found.held, found.losing
    with _try(store, path, _plan()) as gentle:
        assert not gentle.held

    assert (held, losing) == (True, 2)
    with pytest.raises(Conflict, match="2 of 3 people would lose a value"):
        imports.check_hold(store, path, plan, by="Mira", at=AT)


def test_events_that_are_there_already_are_known_and_new_people_are_told(store: Store, tmp_path: Path) -> None:
    text = "id,event,timestamp\na,Order,2026-11-20 10:00:00\nb,Order,nonsense\nz,Order,2026-11-21 10:00:00\n"
    path = _path(tmp_path, text)
    plan = imports.Plan(kind="events", user_column="id", event_column="event", time_column="timestamp", zone="UTC")
    with _try(store, path, plan) as first:
        _run(store, path, plan)
        before = _everything(store)
        with _try(store, path, plan) as again:
            told = [(each.counts.created, each.counts.unchanged, each.counts.failed) for each in (first, again)]
            faults = [(each.column, each.reason, each.times) for each in again.faults]

    assert told == [(2, 0, 1), (0, 2, 1)]
    assert faults == [("timestamp", "is not a date and time", 1)]
    assert _everything(store) == before


def test_each_row_of_events_says_what_it_would_be_the_damaged_ones_in_their_place(store: Store, tmp_path: Path) -> None:
    text = "id,event,timestamp,channel,size\na,Order,2026-11-20 10:00:00,WhatsApp,3\nb,Order\nc,View,soon,,\nd,View,2026-11-21 10:00:00,web,5\n"
    path = _path(tmp_path, text)
    plan = imports.Plan(
        kind="events",
        user_column="id",
        event_column="event",
        time_column="timestamp",
        channel_column="channel",
        properties=("size",),
        types={"size": "number"},
        zone="UTC",
    )
    with _try(store, path, plan) as found:
        rows = [
            (each.line, each.user_id, each.outcome, str(each.said["at"]), *list(each.said.values())[1:4])
            for each in imports.look(found)
        ]
        refused = [(each.line, bool(each.reasons)) for each in imports.look(found, outcome=ingest.REFUSED)]
        kept = list(store.folder("trials").iterdir())

    assert rows == [
        (2, "a", ingest.NEW, "2026-11-20 10:00:00", "Order", "whatsapp", '{"size": 3}'),
        (3, "", ingest.REFUSED, "None", None, None, None),
        (4, "c", ingest.REFUSED, "None", "View", None, None),
        (5, "d", ingest.NEW, "2026-11-21 10:00:00", "View", "web", '{"size": 5}'),
    ]
    assert refused == [(3, True), (4, True)]
    assert [each.suffix for each in kept if each.suffix == ".arrow"] == [".arrow"]
    assert list(store.folder("trials").iterdir()) == []


# -- members of a list --------------------------------------------------------------------------


def test_members_are_put_on_a_list_and_strangers_are_told(store: Store, tmp_path: Path) -> None:
    take(store, worlds.users(PEOPLE))
    path, plan = _path(tmp_path, "who\na\nnobody\nb\na\n"), imports.Plan(kind="members", user_column="who", segment="Fair")
    with _try(store, path, plan) as found:
        dry = found.counts
        nothing = len(segments.saved.find(store))
    done = _run(store, path, plan)
    people = segments.people(store, segments.saved.rule_of(segments.saved.find(store)[0]), at=AT)
    undone = imports.undo(store, done.id, by="Mira", now=lambda: AT)
    left = segments.people(store, segments.saved.rule_of(segments.saved.find(store)[0]), at=AT)

    assert (nothing, [(each.created, each.unchanged, each.failed) for each in (dry, done.counts)]) == (0, [(2, 1, 1)] * 2)
    assert (len(people), undone.undone["members"], len(left), profiles.count(store)) == (2, 2, 0, 3)
    assert "Nobody has the id “nobody”" in imports.failed_rows(store, done.id).read_text()


# -- the law ------------------------------------------------------------------------------------

CELL = st.one_of(st.none(), st.sampled_from(["Goa", "Ulm", "Pune"]))
ROWS = st.lists(
    st.fixed_dictionaries(
        {"userId": st.sampled_from(["a", "b", "c", None, "null"])},
        optional={"city": CELL, "score": st.sampled_from(["1", "2.5", "x", ""]), "tags": st.sampled_from(["x", "y;z"])},
    ),
    min_size=1,
    max_size=6,
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "city": st.sampled_from(["blanks", "clear"]),
        "score": st.sampled_from(["larger", "smaller", "blanks"]),
    },
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(known=ROWS, rows=ROWS, rules=RULES, mode=st.sampled_from(["update", "replace"]), merge=st.booleans())
def test_the_import_does_what_the_dry_run_said(
    tmp_path_factory: pytest.TempPathFactory,
    known: list[dict[str, str | None]],
    rows: list[dict[str, str | None]],
    rules: dict[str, str],
    mode: str,
    merge: bool,
) -> None:
    folder, store = tmp_path_factory.mktemp("law"), open_store()
    properties.define(store, "score", "number", by="t", at=AT)
    take(store, worlds.users(known))
    columns = {column: column for row in rows for column in row}
    kept = {each: rule for each, rule in rules.items() if each in columns}
    plan = imports.Plan.from_json({"mapping": columns, "mode": mode, "merge_tags": merge, "tags": ["t"], "rules": kept})
    path = _path(folder, "".join(json.dumps(each) + "\n" for each in rows), "rows.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BATCH", 2)
        before = _everything(store)
        with _try(store, path, plan) as found:
            assert _everything(store) == before
            write = profiles.last_write(store)
            done = _run(store, path, plan)
            changed = {each["property"]: each["cells"] for each in profiles.changed_cells(store, after=write).to_pylist()}
            said = (found.counts.created, found.counts.updated, found.counts.unchanged, found.counts.failed, found.people_after)
            fills = {each.property: each.after for each in found.fills}
            last = {each.user_id: each.cells for each in imports.look(found) if each.user_id}
            cells = found.cells
    counts = done.counts

    assert said == (counts.created, counts.updated, counts.unchanged, counts.failed, profiles.count(store))
    assert cells == changed
    assert fills == {each: properties.filled(store, [each])[each] for each in fills}
    for user_id, shown in last.items():
        values = profiles.get(store, profiles.key_of(store, user_id) or 0).values
        for name, cell in shown.items():
            datatype = properties.get(store, name).datatype
            assert cell.new == (datatype.format(values[name]) if name in values else None)
    store.close()
