"""The same work from a terminal: arguments in, calls, plain words out.

Answers go to standard output, what goes on meanwhile and what is refused to standard error, and the
exit status tells which it was, so that a script can rely on it. Without this room a nightly import
would need a browser. It decides nothing: what an import or a rule means lives in their own rooms.
Only one process can have the database open; while a server has it, its pages and its API do this work.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from user360 import clock, demo, doors, events, profiles, properties, segments
from user360.errors import InvalidFile, StoreUnavailable, User360Error
from user360.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from user360.store import Store

DONE: Final = 0
REFUSED: Final = 1
SOME_ROWS_FAILED: Final = 3
SAMPLE: Final = 10

EPILOG: Final = """\
exit status: 0 done · 1 refused, with the reason · 2 wrong arguments · 3 done, but some rows could not be taken

The database is the file USER360_DATABASE names, or data/user360.duckdb. Stop the server first:
only one process can have it open.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and answer the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        store = open_store(doors.database())
    except StoreUnavailable as refusal:
        return _refuse(refusal)
    try:
        command: Callable[[Store, argparse.Namespace, datetime], int] = asked.command
        return command(store, asked, clock.now())
    except User360Error as refusal:
        return _refuse(refusal)
    finally:
        store.close()


def _refuse(refusal: User360Error) -> int:
    print(refusal, file=sys.stderr)
    return REFUSED


def _by() -> str:
    return f"{getpass.getuser()} (terminal)"


# -- the commands -------------------------------------------------------------------------------


def _demo(store: Store, asked: argparse.Namespace, at: datetime) -> int:
    demo.load(store, users=asked.users, events=asked.events, at=at)
    print(_contents(store))
    return DONE


def _query(store: Store, asked: argparse.Namespace, at: datetime) -> int:
    rule = segments.parse(_written(asked.rule))
    catalog = segments.load_catalog(store)
    segments.check(rule, catalog)
    people = segments.people(store, rule, at=at)
    columns = [each.name for each in properties.find(store) if each.visible]
    found = profiles.find(store, within=people, columns=columns, limit=asked.limit)
    answer = {
        "count": len(people),
        "total": profiles.count(store),
        "sentence": segments.describe(rule, catalog, at=at),
        "users": [_known(row) for row in found.to_pylist()],
    }
    print(json.dumps(answer, ensure_ascii=False, indent=2, default=str))
    return DONE


def _written(text: str) -> str:
    """What was written on the command line, or stands in the file it names with an @."""
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidFile(f"{text[1:]} cannot be read.", "Name a text file in UTF-8.") from fault


def _check(store: Store, _: argparse.Namespace, __: datetime) -> int:
    """Read everything once: whatever is damaged refuses to be read."""
    columns = [each.name for each in properties.find(store)]
    rows = sum(batch.num_rows for batch in profiles.stream(store, columns=columns))
    if rows != profiles.count(store):
        raise StoreUnavailable(f"{profiles.count(store)} users are counted, but {rows} can be read.", "Restore a backup.")
    print(f"{store.path} can be read whole.")
    print(_contents(store))
    return DONE


def _contents(store: Store) -> str:
    happened = sum(events.catalogue(store)["total"].to_pylist())
    return f"{profiles.count(store):,} users, {happened:,} events, {len(properties.find(store))} properties."


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "profile_key" and value not in (None, [])}


# -- the arguments ------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m user360", description="User 360 from a terminal.", epilog=EPILOG, formatter_class=plain
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    load = commands.add_parser("demo", help="fill an empty database with a believable shop")
    load.add_argument("--users", type=_count, default=5_000, metavar="N", help="how many users (default: 5000)")
    load.add_argument("--events", type=_count, default=150_000, metavar="N", help="how many events (default: 150000)")
    load.set_defaults(command=_demo)

    query = commands.add_parser("query", help="who matches a rule: count, sentence and the first users, as JSON")
    query.add_argument("rule", metavar="JSON", help="the rule, or @FILE to read it from a file")
    query.add_argument("--limit", type=_count, default=SAMPLE, metavar="N", help="how many users to show (default: 10)")
    query.set_defaults(command=_query)

    check = commands.add_parser("check", help="read the whole database once and say what is in it")
    check.set_defaults(command=_check)
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number
