"""The shelf of data types: a file dropped here is a type of the product.

Each file holds one `TYPE`. The shelf reads them all, refuses two of one name, and knows nothing
else about them. What a type is made of stands in `datatype`.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Final

from user360.errors import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from user360.datatype import DataType

ORDER: Final = ("string", "number", "time", "date", "datetime", "list", "boolean", "phone", "url", "email")


@cache
def _shelf() -> dict[str, DataType]:
    found: dict[str, DataType] = {}
    for module in pkgutil.iter_modules(__path__):
        datatype: DataType = import_module(f"{__name__}.{module.name}").TYPE
        if datatype.name in found:
            raise ValueError(f"two data types are called {datatype.name}")
        found[datatype.name] = datatype
    known = [each for each in ORDER if each in found]
    return {each: found[each] for each in [*known, *sorted(set(found) - set(known))]}


def every() -> tuple[DataType, ...]:
    """All types, in the order people see them in."""
    return tuple(_shelf().values())


def names() -> tuple[str, ...]:
    """The names of all types."""
    return tuple(_shelf())


def get(name: str) -> DataType:
    """One type, or a refusal that offers the nearest."""
    if name not in _shelf():
        raise Unknown.named("data type", name, _shelf())
    return _shelf()[name]


def sniff(samples: Sequence[str]) -> DataType:
    """The type these texts look most like; text where none fits nearly all of them."""
    best = max(every(), key=lambda each: each.sniff(samples))
    return best if best.sniff(samples) >= 0.9 * best.likelihood and best.sniff(samples) > 0 else get("string")
