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
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from user360 import backup, clock, demo, doors, erasure, events, exports, imports, keys, profiles, properties, segments, workspace
from user360.errors import (
    Conflict,
    DatabaseDamaged,
    DatabaseInUse,
    InvalidFile,
    NameTaken,
    StoreUnavailable,
    Unknown,
    User360Error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from user360.store import Store

    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no other name for it

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
        store = _opened(asked)
    except User360Error as refusal:
        return _refuse(refusal)
    try:
        command: Callable[[Store, argparse.Namespace, datetime], int] = asked.command
        return command(store, asked, clock.now())
    except User360Error as refusal:
        return _refuse(refusal)
    finally:
        doors.close()


def _opened(asked: argparse.Namespace) -> Store:
    """The database; one that is damaged is put aside where a backup is to take its place."""
    try:
        return doors.current_store()
    except DatabaseDamaged:
        if asked.command is not _restore or not Path(asked.backup).is_file():
            raise
        moved = backup.replace_damaged(Path(doors.database()), Path(asked.backup), at=clock.now())
        print(f"The damaged database was moved to {moved}.", file=sys.stderr)
        asked.backup = ""
        return doors.current_store()
    except DatabaseInUse as refusal:
        raise DatabaseInUse(refusal.message, f"{refusal.hint} {asked.instead}".rstrip()) from None


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


def _import(store: Store, asked: argparse.Namespace, at: datetime) -> int:
    failed = sum(_import_one(store, file, asked, at) for file in asked.files)
    return SOME_ROWS_FAILED if failed else DONE


def _import_one(store: Store, file: Path, asked: argparse.Namespace, at: datetime) -> int:
    """Take one file in, say what became of its rows, and answer how many failed."""
    if not file.is_file():
        raise InvalidFile(f"There is no file {file}.", "Look at its name again.")
    inspection = imports.inspect(file)
    inspection = replace(inspection, kind=asked.kind or inspection.kind)
    plan = imports.suggest(store, inspection, zone=workspace.get(store).zone_name)
    if plan.kind == "users":
        tags = tuple(asked.tag) or (imports.default_tag(store, at),)
        plan = replace(plan, mode=asked.mode, tags=tags, mapping=_mapping(asked.mapping) or plan.mapping)
    plan = replace(plan, segment=asked.segment)
    if asked.dry_run:
        return _try_one(store, file, plan, at)
    if not asked.lose:
        imports.check_hold(store, file, plan, by=_by(), at=at)
    number = imports.start(store, file, plan, by=_by(), at=at)
    counts = imports.run(store, number, now=clock.now, progress=_tell).counts
    print(
        f"{file.name}: {counts.total:,} rows: {counts.created:,} new, {counts.updated:,} updated, "
        f"{counts.unchanged:,} unchanged, {counts.failed:,} failed, {counts.empty:,} empty"
    )
    if counts.failed:
        print(f"The rows that failed, with their reasons, ready to be mended: {imports.failed_rows(store, number)}")
    return counts.failed


def _try_one(store: Store, file: Path, plan: imports.Plan, at: datetime) -> int:
    """Say what an import would do, and answer how many rows it would not take."""
    with imports.dry_run(store, file, plan, by=_by(), at=at, progress=_tell) as found:
        counts = found.counts
        print(
            f"{file.name} would be: {counts.total:,} rows: {counts.created:,} new, {counts.updated:,} updated, "
            f"{counts.unchanged:,} unchanged, {counts.failed:,} failed, {counts.empty:,} empty"
        )
        for each in found.faults:
            print(
                f"  {each.column}: {each.times:,} values would be refused, such as “{each.values[0][0]}”: {each.reason}. {each.hint}"
            )
        for effect in found.effects:
            if effect.gained or effect.lost:
                print(f"  segment “{effect.name}”: {effect.gained:,} would come, {effect.lost:,} would go")
    print("Nothing was written.")
    return counts.failed


def _undo(store: Store, asked: argparse.Namespace, _: datetime) -> int:
    done = imports.undo(store, asked.number, by=_by(), now=clock.now, progress=_tell)
    left = imports.count_left(store, done.id)
    print(f"The import of {done.file_name} is undone. {left:,} values were changed since and stay.")
    return DONE


def _everything(store: Store, asked: argparse.Namespace, at: datetime) -> int:
    key = profiles.key_of(store, asked.user)
    if key is None:
        raise Unknown(f"There is no user “{asked.user}”.", "Write the user id exactly as it is.")
    print(json.dumps(erasure.everything_about(store, key, at=at), ensure_ascii=False, indent=1, default=str))
    return DONE


def _erase(store: Store, asked: argparse.Namespace, at: datetime) -> int:
    keys_ = erasure.keys_of(store, asked.user)
    if not asked.for_good:
        raise Conflict(f"“{asked.user}” would be erased everywhere, and it cannot be undone.", "Say --for-good.")
    for each in keys_:
        receipt = erasure.forget(store, each, by=_by(), at=at)
        print(f"Erasure {receipt.id + 1}: {receipt.counts['events']:,} events, {receipt.counts['ids']:,} ids barred.")
        if receipt.backups:
            print(f"{receipt.backups:,} backups made before still hold this person.")
    return DONE


def _mapping(text: str) -> dict[str, str]:
    """Column → property, as JSON or in a file of it."""
    try:
        given = json.loads(_written(text)) if text else {}
    except ValueError as fault:
        raise InvalidFile("The mapping is not JSON.", 'Write it as {"column": "property"}.') from fault
    if not isinstance(given, dict) or not all(isinstance(each, str) for each in given.values()):
        raise InvalidFile("The mapping is no object of texts.", 'Write it as {"column": "property"}.')
    return given


def _export(store: Store, asked: argparse.Namespace, at: datetime) -> int:
    if asked.file.exists():
        raise NameTaken(f"{asked.file} is there already.", "Name another file, or move it away.")
    rule = segments.parse(_written(asked.rule)) if asked.rule else None
    visible = [each.name for each in properties.find(store) if each.visible]
    form = asked.format or asked.file.suffix.removeprefix(".").lower()
    wanted = exports.Users(tuple(asked.columns.split(",") if asked.columns else visible), rule)
    users = exports.write(store, asked.file, wanted, exports.Layout(form), by=_by(), at=at, progress=_tell).rows
    print(f"{asked.file}: {users:,} users")
    return DONE


def _tell(done: int, total: int, doing: str) -> None:
    """How far the work is, for a person who watches; nothing where nobody does."""
    if sys.stderr.isatty():
        print(f"\r{doing}: {done:,} of {total:,}", end="" if done < total else "\n", file=sys.stderr, flush=True)


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


def _make_key(store: Store, asked: argparse.Namespace, at: datetime) -> int:
    secret = keys.create(store, asked.scope, asked.name, by=_by(), at=at)
    print(f"The key “{asked.name}” may {asked.scope}. It is not shown again:")
    print(secret)
    return DONE


def _revoke_key(store: Store, asked: argparse.Namespace, at: datetime) -> int:
    keys.revoke(store, asked.name, by=_by(), at=at)
    print(f"The key “{asked.name}” is good for nothing from now on.")
    return DONE


def _list_keys(store: Store, _: argparse.Namespace, __: datetime) -> int:
    for each in keys.find(store):
        used = f"last used {each.used_at:%Y-%m-%d %H:%M}" if each.used_at else "never used"
        print(f"{each.name}: {each.scope}, made {each.made_at:%Y-%m-%d} by {each.made_by}, {used}")
    return DONE


def _backup(store: Store, _: argparse.Namespace, at: datetime) -> int:
    made = backup.write(store, by=_by(), at=at, progress=_tell)
    print(f"{backup.file_of(store, made)}: {made.users:,} users, {made.events:,} events, {made.bytes:,} bytes")
    return DONE


def _restore(store: Store, asked: argparse.Namespace, at: datetime) -> int:
    """Put back a backup of the list, or a file; with none named say which there are."""
    if asked.list:
        for each in backup.find(store):
            print(f"{each.id}: {each.users:,} users, {each.events:,} events, {each.why}, by {each.by}")
        return DONE
    if asked.backup:
        file = Path(asked.backup)
        name = backup.bring(store, file, by=_by(), at=at).id if file.is_file() else asked.backup
        kept = backup.restore(store, name, by=_by(), at=clock.now())
        print(f"What was there before is kept as the backup {kept.id}.")
    print(_contents(store))
    return DONE


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
    _of_files(commands)
    _of_questions(commands)
    _of_people_and_copies(commands)
    return parser


def _of_files(commands: Commands) -> None:
    load = commands.add_parser("demo", help="fill an empty database with a believable shop")
    load.add_argument("--users", type=_count, default=5_000, metavar="N", help="how many users (default: 5000)")
    load.add_argument("--events", type=_count, default=150_000, metavar="N", help="how many events (default: 150000)")
    load.set_defaults(command=_demo, instead="Or load it on the page Welcome.")

    take = commands.add_parser("import", help="users or events from CSV, JSON Lines or Parquet files")
    take.add_argument("files", nargs="+", type=Path, metavar="FILE")
    take.add_argument("--kind", choices=imports.KINDS, help="what the files hold (default: as their columns suggest)")
    take.add_argument("--mapping", default="", metavar="JSON", help="column to property, or @FILE (default: as suggested)")
    take.add_argument("--mode", choices=("update", "replace"), default="update", help="what a row does to a known user")
    take.add_argument(
        "--tag", action="append", default=[], metavar="T", help="put on every user; may be repeated (default: the time)"
    )
    take.add_argument("--segment", default="", metavar="NAME", help="a fixed list to put the users on; made where there is none")
    take.add_argument("--lose", action="store_true", help="import even if half of all people or more would lose a value")
    take.add_argument("--dry-run", action="store_true", help="only say what it would do")
    take.set_defaults(command=_import, instead="Or call POST /api/imports.")

    back_out = commands.add_parser("undo", help="take an import back; what was changed since stays")
    back_out.add_argument("number", type=_count, metavar="N", help="the number of the import")
    back_out.set_defaults(command=_undo, instead="Or call POST /api/imports/{id}/undo.")

    give = commands.add_parser("export", help="users as CSV, XLSX, Parquet or JSON Lines")
    give.add_argument("file", type=Path, metavar="FILE", help="a file that is not there yet")
    give.add_argument("--format", choices=exports.FORMATS, help="default: as the name of the file ends")
    give.add_argument("--rule", default="", metavar="JSON", help="only those who match; @FILE to read it (default: everybody)")
    give.add_argument("--columns", default="", metavar="A,B", help="which properties, in which order (default: all visible ones)")
    give.set_defaults(command=_export, instead="Or call POST /api/exports.")


def _of_questions(commands: Commands) -> None:
    query = commands.add_parser("query", help="who matches a rule: count, sentence and the first users, as JSON")
    query.add_argument("rule", metavar="JSON", help="the rule, or @FILE to read it from a file")
    query.add_argument("--limit", type=_count, default=SAMPLE, metavar="N", help="how many users to show (default: 10)")
    query.set_defaults(command=_query, instead="Or call POST /api/users/query.")

    key = commands.add_parser("key", help="keys for the HTTP API: make, list, revoke").add_subparsers(
        metavar="WHAT", required=True
    )
    make = key.add_parser("create", help="a new key, printed alone on the last line and never shown again")
    make.add_argument("scope", choices=keys.SCOPES, help="how far it reaches; each includes those before it")
    make.add_argument("name", help="what uses it")
    make.set_defaults(command=_make_key, instead="Or make it on the page Sources.")
    revoke = key.add_parser("revoke", help="let a key be good for nothing")
    revoke.add_argument("name")
    revoke.set_defaults(command=_revoke_key, instead="Or revoke it on the page Sources.")
    key.add_parser("list", help="the keys that are good").set_defaults(command=_list_keys, instead="Or look at the page Sources.")


def _of_people_and_copies(commands: Commands) -> None:
    whole = commands.add_parser("everything", help="all that is held on one person, as JSON")
    whole.add_argument("user", metavar="USER_ID")
    whole.set_defaults(command=_everything, instead="Or call GET /api/users/{userId}/everything.")
    gone = commands.add_parser("erase", help="erase one person everywhere, for good")
    gone.add_argument("user", metavar="USER_ID", help="a user id, also of somebody deleted")
    gone.add_argument("--for-good", action="store_true", help="do it")
    gone.set_defaults(command=_erase, instead="Or call POST /api/users/{userId}/erase.")

    save = commands.add_parser("backup", help="the whole database into a file beside it, verified by opening it")
    save.set_defaults(command=_backup, instead="Or call POST /api/backups.")
    back = commands.add_parser("restore", help="put a backup in the place of the database, which is kept as a backup")
    back.add_argument("backup", nargs="?", default="", metavar="FILE|ID", help="a file, or the id of a backup of the list")
    back.add_argument("--list", action="store_true", help="the backups that lie ready")
    back.set_defaults(command=_restore, instead="Or call POST /api/backups/{id}/restore.")

    check = commands.add_parser("check", help="read the whole database once and say what is in it")
    check.set_defaults(command=_check, instead="Or call GET /api/health, which says whether it answers.")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number
