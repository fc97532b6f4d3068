"""What the rows of a file of events say, put aside on disk as a dry run reads them, to be looked at row by row.

The file is read where it lies: however many rows it has, only those that are looked at come into memory.
What becomes of a row does not live here (`trying`), nor which rows are looked at (`looking`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

    from user360.imports.gathering import Batch
    from user360.ingest import Events

SCHEMA: Final = pa.schema(
    {"at": pa.timestamp("us"), "event": pa.string(), "channel": pa.string(), "properties": pa.string(), "user_id": pa.string()}
)


class Aside:
    """One file of rows in the order of the imported one; those that could not be read say nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pa.RecordBatchFileWriter | None = None

    def add(self, batch: Batch, given: Events) -> None:
        """Put the rows of a batch behind those before, the damaged ones at their lines."""
        count = len(batch.lines)
        columns = (given.at, given.names, given.channels, given.properties, given.user_ids)
        read = [
            pa.nulls(count, field.type) if each is None else each.cast(field.type)
            for field, each in zip(SCHEMA, columns, strict=True)
        ]
        rows = pa.Table.from_arrays(read, schema=SCHEMA)
        if batch.damaged:
            lines = pa.array([each.line for each in batch.damaged], pa.int64())
            nothing = pa.Table.from_arrays([pa.nulls(len(lines), each.type) for each in SCHEMA], schema=SCHEMA)
            whole = pa.concat_tables([rows, nothing]).append_column("line", pa.concat_arrays([batch.lines, lines]))
            rows = whole.sort_by("line").drop_columns("line")
        if self._writer is None:
            self._writer = pa.ipc.new_file(self._path, SCHEMA)
            self._path.chmod(0o600)
        self._writer.write_table(rows)

    def read(self) -> pa.Table:
        """All rows, as they lie on disk; nothing can be added any more."""
        if self._writer is None:
            return SCHEMA.empty_table()
        self._writer.close()
        return pa.ipc.open_file(pa.memory_map(str(self._path))).read_all()

    def close(self) -> None:
        """Remove the file. What was read of it stays readable until it is let go."""
        self._path.unlink(missing_ok=True)
