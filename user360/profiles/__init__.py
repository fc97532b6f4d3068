"""Profiles: one record per person, how it changes, and what it was.

Every change of a known profile keeps property, from, to, when, by whom and from which source; a
creation is one record. From these the past is read by walking back from the present. Nothing else
writes the profile tables. Who a message is about does not live here (`ingest`), nor which values a
property accepts (`datatypes`).

`reading` answers, `past` says how it was, `origins` where values came from and `timing` when they were said, `writing` takes values in,
`following` lets sessions follow events, `sessions` remembers what else set them, `leaving` tags, untags and deletes,
`undoing` takes back what an import wrote, `diffing` reads what a trial would change, `erasing` takes people out for good, `uniting`
makes one record of two, `parting` two of one again.
"""

from user360.profiles.diffing import cells, changed_cells, losing, rows_changing, some_values
from user360.profiles.erasing import addresses, erase, gone_by_id
from user360.profiles.following import counting, follow, followed, settle
from user360.profiles.leaving import Deleted, delete, tag
from user360.profiles.origins import Origin, origins
from user360.profiles.parting import aside, came_back, changed_since, session_before, without
from user360.profiles.past import (
    deleted_ids,
    deleted_since,
    everyone_then,
    merged_since,
    parted,
    sessions_followed,
    sessions_given,
    sessions_kept,
    sessions_passed,
    values_before,
    values_then,
)
from user360.profiles.reading import (
    NEWEST_SESSION,
    Change,
    Profile,
    Sort,
    as_text,
    beside,
    count,
    deletions,
    everyone,
    find,
    get,
    history,
    key_of,
    last_changes,
    matching,
    stream,
    tagged,
    tags,
    with_blanks,
)
from user360.profiles.sessions import FOLLOWING
from user360.profiles.timing import note, note_written, said
from user360.profiles.undoing import TakenBack, Undoing, count_later, last_write, later, take_back, touched
from user360.profiles.uniting import Filled, Row, rows, taken_over, tell_merges, unite, write_records
from user360.profiles.writing import Incoming, Written, close_change, start_change, values_of, write

__all__ = [
    "FOLLOWING",
    "NEWEST_SESSION",
    "Change",
    "Deleted",
    "Filled",
    "Incoming",
    "Origin",
    "Profile",
    "Row",
    "Sort",
    "TakenBack",
    "Undoing",
    "Written",
    "addresses",
    "as_text",
    "aside",
    "beside",
    "came_back",
    "cells",
    "changed_cells",
    "changed_since",
    "close_change",
    "count",
    "count_later",
    "counting",
    "delete",
    "deleted_ids",
    "deleted_since",
    "deletions",
    "erase",
    "everyone",
    "everyone_then",
    "find",
    "follow",
    "followed",
    "get",
    "gone_by_id",
    "history",
    "key_of",
    "last_changes",
    "last_write",
    "later",
    "losing",
    "matching",
    "merged_since",
    "note",
    "note_written",
    "origins",
    "parted",
    "rows",
    "rows_changing",
    "said",
    "session_before",
    "sessions_followed",
    "sessions_given",
    "sessions_kept",
    "sessions_passed",
    "settle",
    "some_values",
    "start_change",
    "stream",
    "tag",
    "tagged",
    "tags",
    "take_back",
    "taken_over",
    "tell_merges",
    "touched",
    "unite",
    "values_before",
    "values_of",
    "values_then",
    "with_blanks",
    "without",
    "write",
    "write_records",
]
