"""A list: an ordered set of texts. In a file `;` stands between the items, or the cell is a JSON array."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360.datatype import Control, DataType, Display, Refusal

if TYPE_CHECKING:
    from user360.datatype import Zone

MOST_ITEMS: Final = 1_000
MOST_BYTES: Final = 64 * 1024


def _parse(raw: object, _: Zone) -> tuple[str, ...]:
    items = _items(raw)
    kept = dict.fromkeys(item for item in map(_item, items) if item)
    if len(kept) > MOST_ITEMS:
        raise Refusal(f"has more than {MOST_ITEMS:,} items", "Keep long lists as events.")
    if sum(len(each.encode()) for each in kept) > MOST_BYTES:
        raise Refusal("is longer than 64 KiB", "Shorten the items.")
    return tuple(kept)


def _items(raw: object) -> list[Any]:
    if isinstance(raw, list | tuple):
        return list(raw)
    if not isinstance(raw, str):
        raise Refusal("is not a list", "Give an array of texts.")
    text = raw.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return text.split(";")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text.split(";")
    return found if isinstance(found, list) else text.split(";")


def _item(item: object) -> str:
    if isinstance(item, bool | None):
        return "" if item is None else str(item).lower()
    if isinstance(item, int | float):
        return str(item)
    if not isinstance(item, str):
        raise Refusal("has a list or an object inside", "Items are plain texts.")
    if "\0" in item:
        raise Refusal("holds a NUL character", "Take it out.")
    try:
        item.encode()
    except UnicodeEncodeError:
        raise Refusal("holds half of a character", "Export the text as UTF-8.") from None
    return unicodedata.normalize("NFC", item).strip()


def _format(value: Any, _: Zone) -> str:
    return json.dumps(list(value), ensure_ascii=False)


def _quick(column: pa.Array, _: Zone) -> pa.Array:
    return pa.nulls(len(column), pa.list_(pa.string()))


TYPE: Final = DataType(
    name="list",
    label="List",
    column="VARCHAR[]",
    arrow=pa.list_(pa.string()),
    families=("known", "list"),
    control=Control("tags", "gift; vip"),
    display=Display("chips", 118),
    role="nominal",
    accepts="texts with ; between them, or a JSON array",
    examples=(
        ("gift; vip", '["gift", "vip"]'),
        ('["a","b","a"]', '["a", "b"]'),
        (["x", " y "], '["x", "y"]'),
        ("one", '["one"]'),
    ),
    counterexamples=(('["a", ["b"]]', "inside"), ([{"a": 1}], "inside"), ({"a": 1}, "not a list"), ("a\0;b", "NUL")),
    parse_one=_parse,
    format_one=_format,
    quick=_quick,
    merge="unite",
    likelihood=0.009,
)
