"""A dry run: what an import would do, found by doing it in a world aside.

The rows go through the one way in, into a trial (`store.trials`) that nobody else sees and that
holds nobody up; what it remembers afterwards is the difference, cell by cell. Nothing is written.
The import itself does not live here (`running`), nor how a fault is mended (`repairing`).
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

import pyarrow as pa
import pyarrow.compute as pc

from user360 import datatypes, events, identities, ingest, profiles, properties, records
from user360.errors import Conflict, User360Error
from user360.imports import failing, mapping, reading, repairing, running
from user360.imports.aside import SCHEMA, Aside
from user360.imports.preparing import fit, mended_column
from user360.segments import asking, lists, saved
from user360.store.trials import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from user360.imports.gathering import Batch
    from user360.imports.mapping import Plan
    from user360.imports.preparing import Preparing
    from user360.imports.reading import Shape
    from user360.imports.repairing import Offer
    from user360.imports.running import Ready, Tell
    from user360.ingest import Receipt
    from user360.store import Store

EXAMPLES: Final = 1_000
HELD_SHARE: Final = 0.5
_NO_ID: Final = ("propertiesRequired", "userId")


@dataclass(frozen=True, slots=True)
class Fault:
    """Values of one column refused for one reason: how many rows, the distinct values with their counts, what could be done.

    `values` are the commonest thousand, `example` the one that `offers` are told by: what would mend them.
    """

    column: str
    property: str
    reason: str
    hint: str
    times: int
    distinct: int
    values: tuple[tuple[str, int], ...]
    example: str
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Fill:
    """How many people have a value of a property, before and after."""

    property: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What would become of a segment: who is in it now, how many would come and go."""

    segment_id: str
    name: str
    before: int
    gained: int
    lost: int


@dataclass(slots=True)
class DryRun:
    """What an import would do. To be closed when nobody looks at it any more.

    `said` is what the rows of events say (`aside`). `rows` has line, profile_key, write_id and outcome of every row in the order of the file, `refused` line,
    user_id and reason of every refused value. `cells` are values that change; `repeated` rows name somebody an earlier one
    named, `without_id` nobody. `people` and `people_after` are how many there are; `losing` would lose a value.
    """

    plan: Plan
    content: str
    trial: Trial
    failed_file: Path
    aside: Aside
    at: datetime
    counts: records.Counts = field(default_factory=records.Counts)
    rows: pa.Table = field(default_factory=lambda: pa.table({}))
    refused: pa.Table = field(default_factory=lambda: pa.table({}))
    said: pa.Table = field(default_factory=SCHEMA.empty_table)
    faults: tuple[Fault, ...] = ()
    fills: tuple[Fill, ...] = ()
    effects: tuple[Effect, ...] = ()
    columns: tuple[str, ...] = ()
    cells: dict[str, int] = field(default_factory=dict)
    repeated: int = 0
    without_id: int = 0
    people: int = 0
    people_after: int = 0
    losing: int = 0
    seconds: float = 0.0
    closed: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the world aside go, and the rows with it; nothing that was counted goes."""
        self.closed = True
        self.rows, self.refused, self.said = (each.schema.empty_table() for each in (self.rows, self.refused, self.said))
        if self.trial.store_is_open:
            self.trial.close()
        self.failed_file.unlink(missing_ok=True)
        self.aside.close()

    @property
    def can_be_looked_at(self) -> bool:
        """Whether the world it was done in is still there."""
        return not self.closed and self.trial.store_is_open

    @property
    def taken(self) -> int:
        """How many rows would be taken."""
        return self.counts.total - self.counts.failed

    @property
    def held(self) -> bool:
        """Whether so many people would lose a value that somebody has to say it is meant."""
        return self.people > 0 and self.losing >= HELD_SHARE * self.people


# -- trying -------------------------------------------------------------------------------------


def dry_run(store: Store, path: Path, plan: Plan, *, by: str, at: datetime, progress: Tell | None = None) -> DryRun:
    """Try an import; what is wrong with the plan or the file is refused as the import would."""
    began, tell = time.monotonic(), progress or (lambda _done, _total, _doing: None)
    of = reading.shape(path, delimiter=plan.delimiter, encoding=plan.encoding)
    mapping.check(store, plan, of.columns)
    kept, number = store.folder("trials"), uuid.uuid4().hex
    failed_file, aside = kept / f"failed-{number}.csv", Aside(kept / f"rows-{number}.arrow")
    found = DryRun(plan, running.checksum(path), Trial(store), failed_file, aside, at, people=profiles.count(store))
    try:
        preparing, gathered = running.preparing(store, plan), _Gathered()
        total, done = max(reading.count_lines(path), 1), 0
        for ready in running.ahead(preparing, reading.rows(path, of, most=reading.BATCH)):
            _try(store, found, preparing, of, ready, gathered, by)
            done += running.rows_in(ready.batch)
            tell(min(done, total), total, "Trying")
        _sum_up(store, found, preparing, gathered, tell)
    except BaseException:
        found.close()
        raise
    found.seconds = time.monotonic() - began
    return found


def check_hold(store: Store, path: Path, plan: Plan, *, by: str, at: datetime) -> None:
    """Refuse a plan by which half of all people or more would lose a value; for who has no screen to confirm it on."""
    if plan.blanks():
        with dry_run(store, path, plan, by=by, at=at) as found:
            if found.held:
                raise Conflict(
                    f"{found.losing:,} of {found.people:,} people would lose a value.",
                    "Say that it is meant, and import it again.",
                )


@dataclass(slots=True)
class _Gathered:
    """What the batches gave so far."""

    counts: list[records.Counts] = field(default_factory=list)
    rows: list[pa.Table] = field(default_factory=list)
    refused: list[pa.Table] = field(default_factory=list)
    values: dict[tuple[str, str, str], Counter[str]] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)


def _try(store: Store, found: DryRun, preparing: Preparing, of: Shape, ready: Ready, gathered: _Gathered, by: str) -> None:
    batch = ready.batch
    _bring(store, found.trial, preparing, ready)
    receipt = running.take(preparing, found.trial, ready, source="dry run", number=0, by=by, at=found.at)
    failing.keep(found.failed_file, of.columns, batch, receipt)
    gathered.counts.append(running.counts(found.plan, batch, receipt))
    gathered.rows += _outcomes(batch, receipt)
    if isinstance(ready.given, ingest.Events):
        found.aside.add(batch, ready.given)
    gathered.refused.append(_refusals(found.plan, batch, receipt))
    for each in receipt.rejected:
        if (each.code, each.property) == _NO_ID and not each.value:
            found.without_id += 1
        else:
            reason = each.message.rsplit("”", 1)[-1].strip(" .") or each.message
            gathered.values.setdefault((each.property, reason, each.hint), Counter())[each.value] += 1


def _bring(store: Store, trial: Trial, preparing: Preparing, ready: Ready) -> None:
    """Have everybody in the trial whom the rows are about, and events that could be theirs already."""
    text, given = datatypes.get("string"), ready.given
    named = mended_column(preparing, ready.batch, preparing.plan.user_column, text) if given is None else given.user_ids
    ids = text.parse_column(named, preparing.zone).values
    with store.snapshot() as seen:
        keys = identities.look_up(seen, ids)
    trial.bring(keys)
    if isinstance(given, ingest.Events):
        rows = {
            "profile_key": keys,
            "at": given.at,
            "message_id": given.message_ids if given.message_ids is not None else pa.nulls(len(keys), pa.string()),
        }
        trial.bring_rows("events", events.twins(pa.table(rows)))


def _user_column(plan: Plan) -> str:
    return plan.user_column or next(each for each, target in plan.mapping.items() if target == "userId")


def _outcomes(batch: Batch, receipt: Receipt) -> list[pa.Table]:
    """A line for each row of the batch, those among them that could not be read."""
    writes = receipt.writes if len(receipt.writes) else pa.nulls(len(batch.lines), pa.uint32())
    read = pa.table({"line": batch.lines, "profile_key": receipt.profile_keys, "write_id": writes, "outcome": receipt.outcomes})
    lines = pa.array([each.line for each in batch.damaged], pa.int64())
    nobody = pa.nulls(len(lines), pa.uint32())
    damaged = {
        "line": lines,
        "profile_key": nobody,
        "write_id": nobody,
        "outcome": pa.array([ingest.REFUSED] * len(lines), pa.int8()),
    }
    return [pa.concat_tables([read, pa.table(damaged)]).sort_by("line")]


def _refusals(plan: Plan, batch: Batch, receipt: Receipt) -> pa.Table:
    """Why each refused row is refused, and whom it names as far as it can be read: line, user_id, reason."""
    lines = pa.array(sorted({each.position for each in receipt.rejected}), pa.int64())
    ids = fit(batch.columns[_user_column(plan)], pa.string()).take(pc.index_in(lines, batch.lines)).to_pylist()
    named = dict(zip(lines.to_pylist(), ids, strict=True))
    told = [(each.position, named[each.position], f"{each.message} {each.hint}".strip()) for each in receipt.rejected]
    told += [(each.line, "", f"The row {each.reason}. {each.hint}") for each in batch.damaged]
    columns = list(zip(*told, strict=True)) or [(), (), ()]
    kinds = (pa.int64(), pa.string(), pa.string())
    names = ("line", "user_id", "reason")
    return pa.table({name: pa.array(values, kind) for name, values, kind in zip(names, columns, kinds, strict=True)})


# -- what it comes to ---------------------------------------------------------------------------


def _sum_up(store: Store, found: DryRun, preparing: Preparing, gathered: _Gathered, tell: Tell) -> None:
    for each in gathered.counts:
        found.counts = _plus(found.counts, each)
    if gathered.rows:
        found.rows = pa.concat_tables(gathered.rows).combine_chunks()
        found.refused = pa.concat_tables(gathered.refused).combine_chunks()
        found.said = found.aside.read()
    keys = found.rows["profile_key"] if gathered.rows else pa.array([], pa.uint32())
    found.repeated = len(keys) - keys.null_count - len(pc.unique(keys.drop_null())) if found.plan.kind == "users" else 0
    found.faults = tuple(_faults(found, preparing, gathered))
    if found.plan.kind == "users":
        changed = profiles.changed_cells(found.trial).to_pylist()
        found.cells = {each["property"]: each["cells"] for each in changed}
        found.losing = len(profiles.losing(found.trial))
    outcome = found.trial.outcome()
    found.people_after = profiles.count(outcome)
    found.columns = _shown(found.plan)
    if found.plan.kind == "users":
        before, after = properties.filled(store, found.columns), properties.filled(outcome, found.columns)
        found.fills = tuple(Fill(each, before[each], after[each]) for each in found.columns)
    touched = gathered.rows and found.counts.created + found.counts.updated
    found.effects = tuple(_effects(store, outcome, found, keys, tell)) if touched else ()


def _plus(one: records.Counts, more: records.Counts) -> records.Counts:
    names = ("total", "created", "updated", "unchanged", "failed", "empty")
    return records.Counts(**{each: getattr(one, each) + getattr(more, each) for each in names})


def _shown(plan: Plan) -> tuple[str, ...]:
    """The properties a row of the file gives, besides the id."""
    targets = [each for each in plan.mapping.values() if each != "userId"] if plan.kind == "users" else []
    return tuple(dict.fromkeys([*targets, *(["tags"] if plan.tags and plan.kind == "users" else [])]))


def _faults(found: DryRun, preparing: Preparing, gathered: _Gathered) -> Iterator[Fault]:
    columns = {target: column for column, target in found.plan.mapping.items()} | {"timestamp": found.plan.time_column}
    types = {**preparing.types, "timestamp": datatypes.get("datetime")} if found.plan.kind == "events" else preparing.types
    for (name, reason, hint), values in sorted(gathered.values.items(), key=lambda each: -each[1].total()):
        column, datatype = columns.get(name, ""), types.get(name)
        commonest = tuple(values.most_common(EXAMPLES))
        shown, offered = commonest[0][0], tuple[repairing.Offer, ...]()
        if datatype is not None and column and name != "userId":
            country = _country(found, name) if datatype.name == "phone" else ""
            shown, offered = repairing.offers([each for each, _ in commonest], datatype, preparing.zone, country=country)
        yield Fault(column, name, reason, hint, values.total(), len(values), commonest, shown, offered)


def _country(found: DryRun, name: str) -> str:
    """The country most of the numbers are of that the people of the file have, or would have."""
    return repairing.commonest_country(profiles.some_values(found.trial, name, EXAMPLES))


def _effects(store: Store, outcome: Store, found: DryRun, keys: pa.Array, tell: Tell) -> Iterator[Effect]:
    """The segments whose members would change, those that change most first."""
    rules = [each for each in saved.find(store) if each.kind == "dynamic" and each.archived_at is None]
    effects = []
    for place, each in enumerate(rules):
        tell(place, len(rules), "Looking at segments")
        try:
            rule = saved.rule_of(each)
            now, then = asking.holding(store, rule, at=found.at), asking.holding(outcome, rule, at=found.at)
        except User360Error:  # a rule that cannot be asked any more is told of on its own page
            continue
        effects.append(Effect(each.id, each.name, len(now), len(then - now), len(now - then)))
    if found.plan.segment:
        effects.append(_on_list(store, found, keys))
    yield from sorted((each for each in effects if each.gained or each.lost), key=lambda each: -(each.gained + each.lost))


def _on_list(store: Store, found: DryRun, keys: pa.Array) -> Effect:
    named = saved.named(store, found.plan.segment)
    with store.snapshot() as seen:
        before = lists.members_under(seen, store, found.plan.segment)
    came = len(set(keys.drop_null().to_pylist()) - set(before.to_pylist()))
    return Effect(named.id if named else "", named.name if named else found.plan.segment, len(before), came, 0)
