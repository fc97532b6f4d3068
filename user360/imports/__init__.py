"""Users and events from files: looked at, mapped, and taken in batch by batch.

A failed row never stops the rest and is never lost; a killed import leaves whole batches and knows
where it stood, and what it wrote can be taken back. What a valid row is does not live here
(`ingest`), nor how an import is watched (`jobs`).

`lines` tells records apart, `reading` reads any file row by row, `mapping` says which column feeds what, `repairing` mends what a type refuses,
`preparing` makes of rows what goes in, `running` takes it in, `failing` keeps what could not be taken, `members` puts people on a list, `trying` finds what an import would do, `aside` keeps what rows of events say, `looking` shows it row by row, `undoing` takes it back.
"""

from user360.imports.gathering import Batch
from user360.imports.lines import Damaged
from user360.imports.looking import Cell, Row, count_rows, look
from user360.imports.mapping import (
    EVENT_TYPES,
    KINDS,
    RULES,
    Column,
    Inspection,
    Plan,
    certain,
    check,
    inspect,
    rules_for,
    suggest,
    ways,
)
from user360.imports.reading import Shape, rows
from user360.imports.repairing import ORDERS, Offer, Repair, calling_code, example
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
    sweep,
    without,
)
from user360.imports.trying import DryRun, Effect, Fault, Fill, check_hold, dry_run
from user360.imports.undoing import check_undo, count_left, left_as_is, undo
from user360.records import Counts, Import, imports_of
from user360.records import find_imports as find
from user360.records import get_import as get

__all__ = [
    "EVENT_TYPES",
    "KINDS",
    "ORDERS",
    "RULES",
    "Batch",
    "Cell",
    "Column",
    "Counts",
    "Damaged",
    "DryRun",
    "Effect",
    "Fault",
    "Fill",
    "Import",
    "Inspection",
    "Offer",
    "Plan",
    "Repair",
    "Row",
    "Shape",
    "Tell",
    "calling_code",
    "certain",
    "check",
    "check_hold",
    "check_resume",
    "check_undo",
    "checksum",
    "count_left",
    "count_rows",
    "default_tag",
    "dry_run",
    "example",
    "failed_rows",
    "file_of",
    "find",
    "get",
    "halted",
    "imports_of",
    "inspect",
    "left_as_is",
    "look",
    "resume",
    "rows",
    "rules_for",
    "run",
    "start",
    "suggest",
    "sweep",
    "undo",
    "ways",
    "without",
]
