"""A batch of rows as the plan would have it: what goes into the one way in.

Users become columns of values under property names, events who, what, when and their properties.
Whether a value is fit does not live here (`ingest`), nor how rows are read (`reading`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from user360 import datatypes, ingest
from user360.errors import shorten
from user360.imports import repairing
from user360.imports.mapping import NUMBER, rule_of
from user360.tracking import cleaning

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from user360.datatype import DataType, Refused
    from user360.imports.gathering import Batch
    from user360.imports.mapping import Plan

_TEXT: Final = r'"[^"\\\x00-\x1f]*"'
_VALUE: Final = rf"(?:{_TEXT}|-?(?:0|[1-9][0-9]{{0,14}})(?:\.[0-9]{{1,15}})?|true|false|null)"
_ODD: Final = r'["\\\x00-\x1f]'
_NO_TEXT: Final = pa.scalar(None, pa.string())
_FLAT: Final = rf"^\{{{_TEXT}: ?{_VALUE}(?:, ?{_TEXT}: ?{_VALUE})*\}}$"


@dataclass(frozen=True, slots=True)
class Preparing:
    """What rows are prepared by: the plan, the zone of times without an offset, and the type of each property."""

    plan: Plan
    zone: ZoneInfo
    types: Mapping[str, DataType]


def prepared(of: Preparing, batch: Batch) -> ingest.Users | ingest.Events:
    """The batch as `ingest.receive` takes it."""
    return _events(of, batch) if of.plan.kind == "events" else _users(of, batch)


def mended_column(of: Preparing, batch: Batch, column: str, datatype: DataType) -> pa.Array:
    """A column of the batch as its type takes it, after its repairs."""
    return repairing.mended(fit(batch.columns[column], datatype.arrow), of.plan.repairs.get(column, ()), datatype, of.zone)


# -- users --------------------------------------------------------------------------------------


def _users(of: Preparing, batch: Batch) -> ingest.Users:
    columns: dict[str, pa.Array] = {}
    clears: dict[str, pa.Array] = {}
    rules: dict[str, ingest.Rule] = {}
    user_ids = pa.nulls(len(batch.lines), pa.string())
    for column, target in of.plan.mapping.items():
        values = mended_column(of, batch, column, of.types[target])
        if target == "userId":
            user_ids = values
            continue
        columns[target] = values
        rule = of.plan.rules.get(column, "overwrite")
        if rule == "clear":
            clears[target] = _empty(values)
        elif rule != "overwrite":
            rules[target] = rule_of(rule)
    if of.plan.tags:
        columns["tags"] = _with_tags(columns.get("tags"), of.plan.tags, len(batch.lines))
    return ingest.Users(user_ids, columns, batch.lines, clears=clears, rules=rules)


def _empty(values: pa.Array) -> pa.Array:
    """Which cells hold nothing."""
    if not pa.types.is_string(values.type):
        return pc.is_null(values)
    return pc.or_(pc.is_null(values), pc.fill_null(pc.equal(pc.utf8_trim_whitespace(values), ""), fill_value=False))


def fit(column: pa.Array, arrow: pa.DataType) -> pa.Array:
    """A column of a typed file as the property takes it: of its own type, or as text."""
    if column.type == arrow or pa.types.is_string(column.type):
        return column
    if pa.types.is_list(column.type):
        return pa.array([None if each is None else json.dumps(each) for each in column.to_pylist()], pa.string())
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ")
    return column.cast(pa.string())


def _with_tags(column: pa.Array | None, tags: tuple[str, ...], count: int) -> pa.Array:
    """The tags of each row and those every row gets."""
    if column is None:
        return pa.array([list(tags)], pa.list_(pa.string())).take(pa.array([0] * count, pa.int64()))
    own = datatypes.get("list").parse_column(column).values.to_pylist()
    return pa.array([list(dict.fromkeys([*(each or []), *tags])) for each in own], pa.list_(pa.string()))


# -- events -------------------------------------------------------------------------------------


def _events(of: Preparing, batch: Batch) -> ingest.Events:
    count, plan = len(batch.lines), of.plan
    datatype = datatypes.get("datetime")
    times = mended_column(of, batch, plan.time_column, datatype)
    parsed = datatype.parse_column(times, of.zone)
    return ingest.Events(
        _text(batch, plan.user_column),
        _constant(plan.event, count) if plan.event else _text(batch, plan.event_column),
        parsed.values,
        batch.lines,
        channels=_channels(plan, batch, count),
        message_ids=_text(batch, plan.message_column) if plan.message_column else None,
        properties=_documents(plan, batch),
        refused=tuple(_refused_time(times, batch, each) for each in parsed.refused),
    )


def _refused_time(values: pa.Array, batch: Batch, refused: Refused) -> ingest.Rejected:
    value = shorten(values[refused.position].as_py())
    return ingest.Rejected(
        batch.lines[refused.position].as_py(),
        "invalidDataType",
        "timestamp",
        value,
        f"timestamp (datetime): “{value}” {refused.reason}.",
        refused.hint,
    )


def _channels(plan: Plan, batch: Batch, count: int) -> pa.Array:
    if plan.channel or not plan.channel_column:
        return _constant(plan.channel or None, count)
    trimmed = pc.utf8_lower(pc.utf8_trim_whitespace(_text(batch, plan.channel_column)))
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def _documents(plan: Plan, batch: Batch) -> pa.Array | None:
    """The properties of each event as JSON text; what is no JSON object is kept as text under its column's name."""
    if not plan.properties and not plan.document:
        return None
    if not plan.properties:
        return _checked(plan, _text(batch, plan.document))
    cells = {each: _written_cells(batch.columns[each], plan.types.get(each, "string")) for each in plan.properties}
    if not plan.document:
        return _objects(cells)
    documents = _text(batch, plan.document).to_pylist()
    columns = {each: values.to_pylist() for each, values in cells.items()}
    found = []
    for place, document in enumerate(documents):
        whole = _object(plan, document)
        whole.update({each: json.loads(values[place]) for each, values in columns.items() if values[place] is not None})
        found.append(_written(whole))
    return pa.array(found, pa.string())


def _objects(cells: Mapping[str, pa.Array]) -> pa.Array:
    """An object of each row's cells, null where all are blank; written as `json.dumps` does."""
    pairs = [
        pc.fill_null(pc.binary_join_element_wise(f", {json.dumps(each, ensure_ascii=False)}: ", values, ""), "")
        for each, values in cells.items()
    ]
    inner = pc.utf8_slice_codeunits(pc.binary_join_element_wise(*pairs, ""), 2)
    return pc.if_else(pc.equal(inner, ""), _NO_TEXT, pc.binary_join_element_wise("{", inner, "}", ""))


def _written_cells(column: pa.Array, kind: str) -> pa.Array:
    """Each cell as JSON text, null where it is blank; a number or a truth where the column holds such, as far as it is one."""
    if not pa.types.is_string(column.type):
        return pa.array([None if each is None else _json(each) for each in column.to_pylist()], pa.string())
    found = pc.binary_join_element_wise('"', pc.if_else(pc.equal(column, ""), _NO_TEXT, column), '"', "")
    odd = pc.fill_null(pc.match_substring_regex(column, _ODD), fill_value=False)
    if odd.true_count:
        told = pa.array([_json(each) for each in column.filter(odd).to_pylist()], pa.string())
        found = pc.replace_with_mask(found, odd, told)
    bare = pc.utf8_trim_whitespace(column)
    if kind == "number":
        return pc.if_else(pc.match_substring_regex(bare, NUMBER), bare, found)
    if kind == "boolean":
        truths = datatypes.get("boolean").parse_column(column).values
        return pc.if_else(pc.is_valid(truths), pc.if_else(truths, "true", "false"), found)
    return found


def _json(value: Any) -> str:
    """A value as JSON text; half of a character becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()


def _checked(plan: Plan, documents: pa.Array) -> pa.Array:
    """The documents as they stand where they are flat JSON objects, which most are; else an object that holds each."""
    flat = pc.fill_null(pc.match_substring_regex(documents, _FLAT), fill_value=False)
    rest = pc.invert(flat)
    found = [_written(_object(plan, each)) for each in documents.filter(rest).to_pylist()]
    return pc.replace_with_mask(documents, rest, pa.array(found, pa.string()))


def _written(document: dict[str, Any]) -> str | None:
    return _json(document) if document else None


def _object(plan: Plan, document: str | None) -> dict[str, Any]:
    if not document or not document.strip():
        return {}
    try:
        found = json.loads(document, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {plan.document: document}
    if cleaning.is_deep(found):  # the database takes seconds for a document of 500 levels
        return {plan.document: document}
    return found if isinstance(found, dict) else {plan.document: found}


def _text(batch: Batch, column: str) -> pa.Array:
    return fit(batch.columns[column], pa.string())


def _constant(value: str | None, count: int) -> pa.Array:
    return pa.array([value], pa.string()).take(pa.array([0] * count, pa.int64()))
