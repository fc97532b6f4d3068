"""Users and events from files: looked at, mapped, and taken in batch by batch.

A failed row never stops the rest and is never lost; a killed import leaves whole batches and knows
where it stood, and what it wrote can be taken back. What a valid row is does not live here
(`ingest`), nor how an import is watched (`jobs`).

`lines` tells records apart, `reading` reads any file row by row, `mapping` says which column feeds what, `previewing` shows what it would make,
`preparing` makes of rows what goes in, `running` takes it in, `failing` keeps what could not be taken, `undoing` takes it back.
"""

from user360.imports.lines import Damaged
from user360.imports.mapping import Column, Inspection, Plan, inspect, suggest
from user360.imports.previewing import Fault, Preview, preview
from user360.imports.reading import Batch, Shape, rows
from user360.imports.running import (
    Tell,
    check_resume,
    checksum,
    default_tag,
    failed_rows,
    file_of,
    halted,
    resume,
    run,
    start,
    without,
)
from user360.imports.undoing import check_undo, count_left, left_as_is, undo
from user360.records import Counts, Import, imports_of
from user360.records import find_imports as find
from user360.records import get_import as get

__all__ = [
    "Batch",
    "Column",
    "Counts",
    "Damaged",
    "Fault",
    "Import",
    "Inspection",
    "Plan",
    "Preview",
    "Shape",
    "Tell",
    "check_resume",
    "check_undo",
    "checksum",
    "count_left",
    "default_tag",
    "failed_rows",
    "file_of",
    "find",
    "get",
    "halted",
    "imports_of",
    "inspect",
    "left_as_is",
    "preview",
    "resume",
    "rows",
    "run",
    "start",
    "suggest",
    "undo",
    "without",
]
