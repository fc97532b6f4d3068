"""The calls about insights: the table behind a chart, and the users behind one of its marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from user360 import insights, profiles
from user360.api import shapes
from user360.api.calls import Answer, page_of, route
from user360.api.fields import AS_OF, LISTED, OBJECT, Field, page, ref
from user360.errors import InvalidRequest

if TYPE_CHECKING:
    from user360.api.calls import Asked, CallRoute
    from user360.insight import Insight, Result

_QUESTION: Final = Field(
    "question",
    OBJECT,
    "The question as JSON, as the address of its page has it. A trend takes `formula` over its series A to E, such as "
    "`A / B * 100`; what it comes to has the number after that of the last series.",
)
_CELL: Final = Field("cell", OBJECT, "The columns of one row that are no measures, and their values.")


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    return [
        route("GET", "/insights", "read", _kinds, says="The kinds of questions there are", answers=page("InsightKind")),
        route(
            "POST",
            "/insights/{kind}",
            "read",
            _run,
            says="The table behind a chart",
            takes=(_QUESTION, AS_OF),
            answers=ref("Insight"),
        ),
        route(
            "POST",
            "/insights/{kind}/people",
            "read",
            _people,
            says="The users behind one number of it",
            takes=(_QUESTION, _CELL, AS_OF, *LISTED),
            answers=page("User"),
        ),
    ]


def _kinds(_asked: Asked) -> Answer:
    every = insights.every()
    items = [{"kind": each.kind, "label": each.label, "definition": each.definition} for each in every]
    return page_of(items, len(items), limit=len(items), offset=0)


def _run(asked: Asked) -> Answer:
    question, (at, _) = _question(asked), asked.as_of()
    found = insights.run(asked.store, question, at=at)
    return Answer({"kind": question.kind, "question": insights.dump(question)} | _told(found))


def _told(found: Result) -> dict[str, Any]:
    """The answer: columns with their roles, rows as objects, the places of the time axis, the query, when and how long."""
    columns = [
        {"name": each, "role": role.kind, "label": role.label, "unit": role.unit, "countsUsers": role.people}
        for each, role in found.roles.items()
    ]
    rows = [{each: shapes.value(value) for each, value in row.items()} for row in found.table.to_pylist()]
    places = [
        {"name": each.name, "from": shapes.instant(each.start), "to": shapes.instant(each.end), "finished": each.over}
        for each in found.buckets
    ]
    return {
        "columns": columns,
        "rows": rows,
        "times": places,
        "sql": list(found.sql),
        "dataTo": shapes.instant(found.instant),
        "milliseconds": round(found.milliseconds, 1),
    }


def _people(asked: Asked) -> Answer:
    question, (at, _), cell = _question(asked), asked.as_of(), asked.given.get("cell", {})
    if not isinstance(cell, dict) or any(isinstance(each, dict | list) for each in cell.values()):
        raise InvalidRequest("$.cell", "is no object of plain values.", "Give the columns of one row that are no measures.")
    limit, offset = asked.page()
    people = insights.who(asked.store, question, cell, at=at) & profiles.everyone(asked.store)
    items = shapes.users(
        asked.store,
        people,
        columns=asked.texts("columns"),
        sort=asked.texts("sort") or (),
        limit=limit,
        offset=offset,
        at=asked.at,
    )
    return page_of(items, len(people), limit=limit, offset=offset)


def _question(asked: Asked) -> Insight:
    """The question of the body, of the kind in the address."""
    kind = insights.get(asked.place["kind"]).kind
    given = asked.given.get("question", {})
    if not isinstance(given, dict):
        raise InvalidRequest("$.question", "is no object.", "Give the question as JSON.")
    if given.get("kind", kind) != kind:
        raise InvalidRequest("$.question.kind", f"is not “{kind}”, as in the address.", "Take it out.")
    return insights.parse({**given, "kind": kind})
