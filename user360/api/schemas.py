"""The shapes of what calls answer, as JSON schemas under names. The functions that make them are in `shapes` and in the calls.

A test holds the answers of every call against these, so that the document cannot promise what is not
answered. Fields that are named here are always there; further ones may join them.
"""

from __future__ import annotations

from typing import Any, Final

from user360 import datatypes
from user360.api.fields import FLAG, INSTANT, OBJECT, TEXT, TEXTS, Schema, choice, ref
from user360.segments.rules import MATCHES

COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number"}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": schema}


def shape(says: str, *, sometimes: tuple[str, ...] = (), **fields: Schema) -> Schema:
    """An object with these fields, of which some are not always there."""
    return named(says, fields, sometimes)


def named(says: str, fields: dict[str, Schema], sometimes: tuple[str, ...] = ()) -> Schema:
    """The same, of fields whose names are no names of Python."""
    needed = [each for each in fields if each not in sometimes]
    return {"type": "object", "description": says, "required": needed, "properties": fields}


_WHEN: Final = maybe(INSTANT)
_CAUSES: Final = many(shape("One cause.", cause=TEXT, condition=TEXT, count=COUNT))
_RECEIVED: Final[dict[str, Schema]] = {
    "messageId": TEXT,
    "event": TEXT,
    "timestamp": INSTANT,
    "channel": maybe(TEXT),
    "properties": OBJECT,
}

SCHEMAS: Final[dict[str, Any]] = {
    "Fault": shape(
        "What every refusal answers: what happened, what to do, and where the fault lies, as in `$.conditions[0].values[1]`.",
        code=TEXT,
        message=TEXT,
        hint=TEXT,
        path=TEXT,
    ),
    "Health": shape(
        "Whether the database answers, and within how many seconds.",
        version=TEXT,
        database=choice("ok"),
        revision=COUNT,
        lag=NUMBER,
    ),
    "Definition": {
        "type": "object",
        "description": "What makes somebody one of a group: conditions over properties, events and other segments, "
        "of which all, any or none must hold. Groups may hold groups.",
        "required": ["match", "conditions"],
        "properties": {
            "version": {"type": "integer", "const": 1},
            "match": choice(*MATCHES),
            "conditions": many(OBJECT),
        },
        "examples": [
            {"version": 1, "match": "all", "conditions": [{"property": "country", "operator": "is", "values": ["IN", "DE"]}]}
        ],
    },
    "User": shape(
        "One person. `id` is theirs for good; `userId` is null until it is known. `properties` holds what is known, or what "
        "was asked for, null where it is unknown. `segments` are the ids of those they are in.",
        sometimes=("segments",),
        userId=maybe(TEXT),
        id=TEXT,
        identified=FLAG,
        properties=OBJECT,
        segments=TEXTS,
    ),
    "YellowUser": shape(
        "One user as yellow.ai answers: each property with its value and type.", message=TEXT, data=ref("YellowData")
    ),
    "YellowUsers": shape("Users as yellow.ai answers them.", message=TEXT, data=many(ref("YellowData")), total=COUNT),
    "YellowData": {
        "type": "object",
        "required": ["id"],
        "additionalProperties": shape("A value and its type.", sometimes=("propertyType",), value={}, propertyType=TEXT),
    },
    "Deleted": shape("Who was deleted, and how many events with them.", userId=maybe(TEXT), id=TEXT, events=COUNT),
    "Erased": shape(
        "The receipt of an erasure: how many of each thing went, and how many backups still hold them. It names nobody.",
        id=TEXT,
        at=_WHEN,
        counts=OBJECT,
        backups=COUNT,
    ),
    "Event": named(
        "One thing a person did. `system` events are written by User 360 itself.",
        _RECEIVED | {"source": maybe(TEXT), "context": OBJECT, "system": FLAG},
    ),
    "Identity": shape(
        "An id that leads to a user, of which kind, since when and by which source; null where it was there from the start.",
        kind=TEXT,
        id=TEXT,
        since=_WHEN,
        source=maybe(TEXT),
    ),
    "Change": named(
        "One property changed: from, to, when, by whom and from which source. Null is unknown.",
        {"property": TEXT, "from": {}, "to": {}, "at": INSTANT, "by": TEXT, "source": TEXT},
    ),
    "Property": shape(
        "One property. `visibility` and `order` say whether and where tables show it, `searchable` whether a search looks at it.",
        name=TEXT,
        type=choice(*(each.name for each in datatypes.every())),
        description=TEXT,
        system=FLAG,
        visibility=FLAG,
        searchable=FLAG,
        order=COUNT,
        computed=FLAG,
        calculation=maybe(OBJECT),
        computedAt=_WHEN,
        createdAt=_WHEN,
        createdBy=TEXT,
        firstSeen=_WHEN,
        lastSeen=_WHEN,
    ),
    "PropertyDetail": shape(
        "One property with what stands in it: of `total` users, `known` have a value, of `distinct` kinds.",
        name=TEXT,
        type=TEXT,
        total=COUNT,
        known=COUNT,
        distinct=COUNT,
        commonest=many(shape("A value, and how many have it.", value=TEXT, users=COUNT)),
    ),
    "EventName": shape(
        "One event with its counts. `system` events are written by User 360 itself.",
        event=TEXT,
        system=FLAG,
        users=COUNT,
        total=COUNT,
        firstAt=_WHEN,
        lastAt=_WHEN,
    ),
    "EventDetail": shape(
        "One event with its counts and the schema of its properties, read from a sample.",
        event=TEXT,
        system=FLAG,
        users=COUNT,
        total=COUNT,
        firstAt=_WHEN,
        lastAt=_WHEN,
        properties=many(
            shape(
                "One property of the event: its types, the share of the events that have it, and its commonest values.",
                name=TEXT,
                types=TEXTS,
                knownShare=NUMBER,
                commonest=many(shape("A value, and how often it stands there.", value=TEXT, total=COUNT)),
            )
        ),
    ),
    "Segment": shape(
        "A saved segment; a fixed list has no definition.",
        id=TEXT,
        name=TEXT,
        kind=choice("dynamic", "static"),
        description=TEXT,
        version=COUNT,
        definition=maybe(ref("Definition")),
        createdAt=INSTANT,
        createdBy=TEXT,
        updatedAt=INSTANT,
        updatedBy=TEXT,
        archived=FLAG,
        archivedAt=_WHEN,
    ),
    "SegmentDetail": {
        "allOf": [ref("Segment"), shape("How many are in it, and what it says in words.", count=COUNT, sentence=TEXT)],
    },
    "SegmentMade": {
        "allOf": [
            ref("Segment"),
            shape(
                "Of a fixed list, how many are in it, and the ids nobody has.",
                sometimes=("count", "unknown"),
                count=COUNT,
                unknown=TEXTS,
            ),
        ],
    },
    "SegmentVersion": shape(
        "A definition a segment had, and what it changed.",
        version=COUNT,
        definition=ref("Definition"),
        note=TEXT,
        savedAt=INSTANT,
        savedBy=TEXT,
        changes=TEXTS,
    ),
    "SegmentHistory": named(
        "The size at moments; who entered and left between two instants, and why.",
        {
            "items": many(shape("The size at a moment.", at=INSTANT, count=COUNT, total=COUNT)),
            "total": COUNT,
            "from": INSTANT,
            "to": INSTANT,
            "entered": shape("Who came.", count=COUNT, causes=_CAUSES),
            "left": shape("Who went.", count=COUNT, causes=_CAUSES),
            "stayed": shape("Who stayed.", count=COUNT),
        },
    ),
    "Preview": shape(
        "What a definition finds, and what each of its conditions does.",
        count=COUNT,
        total=COUNT,
        sentence=TEXT,
        sql=TEXT,
        sample=many(ref("User")),
        steps=many(
            shape(
                "One condition: how many it finds alone, how many are left after it, how many there were without it.",
                path=TEXT,
                alone=COUNT,
                after=COUNT,
                without=COUNT,
                unknown=COUNT,
            )
        ),
    ),
    "Explanation": shape(
        "Why one user is in or not: the tree with the truth of each condition and the value it saw, and when time alone changes that.",
        userId=maybe(TEXT),
        id=TEXT,
        at=INSTANT,
        member=FLAG,
        short=COUNT,
        missing=TEXT,
        tree=shape("A condition or a group of them.", path=TEXT, condition=TEXT, truth=TEXT, holds=FLAG),
        forecast=shape("When time alone changes it.", at=_WHEN, member=FLAG, sentence=TEXT, lookedTo=_WHEN),
    ),
    "InsightKind": shape("A question there is a chart for.", kind=TEXT, label=TEXT, definition=TEXT),
    "Insight": shape(
        "The table behind a chart: columns with their roles, rows, the places of the time axis, the queries, when and how long.",
        kind=TEXT,
        question=OBJECT,
        columns=many(OBJECT),
        rows=many(OBJECT),
        times=many(OBJECT),
        sql=TEXTS,
        dataTo=_WHEN,
        milliseconds=NUMBER,
    ),
    "Export": shape(
        "A file of users or events, and how far it is.",
        id=TEXT,
        status=TEXT,
        file=TEXT,
        format=TEXT,
        rows=COUNT,
        bytes=COUNT,
        definition={},
        message=TEXT,
        startedAt=INSTANT,
        finishedAt=_WHEN,
        by=TEXT,
    ),
    "Import": shape(
        "A file that was taken in, or tried: how many rows there were, and what became of them. Tried it has no id.",
        sometimes=("message", "startedAt", "finishedAt", "by", "losing"),
        id=maybe(TEXT),
        kind=choice("users", "events"),
        status=TEXT,
        file=TEXT,
        dryRun=FLAG,
        total=COUNT,
        new=COUNT,
        updated=COUNT,
        unchanged=COUNT,
        failed=COUNT,
        empty=COUNT,
        plan=OBJECT,
        message=TEXT,
        startedAt=INSTANT,
        finishedAt=_WHEN,
        by=TEXT,
        losing=COUNT,
    ),
    "Merge": shape(
        "Two users who became one, foreseen or done. `kept` and `absorbed` are named as calls name users; the userId of the one "
        "who was absorbed leads to the one who stays. Foreseen it has no id, and says what blanks would be filled and which values stay.",
        sometimes=("cause", "reason", "source", "messageId", "at", "by", "settledAt", "settledBy", "fills", "stays", "sentence"),
        id=maybe(TEXT),
        status=choice("done", "held", "undone", "accepted", "dismissed"),
        kept=TEXT,
        absorbed=TEXT,
        keptId=TEXT,
        absorbedId=TEXT,
        keptName=TEXT,
        absorbedName=TEXT,
        events=COUNT,
        identities=many(shape("An id that moves.", kind=TEXT, id=TEXT)),
        filled=TEXTS,
        added={"type": "object", "additionalProperties": TEXTS},
        dryRun=FLAG,
        cause=TEXT,
        reason=TEXT,
        source=TEXT,
        messageId=maybe(TEXT),
        at=INSTANT,
        by=TEXT,
        settledAt=_WHEN,
        settledBy=maybe(TEXT),
        fills={"type": "object", "additionalProperties": TEXT},
        stays={
            "type": "object",
            "additionalProperties": shape("The value that stays, and the one that is left.", stays=TEXT, left=TEXT),
        },
        sentence=TEXT,
    ),
    "Duplicate": shape(
        "Two users who may be one person, named as calls name users. `bits` is the sum of `parts`: what was expected before, and what "
        "each field adds or takes; a bit doubles the odds.",
        id=TEXT,
        users=TEXTS,
        ids=TEXTS,
        probability=NUMBER,
        bits=NUMBER,
        parts={"type": "object", "additionalProperties": NUMBER},
        status=choice("open", "dismissed"),
        decidedAt=_WHEN,
        decidedBy=TEXT,
    ),
    "DuplicateSearch": shape(
        "The newest search: how many users it compared, how many pairs it found and how many of these are kept, and how many values "
        "were too common to bring anybody together. Before the first one `at` is null.",
        running=FLAG,
        at=_WHEN,
        by=TEXT,
        users=COUNT,
        found=COUNT,
        kept=COUNT,
        tooCommon=COUNT,
    ),
    "FailedMessage": shape(
        "A message that could not be taken: why, since when, how often, and the message as it came.",
        id=TEXT,
        messageId=TEXT,
        type=TEXT,
        code=TEXT,
        message=TEXT,
        hint=TEXT,
        property=TEXT,
        value=TEXT,
        source=TEXT,
        userId=maybe(TEXT),
        raw=TEXT,
        firstAt=INSTANT,
        lastAt=INSTANT,
        times=COUNT,
    ),
    "Resent": shape(
        "What became of messages sent again: taken now, known already, failed once more.", stored=COUNT, known=COUNT, failed=COUNT
    ),
    "Backup": shape(
        "The whole database of one moment.",
        id=TEXT,
        madeAt=INSTANT,
        by=TEXT,
        reason=TEXT,
        bytes=COUNT,
        sha256=TEXT,
        version=TEXT,
        users=COUNT,
        events=COUNT,
    ),
    "Restored": shape(
        "Which backup is the database now, and as which one the database before was kept.", restored=TEXT, kept=TEXT
    ),
    "Schedule": shape("When backups are made by themselves, in words and as fields.", sentence=TEXT, next=_WHEN),
}
