"""What of a message cannot be kept, left out of it, with the reason.

One property that is no number, or is half a character, costs itself: the rest of its message and all
of its neighbours are kept. What was left out is told in a warning (`failed.warn`).
"""

from __future__ import annotations

from typing import Any, Final

from user360.errors import shorten
from user360.ingest import LeftOut
from user360.tracking.bodies import DEEPEST, Bad

_NOTHING: Final = object()
_HINT: Final = "Send a value that JSON knows."


def clean(message: dict[str, Any], left_out: list[LeftOut]) -> dict[str, Any]:
    """The message without what cannot be kept; `left_out` learns what that was."""
    return dict(_pairs(message, "", 1, left_out))


def is_deep(message: Any, left: int = DEEPEST) -> bool:
    """Whether something of it lies deeper than is kept."""
    inner = message.values() if isinstance(message, dict) else message if isinstance(message, list) else None
    if inner is None:
        return False
    return left == 0 or any(is_deep(each, left - 1) for each in inner)


def _pairs(found: dict[str, Any], path: str, depth: int, left_out: list[LeftOut]) -> Any:
    for each, value in found.items():
        if _sick(each):
            left_out.append(_refused(path, each, "is no name"))
            continue
        kept = _kept(value, f"{path}.{each}" if path else each, depth, left_out)
        if kept is not _NOTHING:
            yield each, kept


def _kept(value: Any, path: str, depth: int, left_out: list[LeftOut]) -> Any:
    """The value, or nothing where it cannot be kept."""
    if isinstance(value, str):
        return value if not _sick(value) else _leave(path, value, _why(value), left_out)
    if isinstance(value, Bad):
        return _leave(path, value.text, value.reason, left_out)
    if not isinstance(value, dict | list):
        return value
    if depth == DEEPEST:
        return _leave(path, "…", f"lies more than {DEEPEST} levels deep", left_out)
    if isinstance(value, dict):
        return dict(_pairs(value, path, depth + 1, left_out))
    inner = (_kept(each, path, depth + 1, left_out) for each in value)
    return [each for each in inner if each is not _NOTHING]


def _leave(path: str, value: Any, reason: str, left_out: list[LeftOut]) -> object:
    left_out.append(_refused(path, value, reason))
    return _NOTHING


def _refused(path: str, value: Any, reason: str) -> LeftOut:
    name = path.removeprefix("properties.").removeprefix("traits.").removeprefix("context.traits.")
    return LeftOut("invalidValue", shorten(name, 200), shorten(value), reason, _HINT)


def _why(text: str) -> str:
    return "contains a NUL" if "\0" in text else "contains half a character"


def _sick(text: str) -> bool:
    return "\0" in text or not (text.isascii() or _whole(text))


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
