"""What can be an id of somebody, and of which kind."""

from __future__ import annotations

import re
from typing import Final

Id = tuple[str, str]
"""A kind and an id of that kind."""

USER: Final = "userId"
ANONYMOUS: Final = "anonymousId"
DEVICE: Final = "deviceId"
EXTERNAL: Final = "externalId"
KINDS: Final = {
    USER: "User id",
    ANONYMOUS: "Anonymous id",
    DEVICE: "Device id",
    EXTERNAL: "Id at the sender",
}
"""Each kind of id, in words. An external id is what a sender calls a user where another property feeds the user id."""

IN_CONTEXT: Final = {USER: "userId", EXTERNAL: "userId", ANONYMOUS: "anonymousId"}
"""Under which name the context of an event holds an id of a kind by which it came."""

LONGEST_ID: Final = 400
NO_IDS: Final = frozenset(
    {
        *("", "null", "undefined", "nil", "none", "nan", "n/a", "na", "void", "true", "false", "0", "-1", "[object object]"),
        *("anonymous", "anon", "guest", "unknown", "not_authenticated", "user", "userid", "user_id", "distinctid", "distinct_id"),
        *("id", "email", "phone", "test"),
    }
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_BLANKS: Final = "\"' \t\r\n\v\f\u00a0\ufeff\u200b"


def identifies(user_id: str) -> bool:
    """Whether this can be anybody's id: placeholders such as `null`, `guest` or all zeroes never are."""
    bare = user_id.strip(_BLANKS).lower()
    return (
        bare not in NO_IDS
        and bool(bare.strip("0-"))
        and len(user_id) <= LONGEST_ID
        and (user_id.isprintable() or not _CONTROL.search(user_id))
    )
