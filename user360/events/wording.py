"""The words that stand for the numbers of events, channels and sources, put beside them without a question to the database.

To join three small tables took as long as to find all events of a person; they hardly change, so they are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360.sql import Sql

if TYPE_CHECKING:
    from user360.store import Store

SHOWN: Final = ["profile_key", "userId", "event", "system", "at", "channel", "source", "messageId", "properties", "context"]
LATEST: Final = ["event", "system", "at", "channel", "source", "messageId", "properties"]
_WORDS: Final = {
    "event": Sql("SELECT event_id AS number, name, system FROM event_names"),
    "channel": Sql("SELECT channel_id AS number, name FROM channels"),
    "source": Sql("SELECT source_id AS number, name FROM sources"),
}


def worded(store: Store, rows: pa.Table) -> pa.Table:
    """The rows with event, system, channel and source beside event_id, channel_id and source_id, as far as they have these."""
    words = store.kept(_read, "words", "sources")
    if rows.num_rows and pc.index_in(rows["event_id"], words["event"]["number"]).null_count:
        words = _read(store)  # a word of a commit of this very moment
    for word, known in words.items():
        if f"{word}_id" not in rows.column_names:
            continue
        places = pc.index_in(rows[f"{word}_id"], known["number"])
        rows = rows.append_column(word, known["name"].take(places))
        if word == "event":
            rows = rows.append_column("system", known["system"].take(places))
    return rows


def _read(store: Store) -> dict[str, pa.Table]:
    return {word: store.read(query).combine_chunks() for word, query in _WORDS.items()}
