"""What the database file holds: every table as it is now, with what stands in it from the beginning.

A new file is made of this in one go; an earlier one comes to the same by `steps`, and a test holds the two together. Without
this room nobody could read in one place what there is. A table's rows are read and written by its owner alone; this room only
makes the table.

| table | owner |
|---|---|
| counters | store |
| settings | workspace |
| properties | properties |
| profiles, tags, profile_tags, writes, changes, deleted_profiles, sessions_set, before_merges, absences, value_times, given_at_once | profiles |
| user_ids, other_ids, links | identities |
| events, event_names, channels, sources, deleted_events, taken_messages, event_moves, tallies, tally_changes | events |
| merges | resolution |
| activity | activity |
| imports, exports, import_templates | records |
| segments, segment_versions, segment_members | segments |
| api_keys | keys |
| known_sources, write_keys | sources |
| failed_messages, warnings | failed |
| schedules | schedules |
| erasures, barred_ids | erased |
| folders, folder_files, folder_runs | folders |
| boards | boards |
| annotations | annotating |
| duplicate_pairs, duplicate_searches | duplicates |

`profiles` is one wide table with a real column per property and no index (an index forbids later
columns and slows every write); `user_ids` is the only index. `events` is kept clustered by week,
event and time by `events.recluster`.
"""

from __future__ import annotations

from typing import Final

from user360.sql import NOTHING, Sql, joined, name, sql

SYSTEM_PROPERTIES: Final = (
    ("userId", "string", "The id by which your own systems know this person. Once known it never changes."),
    ("firstName", "string", "Given name."),
    ("lastName", "string", "Family name."),
    ("gender", "string", "Gender, as given."),
    ("country", "string", "Country, given or derived from the ip address or the phone number."),
    ("city", "string", "City, given or derived from the ip address."),
    ("ip", "string", "The address the newest event came from."),
    ("latitude", "number", "Degrees north, given or derived from the ip address."),
    ("longitude", "number", "Degrees east, given or derived from the ip address."),
    ("language", "string", "Preferred language."),
    ("timezone", "string", "Time zone, given or derived from the ip address or the phone number."),
    ("email", "email", "Email address."),
    ("phone", "phone", "Phone number with country code."),
    ("lastChannel", "string", "Channel of the newest event; can also be set from outside."),
    ("dob", "date", "Date of birth."),
    ("lastSession", "datetime", "Time of the newest event; can also be set from outside."),
    ("emailOptin", "boolean", "Has agreed to emails."),
    ("smsOptin", "boolean", "Has agreed to SMS."),
    ("whatsAppOptin", "boolean", "Has agreed to WhatsApp messages."),
    ("createdAt", "datetime", "When the profile was made. Kept by User 360."),
    ("updatedAt", "datetime", "When a property last changed. Kept by User 360."),
    ("tags", "list", "Groups this person was put in by hand or by an import."),
)

SEARCHABLE: Final = ("userId", "firstName", "lastName", "email", "phone")

COLUMNS: Final = {
    "string": "VARCHAR",
    "number": "DOUBLE",
    "time": "TIME",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "list": "VARCHAR[]",
    "boolean": "BOOLEAN",
    "phone": "VARCHAR",
    "url": "VARCHAR",
    "email": "VARCHAR",
}

USER_IDS: Final = "CREATE TABLE user_ids (user_id VARCHAR PRIMARY KEY, profile_key UINTEGER NOT NULL)"

_EVENTS: Final = """(profile_key UINTEGER NOT NULL, event_id USMALLINT NOT NULL, channel_id USMALLINT, source_id USMALLINT,
    occurred_at TIMESTAMP NOT NULL, message_id VARCHAR NOT NULL, message_hash UBIGINT NOT NULL, properties VARIANT, context VARIANT,
    import_id UINTEGER, figure1 DOUBLE, figure2 DOUBLE, figure3 DOUBLE)"""

_WORKSPACE: Final = """
CREATE TABLE counters (name VARCHAR NOT NULL, next UBIGINT NOT NULL);
CREATE TABLE settings (scope VARCHAR NOT NULL, name VARCHAR NOT NULL, value VARCHAR NOT NULL);
CREATE TABLE activity (activity_id UINTEGER NOT NULL, logged_at TIMESTAMP NOT NULL, by_whom VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    subject VARCHAR NOT NULL, detail VARCHAR NOT NULL);
CREATE TABLE api_keys (hash VARCHAR NOT NULL, name VARCHAR NOT NULL, scope VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL,
    made_by VARCHAR NOT NULL, used_at TIMESTAMP, revoked_at TIMESTAMP);
CREATE TABLE schedules (kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, definition VARCHAR NOT NULL, next_at TIMESTAMP, last_at TIMESTAMP);
CREATE TABLE boards (board_id VARCHAR NOT NULL, name VARCHAR NOT NULL, description VARCHAR NOT NULL, tiles VARCHAR NOT NULL, period VARCHAR,
    people VARCHAR, version UINTEGER NOT NULL, made_at TIMESTAMP NOT NULL, made_by VARCHAR NOT NULL, changed_at TIMESTAMP NOT NULL,
    changed_by VARCHAR NOT NULL, archived_at TIMESTAMP);
CREATE TABLE annotations (annotation_id VARCHAR NOT NULL, day DATE NOT NULL, text VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL,
    made_by VARCHAR NOT NULL)"""

_PROFILES: Final = """
CREATE TABLE properties (name VARCHAR NOT NULL, type VARCHAR NOT NULL, description VARCHAR NOT NULL, system BOOLEAN NOT NULL,
    visible BOOLEAN NOT NULL, searchable BOOLEAN NOT NULL, position INTEGER NOT NULL, made_at TIMESTAMP, made_by VARCHAR NOT NULL,
    first_written TIMESTAMP, last_written TIMESTAMP, calculation VARCHAR, computed_at TIMESTAMP);
CREATE TABLE tags (tag_id UINTEGER NOT NULL, name VARCHAR NOT NULL);
CREATE TABLE profile_tags (profile_key UINTEGER NOT NULL, tag_id UINTEGER NOT NULL);
CREATE TABLE writes (write_id UINTEGER NOT NULL, written_at TIMESTAMP NOT NULL, by_whom VARCHAR NOT NULL, source VARCHAR NOT NULL,
    import_id UINTEGER);
CREATE TABLE changes (write_id UINTEGER NOT NULL, profile_key UINTEGER NOT NULL, property VARCHAR NOT NULL, old VARCHAR, new VARCHAR);
CREATE TABLE deleted_profiles (profile_key UINTEGER NOT NULL, write_id UINTEGER NOT NULL, deleted_at TIMESTAMP NOT NULL,
    snapshot VARCHAR NOT NULL);
CREATE TABLE sessions_set (write_id UINTEGER NOT NULL, profile_key UINTEGER NOT NULL, property VARCHAR NOT NULL, last_session TIMESTAMP,
    last_channel VARCHAR, since TIMESTAMP);
CREATE TABLE before_merges (write_id UINTEGER NOT NULL, changed_at TIMESTAMP NOT NULL, profile_key UINTEGER NOT NULL, created_at TIMESTAMP,
    last_session TIMESTAMP, last_channel VARCHAR);
CREATE TABLE absences (profile_key UINTEGER NOT NULL, gone_at TIMESTAMP NOT NULL, back_at TIMESTAMP NOT NULL);
CREATE TABLE value_times (profile_key UINTEGER NOT NULL, property VARCHAR NOT NULL, said_at TIMESTAMP NOT NULL);
CREATE TABLE given_at_once (import_id UINTEGER, property VARCHAR NOT NULL, said_at TIMESTAMP NOT NULL, people BLOB NOT NULL);
CREATE TABLE other_ids (id_hash UBIGINT NOT NULL, kind VARCHAR NOT NULL, id VARCHAR NOT NULL, profile_key UINTEGER NOT NULL);
CREATE TABLE links (link_id UINTEGER NOT NULL, kind VARCHAR NOT NULL, id VARCHAR NOT NULL, via_kind VARCHAR, via_id VARCHAR,
    profile_key UINTEGER NOT NULL, linked_at TIMESTAMP NOT NULL, source VARCHAR NOT NULL, message_id VARCHAR);
CREATE TABLE merges (merge_id UINTEGER NOT NULL, kept UINTEGER NOT NULL, gone UINTEGER NOT NULL, status VARCHAR NOT NULL,
    cause VARCHAR NOT NULL, reason VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL, by_whom VARCHAR NOT NULL, source VARCHAR NOT NULL,
    message_id VARCHAR, write_id UINTEGER, document VARCHAR NOT NULL, settled_at TIMESTAMP, settled_by VARCHAR);
CREATE TABLE erasures (erasure_id UINTEGER NOT NULL, erased_at TIMESTAMP NOT NULL, by_whom VARCHAR NOT NULL, counts VARCHAR NOT NULL);
CREATE TABLE barred_ids (print VARCHAR NOT NULL, salt VARCHAR NOT NULL, erasure_id UINTEGER NOT NULL);
CREATE TABLE duplicate_pairs (pair_id UINTEGER NOT NULL, left_key UINTEGER NOT NULL, right_key UINTEGER NOT NULL, weight DOUBLE NOT NULL,
    parts VARCHAR NOT NULL, status VARCHAR NOT NULL, decided_at TIMESTAMP, decided_by VARCHAR NOT NULL);
CREATE TABLE duplicate_searches (searched_at TIMESTAMP NOT NULL, by_whom VARCHAR NOT NULL, people UBIGINT NOT NULL, found UBIGINT NOT NULL,
    kept UBIGINT NOT NULL, crowded UBIGINT NOT NULL);
CREATE TABLE segments (segment_id VARCHAR NOT NULL, name VARCHAR NOT NULL, kind VARCHAR NOT NULL, description VARCHAR NOT NULL,
    made_at TIMESTAMP NOT NULL, made_by VARCHAR NOT NULL, changed_at TIMESTAMP NOT NULL, changed_by VARCHAR NOT NULL, archived_at TIMESTAMP);
CREATE TABLE segment_versions (segment_id VARCHAR NOT NULL, version UINTEGER NOT NULL, definition VARCHAR NOT NULL, note VARCHAR NOT NULL,
    saved_at TIMESTAMP NOT NULL, saved_by VARCHAR NOT NULL);
CREATE TABLE segment_members (segment_id VARCHAR NOT NULL, profile_key UINTEGER NOT NULL, added_at TIMESTAMP NOT NULL, removed_at TIMESTAMP,
    source VARCHAR NOT NULL)"""

_STREAM: Final = """
CREATE TABLE event_names (event_id USMALLINT NOT NULL, name VARCHAR NOT NULL, system BOOLEAN NOT NULL, figures VARCHAR[]);
CREATE TABLE channels (channel_id USMALLINT NOT NULL, name VARCHAR NOT NULL);
CREATE TABLE sources (source_id USMALLINT NOT NULL, name VARCHAR NOT NULL);
CREATE TABLE taken_messages (message_id VARCHAR NOT NULL, message_hash UBIGINT NOT NULL, content UBIGINT);
CREATE TABLE event_moves (move_id UINTEGER NOT NULL, merge_id UINTEGER NOT NULL, message_id VARCHAR NOT NULL, message_hash UBIGINT NOT NULL,
    from_key UINTEGER NOT NULL, to_key UINTEGER NOT NULL, moved_at TIMESTAMP NOT NULL);
CREATE TABLE tallies (zone VARCHAR NOT NULL, kind UTINYINT NOT NULL, day DATE NOT NULL, number USMALLINT, events UBIGINT NOT NULL,
    users UINTEGER NOT NULL);
CREATE TABLE tally_changes (change_id UBIGINT NOT NULL, hour TIMESTAMP NOT NULL, gone UBIGINT NOT NULL);
CREATE TABLE known_sources (name VARCHAR NOT NULL, kind VARCHAR NOT NULL, description VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL,
    made_by VARCHAR NOT NULL);
CREATE TABLE write_keys (key_number UINTEGER NOT NULL, hash VARCHAR NOT NULL, source VARCHAR NOT NULL, label VARCHAR NOT NULL,
    ending VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL, made_by VARCHAR NOT NULL, used_at TIMESTAMP, revoked_at TIMESTAMP);
CREATE TABLE failed_messages (failure_id UINTEGER NOT NULL, known_by VARCHAR NOT NULL, message_id VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    code VARCHAR NOT NULL, message VARCHAR NOT NULL, hint VARCHAR NOT NULL, property VARCHAR NOT NULL, value VARCHAR NOT NULL,
    source VARCHAR NOT NULL, user_id VARCHAR, raw VARCHAR NOT NULL, first_at TIMESTAMP NOT NULL, last_at TIMESTAMP NOT NULL,
    times UINTEGER NOT NULL);
CREATE TABLE warnings (warning_id UINTEGER NOT NULL, code VARCHAR NOT NULL, source VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    property VARCHAR NOT NULL, message VARCHAR NOT NULL, hint VARCHAR NOT NULL, message_id VARCHAR NOT NULL, seen VARCHAR[] NOT NULL,
    first_at TIMESTAMP NOT NULL, last_at TIMESTAMP NOT NULL, times UBIGINT NOT NULL)"""

_FILES: Final = """
CREATE TABLE imports (import_id UINTEGER NOT NULL, kind VARCHAR NOT NULL, file_name VARCHAR NOT NULL, file_size UBIGINT NOT NULL,
    plan VARCHAR NOT NULL, status VARCHAR NOT NULL, total UBIGINT NOT NULL, created UBIGINT NOT NULL, updated UBIGINT NOT NULL,
    unchanged UBIGINT NOT NULL, failed UBIGINT NOT NULL, empty UBIGINT NOT NULL, position UBIGINT NOT NULL, started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP, by_whom VARCHAR NOT NULL, message VARCHAR NOT NULL, failed_bytes UBIGINT DEFAULT 0, content VARCHAR DEFAULT '',
    undone VARCHAR DEFAULT '');
CREATE TABLE import_templates (header_key VARCHAR NOT NULL, mapping VARCHAR NOT NULL, kept_at TIMESTAMP NOT NULL, plan VARCHAR DEFAULT '');
CREATE TABLE exports (export_id UINTEGER NOT NULL, format VARCHAR NOT NULL, file_name VARCHAR NOT NULL, status VARCHAR NOT NULL,
    definition VARCHAR NOT NULL, rows UBIGINT NOT NULL, bytes UBIGINT NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP,
    by_whom VARCHAR NOT NULL, message VARCHAR NOT NULL);
CREATE TABLE folders (folder_id VARCHAR NOT NULL, name VARCHAR NOT NULL, place VARCHAR NOT NULL, host_key VARCHAR NOT NULL,
    plan VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL, made_by VARCHAR NOT NULL);
CREATE TABLE folder_files (folder_id VARCHAR NOT NULL, name VARCHAR NOT NULL, size UBIGINT NOT NULL, stamp VARCHAR NOT NULL,
    checksum VARCHAR NOT NULL, status VARCHAR NOT NULL, import_id UINTEGER, message VARCHAR NOT NULL, seen_at TIMESTAMP NOT NULL);
CREATE TABLE folder_runs (run_id UINTEGER NOT NULL, folder_id VARCHAR NOT NULL, status VARCHAR NOT NULL, found UINTEGER NOT NULL,
    imported UINTEGER NOT NULL, failed UINTEGER NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, by_whom VARCHAR NOT NULL,
    message VARCHAR NOT NULL)"""

SYSTEM_EVENTS: Final = ("USER_CREATE", "USER_UPDATE", "USER_DELETE", "USER_MERGE")

UNPACKED: Final = ("email", "phone")
"""Types of which nearly every value is another: to unpack them took longer than to look for a text in them, and saved some 15 bytes each."""


def column(property_name: str, datatype: str) -> Sql:
    """The column definition of one property."""
    packing = Sql(" USING COMPRESSION uncompressed") if datatype in UNPACKED else NOTHING
    return sql("{} {}{}", name(property_name), Sql(COLUMNS[datatype]), packing)


def tables() -> list[Sql]:
    """A statement or several for each part of the house; none has a value, so all can be asked as one."""
    events = Sql("CREATE TABLE events " + _EVENTS), Sql("CREATE TABLE deleted_events " + _EVENTS)
    return [Sql(USER_IDS), _profiles(), *events, *(Sql(each) for each in (_WORKSPACE, _PROFILES, _STREAM, _FILES))]


def contents() -> list[Sql]:
    """What stands in the tables from the beginning."""
    names, types, descriptions = (list(each) for each in zip(*SYSTEM_PROPERTIES, strict=True))
    searchable = Sql("[" + ", ".join(str(each in SEARCHABLE) for each in names) + "]")
    return [
        sql(
            "INSERT INTO properties (name, type, description, system, visible, searchable, position, made_by) SELECT unnest({}), "
            "unnest({}), unnest({}), true, true, unnest({}), unnest(range({})), 'User 360'",
            names, types, descriptions, searchable, len(names),
        ),
        sql(
            "INSERT INTO event_names (event_id, name, system) SELECT unnest(range({})), unnest({}), true",
            len(SYSTEM_EVENTS), list(SYSTEM_EVENTS),
        ),
    ]  # fmt: skip


def _profiles() -> Sql:
    """The wide table. What is unpacked stands last, for so it does in a file from before it was."""
    kept = [(each, datatype) for each, datatype, _ in SYSTEM_PROPERTIES if each != "tags"]
    columns = [column(*each) for each in sorted(kept, key=lambda each: each[1] in UNPACKED)]
    return sql("CREATE TABLE profiles (profile_key UINTEGER NOT NULL, {})", joined(", ", columns))
