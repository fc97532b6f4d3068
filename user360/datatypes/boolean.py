"""True or false: these two words in any case, and nothing that only resembles them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360.datatype import Control, DataType, Display, Refusal, text_of

if TYPE_CHECKING:
    from user360.datatype import Zone

_WORDS: Final = {"true": True, "false": False}
LIKE_TRUE: Final = frozenset({"yes", "y", "1", "t", "on", "ja", "si", "sí", "oui", "x"})
LIKE_FALSE: Final = frozenset({"no", "n", "0", "f", "off", "nein", "non"})


def _parse(raw: object, _: Zone) -> bool:
    if isinstance(raw, bool):
        return raw
    text = str(raw).lower() if isinstance(raw, int | float) else text_of(raw, what="true or false").lower()
    if text in _WORDS:
        return _WORDS[text]
    raise Refusal("is not true or false", _hint(str(raw), text))


def _hint(raw: str, text: str) -> str:
    if text in LIKE_TRUE:
        return f"Turn {raw} into true."
    return f"Turn {raw} into false." if text in LIKE_FALSE else "Write true or false."


def _format(value: Any, _: Zone) -> str:
    return "true" if value else "false"


def _quick(column: pa.Array, _: Zone) -> pa.Array:
    return pa.nulls(len(column), pa.bool_())


TYPE: Final = DataType(
    name="boolean",
    label="True or false",
    column="BOOLEAN",
    arrow=pa.bool_(),
    families=("known", "boolean"),
    control=Control("choice", "true"),
    display=Display("check", 64),
    role="nominal",
    accepts="true or false",
    examples=(("true", "true"), ("FALSE", "false"), (" True ", "true"), (False, "false")),
    counterexamples=(
        ("yes", "into true"),
        ("no", "into false"),
        ("1", "into true"),
        (0, "into false"),
        ("t", "into true"),
        ("maybe", "true or false"),
    ),
    parse_one=_parse,
    format_one=_format,
    quick=_quick,
)
