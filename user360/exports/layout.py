"""How a file is to look: its format, the zone of its instants, the names of its columns.

A wish that cannot be met is refused here, before the first row is read. What stands in the file
does not live here (`wanted`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import available_timezones

import pyarrow as pa

from user360.errors import Invalid, Unknown, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORMATS: Final = ("csv", "xlsx", "parquet", "jsonl")
DELIMITERS: Final = (",", ";", "\t", "|")
LONGEST_HEADER: Final = 200


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name among the rows, the kind of its values (a data type's name, or `json`), and its header."""

    name: str
    kind: str
    header: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How the file looks.

    `zone` is where its instants are told (UTC without one), `headers` are other names for columns.
    `bom` marks a CSV as UTF-8 for spreadsheets. With `manifest` a second file says what the first one is.
    """

    format: str
    gzip: bool = False
    zone: str = "UTC"
    headers: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","
    bom: bool = False
    manifest: bool = False

    @property
    def ending(self) -> str:
        """What the name of the file ends with."""
        return f".{self.format}.gz" if self.gzip else f".{self.format}"

    def check(self) -> Layout:
        """The layout, or a refusal of what nobody knows."""
        if self.format not in FORMATS:
            raise Unknown.named("format", self.format, FORMATS)
        if self.delimiter not in DELIMITERS:
            raise Invalid(f"{shorten(self.delimiter)} cannot separate columns.", "Choose a comma, a semicolon, a tab or a bar.")
        if self.zone not in available_timezones():
            raise Unknown.named("time zone", self.zone, available_timezones())
        return self

    def columns(self, names: Sequence[str], kinds: Mapping[str, str]) -> list[Column]:
        """The columns under their headers; each header once."""
        for renamed in self.headers:
            if renamed not in names:
                raise Unknown.named("column", renamed, names)
        found = [Column(each, kinds[each], self.headers.get(each, each)) for each in names]
        twice = [header for header, count in Counter(each.header for each in found).items() if count > 1]
        if twice:
            raise Invalid(f"“{shorten(twice[0])}” heads two columns.", "Give each column a name of its own.")
        for each in found:
            if not each.header.strip() or len(each.header) > LONGEST_HEADER or "\0" in each.header:
                raise Invalid(f"The column {each.name} has no name that can head it.", f"Use 1 to {LONGEST_HEADER} characters.")
        return found

    def to_json(self) -> dict[str, Any]:
        """The layout as JSON, without what is as usual."""
        found = {"format": self.format, "zone": self.zone, "headers": dict(self.headers), "gzip": self.gzip}
        return {name: value for name, value in found.items() if value}


def kind_of(arrow: pa.DataType) -> str:
    """The kind of a column of a table that is no property."""
    if pa.types.is_boolean(arrow):
        return "boolean"
    if pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow):
        return "number"
    if pa.types.is_timestamp(arrow):
        return "datetime"
    if pa.types.is_date(arrow):
        return "date"
    if pa.types.is_time(arrow):
        return "time"
    if pa.types.is_list(arrow) and pa.types.is_string(arrow.value_type):
        return "list"
    return "json" if pa.types.is_nested(arrow) else "string"
