"""Users, events and tables as files: CSV, Excel, Parquet, JSON Lines, of any size, streamed.

A file appears under its name only when it is whole. Text is safe in a spreadsheet, and a file of
users read back in changes nothing. Which people are meant does not live here (`segments`), nor who
watches the work (`jobs`), nor who may fetch the file (`web`).

`wanted` says what goes into a file, `layout` how it is to look, `texts` writes values as text,
`formats` writes each format, `running` makes the file, `keeping` what is kept of it.
"""

from user360.exports.keeping import delete, file_of, manifest_of, sweep, without
from user360.exports.layout import FORMATS, Column, Layout
from user360.exports.running import Written, run, start, write
from user360.exports.wanted import EVENT_COLUMNS, Events, Rows, Users, Wanted
from user360.records import Export
from user360.records import find_exports as find
from user360.records import get_export as get

__all__ = [
    "EVENT_COLUMNS",
    "FORMATS",
    "Column",
    "Events",
    "Export",
    "Layout",
    "Rows",
    "Users",
    "Wanted",
    "Written",
    "delete",
    "file_of",
    "find",
    "get",
    "manifest_of",
    "run",
    "start",
    "sweep",
    "without",
    "write",
]
