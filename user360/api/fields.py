"""What a call takes and answers, as values: the one table the calls are read by and described from.

A parameter stands here once, with its name, its JSON schema and what it means; a call names those it
takes. The document at `/api/openapi.json` says exactly what stands here, so it cannot describe a call
that is not there, nor leave one out. How a parameter is read does not live here (`calls`), nor what
users or segments look like (`schemas`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from user360.keys import Scope

Schema: TypeAlias = dict[str, Any]

UNDER: Final = "/api"
SENDING: Final = "/v1"
PAGE_ROWS: Final = 50
MOST_ROWS: Final = 1_000
FURTHEST: Final = 2**31

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
TEXTS: Final[Schema] = {"type": "array", "items": TEXT}
OBJECT: Final[Schema] = {"type": "object"}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}
FILE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter: its name, its JSON schema, what it means, and whether it must be given."""

    name: str
    schema: Schema
    says: str
    needed: bool = False

    def must(self) -> Field:
        """The same parameter, where it has to be given."""
        return replace(self, needed=True)


@dataclass(frozen=True, slots=True)
class Card:
    """All there is to say of one call.

    `path` is below `under`. Without a scope the call needs no key. `answers` is the schema of the answer, or the media
    type of a file it hands out. `form` calls take a form with a file. A call with a `free` schema takes an object of any
    names in its body, and its parameters in the address. `secured` are the ways its key may
    come, and `more` what there is to say beside what it does.
    """

    method: str
    path: str
    scope: Scope | None
    says: str
    takes: tuple[Field, ...] = ()
    answers: Schema | str = FILE
    status: HTTPStatus = HTTPStatus.OK
    refuses: tuple[HTTPStatus, ...] = ()
    form: bool = False
    free: Schema | None = None
    under: str = UNDER
    secured: tuple[str, ...] = ("key",)
    more: str = ""

    @property
    def has_body(self) -> bool:
        """Whether it reads a body."""
        return self.method in {"POST", "PUT", "PATCH"}

    @property
    def in_body(self) -> bool:
        """Whether its parameters come in the body; else in the address."""
        return self.has_body and self.free is None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its parameters."""
        return tuple(each.name for each in self.takes)


def number(least: int, most: int) -> Schema:
    """A whole number within bounds."""
    return {"type": "integer", "minimum": least, "maximum": most}


def choice(*words: str) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(words)}


def ref(name: str) -> Schema:
    """One of the shapes of `schemas`, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def page(name: str) -> Schema:
    """A page of a list of one of the shapes."""
    return {
        "type": "object",
        "required": ["items", "total", "cursor"],
        "properties": {
            "items": {"type": "array", "items": ref(name)},
            "total": {"type": "integer", "minimum": 0, "description": "How many there are on all pages."},
            "cursor": {"type": ["string", "null"], "description": "Leads on to the next page; null on the last."},
        },
    }


LIMIT: Final = Field("limit", number(1, MOST_ROWS) | {"default": PAGE_ROWS}, "How many at most.")
OFFSET: Final = Field("offset", number(0, FURTHEST) | {"default": 0}, "How many to pass over.")
CURSOR: Final = Field("cursor", TEXT, "The cursor of the page before, as it was answered. Stands in for the offset.")
PAGE: Final = (LIMIT, OFFSET, CURSOR)
AS_OF: Final = Field("as_of", INSTANT, "The instant that is now for this call. An earlier one asks how things stood then.")
COLUMNS: Final = Field("columns", TEXTS, "The properties to answer, and `segments`. Without it all that is known.")
PROPERTIES: Final = replace(COLUMNS, name="properties")
SORT: Final = Field(
    "sort", TEXTS, "Properties to sort by, with `-` before one for descending. Without it the newest session first."
)
DEFINITION: Final = Field("definition", ref("Definition"), "A segment definition.")
DESCRIPTION: Final = Field("description", TEXT, "What it is, in words.")
DRY_RUN: Final = Field("dry_run", FLAG | {"default": False}, "Say what would happen, and change nothing.")
LISTED: Final = (COLUMNS, SORT, *PAGE)
