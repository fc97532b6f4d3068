"""Opening the file: with our settings, up to date, locked against the outside; or saying plainly why it cannot be."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from user360 import schema, steps
from user360.errors import DatabaseDamaged, DatabaseInUse, StoreUnavailable
from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.store.ledger import Log

MEMORY_LIMIT: Final = "1200MB"
LOG: Final = "32MB"
"""How long the log grows before it goes into the file: each time costs about the same, a sixth of taking messages in at 16 MB."""
NEVER: Final = -1
ASIDE, MERGED = 0, 100
"""How many parts of tables a checkpoint may merge. While messages come it merges none: that took it up to a second instead of a tenth."""
IN_MEMORY: Final = ":memory:"
BACKUPS: Final = "backups"


def connect(
    path: str, folder: Callable[[str], Path], log: Log | None = None, *, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """The open file, made where there is none. `folder` answers the private folder of a purpose."""
    spill = None if path == IN_MEMORY or read_only else folder("spill")
    connect_ = partial(duckdb.connect, path, read_only=read_only, config=_settings(spill))
    try:
        if path != IN_MEMORY:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        connection = log.read_by(connect_) if log else connect_()
    except (duckdb.Error, OSError) as fault:
        raise _cannot_open(path, fault) from fault
    if path != IN_MEMORY and not read_only:
        Path(path).chmod(0o600)
    try:
        connection.execute(sql("SET memory_limit = {}", MEMORY_LIMIT).shown())  # only now: the log is read with all there is
        _bring_up_to_date(connection, read_only=read_only)
        _lock_down(connection, None if read_only else folder(BACKUPS))
    except BaseException:
        connection.close()
        raise
    return connection


def _settings(spill: Path | None) -> dict[str, str | bool | int | float | list[str]]:
    """What holds for every cursor, and already while the log is read. As statements they took as long as ten tables."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "asof_loop_join_threshold": 0,  # its loops measured six times as slow where few were expected and many came
        "dynamic_or_filter_threshold": 2000,  # ON CONFLICT and MERGE probe the index instead of scanning
        "checkpoint_threshold": LOG,
        "variant_minimum_shredding_size": NEVER,
        "max_vacuum_tasks": ASIDE,
    }
    if spill:
        settings["temp_directory"] = str(spill)
    return settings


def _lock_down(connection: duckdb.DuckDBPyConnection, writable: Path | None) -> None:
    """No file but those of one folder, no network, no host variable can be reached by a query from here on, whatever it says."""
    settings = [sql("SET allowed_directories = [{}]", f"{writable}/").shown()] if writable else []
    settings += [
        "SET GLOBAL TimeZone = 'UTC'",  # for every cursor: without GLOBAL it holds for the first one alone, where no question is asked
        "SET allowed_configs = ['checkpoint_threshold', 'variant_minimum_shredding_size', 'max_vacuum_tasks']",
        "SET enable_external_access = false",
        "SET autoinstall_known_extensions = false",
        "SET python_enable_replacements = false",
        "SET lock_configuration = true",
    ]
    connection.execute(";".join(settings))


def _bring_up_to_date(connection: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS schema_steps (step INTEGER NOT NULL)") if not read_only else None
    done = connection.execute("SELECT count(*) FROM schema_steps").fetchall()[0][0]
    if done > len(steps.STEPS):
        raise StoreUnavailable(
            "This database was written by a newer User 360.", "Start the newer version, or restore a backup of before."
        )
    if not read_only and done < len(steps.STEPS):
        advance(connection, done, len(steps.STEPS))


def advance(connection: duckdb.DuckDBPyConnection, done: int, until: int) -> None:
    """Bring a database that did so many steps to where `until` are done: a new one in one go, an earlier one step by step.

    All of it or nothing: a newer program that fails to begin leaves the older one its database.
    """
    connection.begin()
    if done or until < len(steps.STEPS):
        made = [statement for step in steps.STEPS[done:until] for statement in step()]
    else:
        connection.execute(";".join(each.text for each in schema.tables()))
        made = schema.contents()
    for statement in made:
        connection.execute(statement.text, list(statement.params))
    # one statement: a number at a time took a third of all that makes a new database
    connection.execute("INSERT INTO schema_steps SELECT unnest(range(?, ?))", [done, until])
    connection.commit()
    if done:  # a new file is written once it has its name (`ledger`)
        connection.execute("CHECKPOINT")


def _cannot_open(path: str, fault: Exception) -> StoreUnavailable:
    text = str(fault)
    if "lock" in text:
        process = re.search(r"PID (\d+)", text)
        whom = f"process {process[1]}" if process else "another process"
        return DatabaseInUse(
            f"The database is in use by {whom}.", "Only one User 360 can have it open. Stop the other one, or use its pages."
        )
    if isinstance(fault, PermissionError) or "ermission denied" in text or "ead-only" in text:
        return StoreUnavailable(
            f"The database {Path(path).name} cannot be written.", "Give this user the right to write the file and its folder."
        )
    if re.search(r"newer|storage version|serialization version", text, re.IGNORECASE):
        return StoreUnavailable(f"The database {Path(path).name} is of a newer version.", "Start the newer User 360.")
    return DatabaseDamaged(
        f"The database {Path(path).name} is damaged or is no database.",
        "It was left as it is. Move it away and restore a backup.",
    )


def refusal(fault: duckdb.Error) -> Exception:
    """What a fault of the database means to whoever asked."""
    text = str(fault)
    if "No space left" in text or "could not write" in text.lower():
        return StoreUnavailable("The disk is full.", "Free some space. What was saved before is kept.")
    if isinstance(fault, duckdb.OutOfMemoryException):
        return StoreUnavailable("The question needs more memory than the database may use.", "Ask for fewer rows or columns.")
    return fault
