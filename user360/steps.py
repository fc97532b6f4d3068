"""How an earlier file becomes like a new one: forward-only steps, each the tables as they were when it was written.

Each step is applied once, in order, in one transaction; a file remembers how far it came. Without this room two versions of
the program could read one file differently and nobody would notice. An old step never changes, whatever becomes of its tables
later. What a new file gets at once stands in `schema`; a test holds that both ways end at the same.
"""

from __future__ import annotations

from typing import Final

from user360.schema import COLUMNS, SYSTEM_PROPERTIES, UNPACKED, USER_IDS, contents
from user360.sql import Sql, joined, name, sql

EVENT_COLUMNS: Final = (
    "(profile_key UINTEGER NOT NULL, event_id USMALLINT NOT NULL, channel_id USMALLINT, source_id USMALLINT, "
    "occurred_at TIMESTAMP NOT NULL, message_id VARCHAR NOT NULL, message_hash UBIGINT NOT NULL, properties VARIANT, context VARIANT)"
)


def _profiles() -> Sql:
    columns = [sql("{} {}", name(each), Sql(COLUMNS[datatype])) for each, datatype, _ in SYSTEM_PROPERTIES if each != "tags"]
    return sql("CREATE TABLE profiles (profile_key UINTEGER NOT NULL, {})", joined(", ", columns))


def _first() -> list[Sql]:
    tables = [
        "CREATE TABLE counters (name VARCHAR NOT NULL, next UBIGINT NOT NULL)",
        "CREATE TABLE settings (scope VARCHAR NOT NULL, name VARCHAR NOT NULL, value VARCHAR NOT NULL)",
        "CREATE TABLE properties (name VARCHAR NOT NULL, type VARCHAR NOT NULL, description VARCHAR NOT NULL, "
        "system BOOLEAN NOT NULL, visible BOOLEAN NOT NULL, searchable BOOLEAN NOT NULL, position INTEGER NOT NULL, "
        "made_at TIMESTAMP, made_by VARCHAR NOT NULL, first_written TIMESTAMP, last_written TIMESTAMP)",
        USER_IDS,
        "CREATE TABLE tags (tag_id UINTEGER NOT NULL, name VARCHAR NOT NULL)",
        "CREATE TABLE profile_tags (profile_key UINTEGER NOT NULL, tag_id UINTEGER NOT NULL)",
        "CREATE TABLE writes (write_id UINTEGER NOT NULL, written_at TIMESTAMP NOT NULL, by_whom VARCHAR NOT NULL, source VARCHAR NOT NULL)",
        "CREATE TABLE changes (write_id UINTEGER NOT NULL, profile_key UINTEGER NOT NULL, property VARCHAR NOT NULL, "
        "old VARCHAR, new VARCHAR)",
        "CREATE TABLE deleted_profiles (profile_key UINTEGER NOT NULL, write_id UINTEGER NOT NULL, deleted_at TIMESTAMP NOT NULL, "
        "snapshot VARCHAR NOT NULL)",
        "CREATE TABLE event_names (event_id USMALLINT NOT NULL, name VARCHAR NOT NULL, system BOOLEAN NOT NULL)",
        "CREATE TABLE channels (channel_id USMALLINT NOT NULL, name VARCHAR NOT NULL)",
        "CREATE TABLE sources (source_id USMALLINT NOT NULL, name VARCHAR NOT NULL)",
        "CREATE TABLE events " + EVENT_COLUMNS,
        "CREATE TABLE deleted_events " + EVENT_COLUMNS,
        "CREATE TABLE activity (activity_id UINTEGER NOT NULL, logged_at TIMESTAMP NOT NULL, by_whom VARCHAR NOT NULL, "
        "kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, detail VARCHAR NOT NULL)",
        "CREATE TABLE imports (import_id UINTEGER NOT NULL, kind VARCHAR NOT NULL, file_name VARCHAR NOT NULL, "
        "file_size UBIGINT NOT NULL, plan VARCHAR NOT NULL, status VARCHAR NOT NULL, total UBIGINT NOT NULL, "
        "created UBIGINT NOT NULL, updated UBIGINT NOT NULL, unchanged UBIGINT NOT NULL, failed UBIGINT NOT NULL, "
        "empty UBIGINT NOT NULL, position UBIGINT NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, "
        "by_whom VARCHAR NOT NULL, message VARCHAR NOT NULL)",
        "CREATE TABLE exports (export_id UINTEGER NOT NULL, format VARCHAR NOT NULL, file_name VARCHAR NOT NULL, "
        "status VARCHAR NOT NULL, definition VARCHAR NOT NULL, rows UBIGINT NOT NULL, bytes UBIGINT NOT NULL, "
        "started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, by_whom VARCHAR NOT NULL, message VARCHAR NOT NULL)",
        "CREATE TABLE import_templates (header_key VARCHAR NOT NULL, mapping VARCHAR NOT NULL, kept_at TIMESTAMP NOT NULL)",
    ]
    return [Sql(each) for each in tables] + [_profiles(), *contents()]


def _tables(*made: str) -> list[Sql]:
    return [Sql(each) for each in made]


def _segments() -> list[Sql]:
    return _tables(
        "CREATE TABLE segments (segment_id VARCHAR NOT NULL, name VARCHAR NOT NULL, kind VARCHAR NOT NULL, description VARCHAR NOT NULL, "
        "made_at TIMESTAMP NOT NULL, made_by VARCHAR NOT NULL, changed_at TIMESTAMP NOT NULL, changed_by VARCHAR NOT NULL, "
        "archived_at TIMESTAMP)",
        "CREATE TABLE segment_versions (segment_id VARCHAR NOT NULL, version UINTEGER NOT NULL, definition VARCHAR NOT NULL, "
        "note VARCHAR NOT NULL, saved_at TIMESTAMP NOT NULL, saved_by VARCHAR NOT NULL)",
        "CREATE TABLE segment_members (segment_id VARCHAR NOT NULL, profile_key UINTEGER NOT NULL, added_at TIMESTAMP NOT NULL, "
        "removed_at TIMESTAMP, source VARCHAR NOT NULL)",
    )


def _keys() -> list[Sql]:
    return _tables(
        "CREATE TABLE api_keys (hash VARCHAR NOT NULL, name VARCHAR NOT NULL, scope VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL, "
        "made_by VARCHAR NOT NULL, used_at TIMESTAMP, revoked_at TIMESTAMP)",
    )


def _boards() -> list[Sql]:
    return _tables(
        "CREATE TABLE boards (board_id VARCHAR NOT NULL, name VARCHAR NOT NULL, description VARCHAR NOT NULL, tiles VARCHAR NOT NULL, "
        "period VARCHAR, people VARCHAR, version UINTEGER NOT NULL, made_at TIMESTAMP NOT NULL, made_by VARCHAR NOT NULL, "
        "changed_at TIMESTAMP NOT NULL, changed_by VARCHAR NOT NULL, archived_at TIMESTAMP)",
        "CREATE TABLE annotations (annotation_id VARCHAR NOT NULL, day DATE NOT NULL, text VARCHAR NOT NULL, "
        "made_at TIMESTAMP NOT NULL, made_by VARCHAR NOT NULL)",
    )


def _schedules() -> list[Sql]:
    return _tables(
        "CREATE TABLE schedules (kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, definition VARCHAR NOT NULL, "
        "next_at TIMESTAMP, last_at TIMESTAMP)",
    )


def _sources() -> list[Sql]:
    return _tables(
        "CREATE TABLE known_sources (name VARCHAR NOT NULL, kind VARCHAR NOT NULL, description VARCHAR NOT NULL, "
        "made_at TIMESTAMP NOT NULL, made_by VARCHAR NOT NULL)",
        "CREATE TABLE write_keys (key_number UINTEGER NOT NULL, hash VARCHAR NOT NULL, source VARCHAR NOT NULL, "
        "label VARCHAR NOT NULL, ending VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL, made_by VARCHAR NOT NULL, "
        "used_at TIMESTAMP, revoked_at TIMESTAMP)",
    )


def _computed() -> list[Sql]:
    return [
        Sql("ALTER TABLE properties ADD COLUMN calculation VARCHAR"),
        Sql("ALTER TABLE properties ADD COLUMN computed_at TIMESTAMP"),
    ]


def _undoing() -> list[Sql]:
    """What an import wrote carries its number, so that it can be taken back; an event before it moved sessions leaves what they were."""
    return [
        Sql("ALTER TABLE events ADD COLUMN import_id UINTEGER"),
        Sql("ALTER TABLE deleted_events ADD COLUMN import_id UINTEGER"),
        Sql("ALTER TABLE writes ADD COLUMN import_id UINTEGER"),
        Sql("ALTER TABLE imports ADD COLUMN failed_bytes UBIGINT DEFAULT 0"),
        Sql(
            "CREATE TABLE sessions_before (import_id UINTEGER NOT NULL, profile_key UINTEGER NOT NULL, last_session TIMESTAMP, "
            "last_channel VARCHAR)"
        ),
    ]


def _failed() -> list[Sql]:
    return _tables(
        "CREATE TABLE failed_messages (failure_id UINTEGER NOT NULL, known_by VARCHAR NOT NULL, message_id VARCHAR NOT NULL, "
        "kind VARCHAR NOT NULL, code VARCHAR NOT NULL, message VARCHAR NOT NULL, hint VARCHAR NOT NULL, property VARCHAR NOT NULL, "
        "value VARCHAR NOT NULL, source VARCHAR NOT NULL, user_id VARCHAR, raw VARCHAR NOT NULL, first_at TIMESTAMP NOT NULL, "
        "last_at TIMESTAMP NOT NULL, times UINTEGER NOT NULL)",
        "CREATE TABLE warnings (warning_id UINTEGER NOT NULL, code VARCHAR NOT NULL, source VARCHAR NOT NULL, kind VARCHAR NOT NULL, "
        "property VARCHAR NOT NULL, message VARCHAR NOT NULL, hint VARCHAR NOT NULL, message_id VARCHAR NOT NULL, "
        "seen VARCHAR[] NOT NULL, first_at TIMESTAMP NOT NULL, last_at TIMESTAMP NOT NULL, times UBIGINT NOT NULL)",
    )


def _identity() -> list[Sql]:
    """Ids besides the user id, how each came to lead to its profile, and the ids of messages that left no event."""
    return [
        Sql(
            "CREATE TABLE other_ids (id_hash UBIGINT NOT NULL, kind VARCHAR NOT NULL, id VARCHAR NOT NULL, profile_key UINTEGER NOT NULL)"
        ),
        Sql(
            "CREATE TABLE links (link_id UINTEGER NOT NULL, kind VARCHAR NOT NULL, id VARCHAR NOT NULL, via_kind VARCHAR, via_id VARCHAR, "
            "profile_key UINTEGER NOT NULL, linked_at TIMESTAMP NOT NULL, source VARCHAR NOT NULL, message_id VARCHAR)"
        ),
        Sql("CREATE TABLE taken_messages (message_id VARCHAR NOT NULL, message_hash UBIGINT NOT NULL)"),
    ]


def _folders() -> list[Sql]:
    return _tables(
        "CREATE TABLE folders (folder_id VARCHAR NOT NULL, name VARCHAR NOT NULL, place VARCHAR NOT NULL, host_key VARCHAR NOT NULL, "
        "plan VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL, made_by VARCHAR NOT NULL)",
        "CREATE TABLE folder_files (folder_id VARCHAR NOT NULL, name VARCHAR NOT NULL, size UBIGINT NOT NULL, stamp VARCHAR NOT NULL, "
        "checksum VARCHAR NOT NULL, status VARCHAR NOT NULL, import_id UINTEGER, message VARCHAR NOT NULL, seen_at TIMESTAMP NOT NULL)",
        "CREATE TABLE folder_runs (run_id UINTEGER NOT NULL, folder_id VARCHAR NOT NULL, status VARCHAR NOT NULL, found UINTEGER NOT NULL, "
        "imported UINTEGER NOT NULL, failed UINTEGER NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, "
        "by_whom VARCHAR NOT NULL, message VARCHAR NOT NULL)",
    )


def _imports() -> list[Sql]:
    """How an import was undone, what its file held, and how columns were treated beside where they went."""
    return [
        Sql("ALTER TABLE imports ADD COLUMN content VARCHAR DEFAULT ''"),
        Sql("ALTER TABLE imports ADD COLUMN undone VARCHAR DEFAULT ''"),
        Sql("ALTER TABLE import_templates ADD COLUMN plan VARCHAR DEFAULT ''"),
    ]


def _erasing() -> list[Sql]:
    return _tables(
        "CREATE TABLE erasures (erasure_id UINTEGER NOT NULL, erased_at TIMESTAMP NOT NULL, by_whom VARCHAR NOT NULL, counts VARCHAR NOT NULL)",
        "CREATE TABLE barred_ids (print VARCHAR NOT NULL, salt VARCHAR NOT NULL, erasure_id UINTEGER NOT NULL)",
    )


def _merging() -> list[Sql]:
    """Two profiles that became one, and everything by which that is told, undone, and left out of the past."""
    return [
        Sql(
            "CREATE TABLE merges (merge_id UINTEGER NOT NULL, kept UINTEGER NOT NULL, gone UINTEGER NOT NULL, status VARCHAR NOT NULL, "
            "cause VARCHAR NOT NULL, reason VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL, by_whom VARCHAR NOT NULL, source VARCHAR NOT NULL, "
            "message_id VARCHAR, write_id UINTEGER, document VARCHAR NOT NULL, settled_at TIMESTAMP, settled_by VARCHAR)"
        ),
        Sql(
            "CREATE TABLE event_moves (move_id UINTEGER NOT NULL, merge_id UINTEGER NOT NULL, message_id VARCHAR NOT NULL, "
            "message_hash UBIGINT NOT NULL, from_key UINTEGER NOT NULL, to_key UINTEGER NOT NULL, moved_at TIMESTAMP NOT NULL)"
        ),
        Sql(
            "CREATE TABLE before_merges (write_id UINTEGER NOT NULL, changed_at TIMESTAMP NOT NULL, profile_key UINTEGER NOT NULL, "
            "created_at TIMESTAMP, last_session TIMESTAMP, last_channel VARCHAR)"
        ),
        Sql("CREATE TABLE absences (profile_key UINTEGER NOT NULL, gone_at TIMESTAMP NOT NULL, back_at TIMESTAMP NOT NULL)"),
    ]


def _duplicates() -> list[Sql]:
    return _tables(
        "CREATE TABLE duplicate_pairs (pair_id UINTEGER NOT NULL, left_key UINTEGER NOT NULL, right_key UINTEGER NOT NULL, "
        "weight DOUBLE NOT NULL, parts VARCHAR NOT NULL, status VARCHAR NOT NULL, decided_at TIMESTAMP, decided_by VARCHAR NOT NULL)",
        "CREATE TABLE duplicate_searches (searched_at TIMESTAMP NOT NULL, by_whom VARCHAR NOT NULL, people UBIGINT NOT NULL, "
        "found UBIGINT NOT NULL, kept UBIGINT NOT NULL, crowded UBIGINT NOT NULL)",
    )


def _figures() -> list[Sql]:
    """Numbers of events that are asked for often, each in a column beside the document; which they are stands with the event's name."""
    columns = [
        Sql(f"ALTER TABLE {table} ADD COLUMN figure{place} DOUBLE")
        for table in ("events", "deleted_events")
        for place in (1, 2, 3)
    ]
    return [*columns, Sql("ALTER TABLE event_names ADD COLUMN figures VARCHAR[]")]


def _contents() -> list[Sql]:
    """64 bits of what a message said that left no event, so that another one under its id is not taken for it."""
    return [Sql("ALTER TABLE taken_messages ADD COLUMN content UBIGINT")]


def _timing() -> list[Sql]:
    return [
        Sql("CREATE TABLE value_times (profile_key UINTEGER NOT NULL, property VARCHAR NOT NULL, said_at TIMESTAMP NOT NULL)")
    ]


def _giving() -> list[Sql]:
    """To whom an import gave a property, as a bitmap, and when: what a message said about a moment before gives way."""
    columns = "import_id UINTEGER, property VARCHAR NOT NULL, said_at TIMESTAMP NOT NULL, people BLOB NOT NULL"
    return [Sql(f"CREATE TABLE given_at_once ({columns})")]


def _tallies() -> list[Sql]:
    """What each day comes to, in the zone it was counted in, and the hours of whose events some were removed or changed hands since."""
    tallies = "zone VARCHAR NOT NULL, kind UTINYINT NOT NULL, day DATE NOT NULL, number USMALLINT, events UBIGINT NOT NULL, users UINTEGER NOT NULL"
    changes = "change_id UBIGINT NOT NULL, hour TIMESTAMP NOT NULL, gone UBIGINT NOT NULL"
    return [Sql(f"CREATE TABLE tallies ({tallies})"), Sql(f"CREATE TABLE tally_changes ({changes})")]


def _unpacked() -> list[Sql]:
    """Email addresses and phone numbers are kept as they are: a column cannot be told so later, so each is made anew."""
    found = []
    for each in [each for each, datatype, _ in SYSTEM_PROPERTIES if datatype in UNPACKED]:
        old, new = name(each), name(f"{each} unpacked")
        found += [sql("ALTER TABLE profiles ADD COLUMN {} VARCHAR USING COMPRESSION uncompressed", new)]
        found += [sql("UPDATE profiles SET {} = {}", new, old), sql("ALTER TABLE profiles DROP COLUMN {}", old)]
        found += [sql("ALTER TABLE profiles RENAME COLUMN {} TO {}", new, old)]
    return found


def _sessions() -> list[Sql]:
    """What set lastSession and lastChannel, beside changes. Of an earlier file it is found what somebody was made with.

    That is the first value known of them, where no event of theirs has it. What a creation gave and an event moved
    since, without a change between, such a file does not know any more, nor which event came after a later setting.
    """
    columns = "write_id UINTEGER NOT NULL, profile_key UINTEGER NOT NULL, property VARCHAR NOT NULL"
    table = Sql(f"CREATE TABLE sessions_set ({columns}, last_session TIMESTAMP, last_channel VARCHAR, since TIMESTAMP)")
    session, channel = Sql("e.occurred_at = value"), Sql("channel_id = (SELECT channel_id FROM channels WHERE name = value)")
    made = [_made_with("lastSession", "last_session", session), _made_with("lastChannel", "last_channel", channel)]
    return [table, *made, Sql("DROP TABLE sessions_before")]


def _made_with(property_name: str, column: str, followed: Sql) -> Sql:
    rows = "profile_key, event_id, channel_id, occurred_at, message_id"
    happened = sql("SELECT {} FROM events UNION ALL SELECT {} FROM deleted_events", Sql(rows), Sql(rows))
    datatype, own = Sql(COLUMNS["datetime" if column == "last_session" else "string"]), name(column)
    return sql(
        "INSERT INTO sessions_set BY NAME WITH happened AS ({}), told AS (SELECT profile_key, {} AS value, 1e18 AS place FROM profiles "
        "UNION ALL SELECT profile_key, (snapshot::JSON->'values'->>{})::{}, 1e18 FROM deleted_profiles ANTI JOIN before_merges USING (write_id) "
        "UNION ALL SELECT profile_key, {}, write_id FROM before_merges UNION ALL SELECT profile_key, {}, 1e17 FROM sessions_before "
        "UNION ALL SELECT profile_key, (old::JSON->>'$')::{}, write_id FROM changes WHERE property = {}), "
        "begun AS (SELECT profile_key, arg_min_null(value, place) AS value FROM told GROUP BY profile_key HAVING value IS NOT NULL), "
        "making AS (SELECT profile_key, min(split_part(message_id, ':', 2)::UINTEGER) AS write_id FROM happened WHERE event_id = 0 "
        "GROUP BY profile_key) SELECT write_id, profile_key, {} AS property, value AS {} FROM begun b JOIN making USING (profile_key) "
        "ANTI JOIN happened e ON e.profile_key = b.profile_key AND e.event_id >= 4 AND {}",
        happened, name(property_name), property_name, datatype, own, own, datatype, property_name, property_name, own, followed,
    )  # fmt: skip


STEPS: Final = (
    _first, _segments, _keys, _boards, _schedules, _sources, _computed, _undoing, _failed, _identity, _folders, _imports,
    _erasing, _duplicates, _merging, _figures, _contents, _timing, _giving, _tallies,
    _unpacked, _sessions,
)  # fmt: skip
