"""What was said under a message id, as much of it as is kept: so that another message under the same id is not taken for the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson
import pyarrow as pa

from user360.events.appending import hashes_of
from user360.sql import Sql, sql

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from user360.store import Transaction


@dataclass(frozen=True, slots=True)
class Content:
    """What was said under one id: the event, its properties and whose it was; or `digest` where no event was left, None where it was not kept."""

    event: str | None = None
    properties: Mapping[str, object] | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    digest: int | None = None


def contents(tx: Transaction, message_ids: Collection[str]) -> dict[str, Content]:
    """What was said under these ids."""
    asked = pa.table({"message_id": pa.array(message_ids, pa.string())})
    asked = asked.append_column("message_hash", hashes_of(tx, asked["message_id"]))
    rows = tx.rows(
        sql(
            "SELECT message_id, name, properties::JSON::VARCHAR, (context::JSON)->>'userId', (context::JSON)->>'anonymousId', NULL FROM "
            "({}) SEMI JOIN asked USING (message_hash, message_id) JOIN event_names USING (event_id) UNION ALL "
            "SELECT message_id, NULL, NULL, NULL, NULL, content FROM taken_messages SEMI JOIN asked USING (message_hash, message_id)",
            _EVENTS,
            asked=asked,
        )
    )
    return {
        message_id: Content(event, orjson.loads(properties) if properties else None, user_id, anonymous_id, digest)
        for message_id, event, properties, user_id, anonymous_id, digest in rows
    }


_EVENTS: Final = Sql(
    "SELECT message_hash, message_id, event_id, properties, context FROM events UNION ALL "
    "SELECT message_hash, message_id, event_id, properties, context FROM deleted_events"
)
