"""Which column feeds which property: how the last file of this header did, then names, then what the values look like."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from user360 import datatypes, identities, properties, records, workspace
from user360.datatype import UTC_ZONE
from user360.errors import InvalidFile, InvalidProperty
from user360.imports import reading, repairing
from user360.imports.repairing import Repair
from user360.ingest import Rule
from user360.segments import lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from user360.imports.gathering import Batch
    from user360.imports.reading import Shape
    from user360.properties import Property
    from user360.store import Store

LOOKED_AT: Final = 5_000
SAMPLES: Final = 100
DISTINCT: Final = 1_000
KINDS: Final = ("users", "events", "members")
RULES: Final = {
    "overwrite": "Overwrite",
    "blanks": "Fill blanks",
    "clear": "Overwrite, empty clears",
    "newest": "Newest",
    "larger": "Keep larger",
    "smaller": "Keep smaller",
    "append": "Add to list",
}
"""When a value of a column counts beside the one a person has: rule → how it is called."""
EVENT_TYPES: Final = {"string": "Text", "number": "Number", "boolean": "True or false"}
"""What a column can hold that becomes a property of events: type → how it is called."""
NUMBER: Final = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?$"
"""Text that is a number and nothing else: an id with a zero in front is none."""
REPORTED: Final = ("import line", "import errors")
ALIKE: Final = 0.82
SYNONYMS: Final = {
    "id": "userId",
    "customerid": "userId",
    "externalid": "userId",
    "mail": "email",
    "emailaddress": "email",
    "telephone": "phone",
    "mobile": "phone",
    "phonenumber": "phone",
    "givenname": "firstName",
    "surname": "lastName",
    "familyname": "lastName",
    "birthday": "dob",
    "dateofbirth": "dob",
    "birthdate": "dob",
    "sex": "gender",
    "lang": "language",
    "locale": "language",
    "tag": "tags",
    "town": "city",
    **dict.fromkeys(("kundennummer", "kundenid", "cliente", "idcliente", "idclient"), "userId"),
    **dict.fromkeys(("vorname", "nombre", "prenom"), "firstName"),
    **dict.fromkeys(("nachname", "apellido", "apellidos", "nom"), "lastName"),
    **dict.fromkeys(("mobil", "handy", "telefon", "mobile", "telefono", "movil", "telephone", "portable"), "phone"),
    **dict.fromkeys(("geburtstag", "geburtsdatum", "fechanacimiento", "datenaissance"), "dob"),
    **dict.fromkeys(("geschlecht", "sexo", "genre"), "gender"),
    **dict.fromkeys(("stadt", "ort", "ciudad", "ville"), "city"),
    **dict.fromkeys(("land", "pais", "pays"), "country"),
    **dict.fromkeys(("sprache", "idioma", "langue"), "language"),
    **dict.fromkeys(("correo", "correoelectronico", "courriel", "email"), "email"),
}
"""What columns are often called that mean a system property; in plain small letters."""

TIME: Final = "timestamp"
"""What the column feeds that says when an event was."""
EVENT_NAMES: Final = ("event", "eventname", "name", "action", "type")
EVENT_TIMES: Final = ("timestamp", "time", "at", "date", "datetime", "occurredat", "eventtime", "createdat", "ts")
EVENT_USERS: Final = ("userid", "user", "customerid", "customer", "id")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: its name, some of its values, the type they look like, and the repair that takes, if any.

    `distinct` are the values of its first rows, each once, up to a thousand.
    """

    name: str
    samples: tuple[str, ...]
    datatype: str
    repair: Repair | None = None
    distinct: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a look at a file shows: whether it holds users or events, how it is written, and its columns."""

    kind: str
    shape: Shape
    columns: tuple[Column, ...]
    lines: int
    size: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is imported. JSON in and out.

    For users `mapping` is column → property. For events the named columns feed user, event, time,
    channel and message id; `event`, `channel` can be constants instead; `properties` are the columns
    that become properties of the event, `types` says which of these hold numbers or true and false (a key of
    `EVENT_TYPES`), `document` a column that holds them as JSON. `segment` names
    the fixed list the users are put on; it is made where there is none. For members only `user_column`
    and `segment` count. `rules` say per column when a value counts (a key of `RULES`; `newest:` with the
    property it goes by), `repairs` what is done to its values before.
    """

    kind: str = "users"
    mapping: Mapping[str, str] = field(default_factory=dict)
    mode: str = "update"
    tags: tuple[str, ...] = ()
    merge_tags: bool = True
    segment: str = ""
    delimiter: str | None = None
    encoding: str | None = None
    user_column: str = ""
    event_column: str = ""
    event: str = ""
    time_column: str = ""
    zone: str = ""
    channel_column: str = ""
    channel: str = ""
    message_column: str = ""
    properties: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    document: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)
    repairs: Mapping[str, tuple[Repair, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The plan as the objects of its JSON, without what is as it would be anyway."""
        plain = Plan()
        found = {
            each: list(value) if isinstance(value, tuple) else value
            for each in self.__slots__
            if (value := getattr(self, each)) != getattr(plain, each) or each == "kind"
        }
        if "repairs" in found:
            found["repairs"] = {each: [repair.to_json() for repair in some] for each, some in self.repairs.items() if some}
        return {each: dict(value) if each in ("mapping", "rules", "types") else value for each, value in found.items()}

    @classmethod
    def from_json(cls, source: Mapping[str, Any]) -> Plan:
        """The plan of these objects; unknown keys are refused."""
        unknown = set(source) - set(cls.__slots__)
        if unknown:
            raise InvalidFile(f"A plan has no {', '.join(sorted(unknown))}.", f"It knows {', '.join(cls.__slots__)}.")
        given: dict[str, Any] = {each: tuple(value) if isinstance(value, list) else value for each, value in source.items()}
        if "repairs" in given:
            given["repairs"] = {each: tuple(map(Repair.from_json, some)) for each, some in given["repairs"].items()}
        return cls(**given)

    def blanks(self) -> bool:
        """Whether the plan can make values unknown that are known."""
        return self.kind == "users" and (self.mode == "replace" or "clear" in self.rules.values())


def inspect(path: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Inspection:
    """Look at a file: its shape, its columns, and what the first values look like. Raises `InvalidFile`."""
    of = reading.shape(path, delimiter=delimiter, encoding=encoding)
    first = next(reading.rows(path, of, most=LOOKED_AT), None)
    columns = tuple(_column(each, first) for each in of.columns)
    lines, quoted = reading.count_lines(path), of.format == "csv" and reading.quoted(path)
    return Inspection(_kind(of.columns), of, columns, lines, path.stat().st_size, quoted)


def suggest(store: Store, inspection: Inspection, *, zone: str) -> Plan:
    """The plan that suits the file best."""
    if inspection.kind == "events":
        return _suggest_events(store, inspection, zone)
    if inspection.kind == "members":
        return _suggest_members(inspection)
    known = {each.name: each for each in properties.find(store)}
    earlier = records.mapping_of(store, header_key(inspection.shape.columns))
    mapping: dict[str, str] = {each: name for each, name in earlier.items() if name in known and each in inspection.shape.columns}
    for column in inspection.columns:
        if column.name not in mapping and not earlier:
            target = _target(column, known, set(mapping.values()))
            if target:
                mapping[column.name] = target
    if not earlier and "userId" not in mapping.values() and (found := _of_ids(store, inspection, mapping)):
        mapping = {found: "userId", **mapping}
    kept = records.treatment_of(store, header_key(inspection.shape.columns))
    rules = {each: rule for each, rule in kept.get("rules", {}).items() if each in mapping}
    repairs = {each: tuple(map(Repair.from_json, some)) for each, some in kept.get("repairs", {}).items() if each in mapping}
    return Plan(kind="users", mapping=mapping, rules=rules, repairs=repairs or certain(store, inspection, mapping))


def certain(store: Store, inspection: Inspection, mapping: Mapping[str, str]) -> dict[str, tuple[Repair, ...]]:
    """Per column the one repair that makes its values fit its property; nothing where there is a choice."""
    return {each: repairs for each, repairs in ways(store, inspection, mapping).items() if len(repairs) == 1}


def ways(store: Store, inspection: Inspection, mapping: Mapping[str, str]) -> dict[str, tuple[Repair, ...]]:
    """Per column the repairs each of which makes its values fit its property: where there are two, somebody has to say which."""
    known = {TIME: datatypes.get("datetime"), **{each.name: each.datatype for each in properties.find(store)}}
    zone = workspace.get(store).zone
    found = {
        column.name: repairing.detected(column.distinct, known[mapping[column.name]], zone)
        for column in inspection.columns
        if mapping.get(column.name) in known
    }
    return {each: repairs for each, repairs in found.items() if repairs}


def treatment(plan: Plan) -> dict[str, Any]:
    """What of a plan is kept for the next file of this header, beside where its columns go."""
    return {each: value for each, value in plan.to_json().items() if each in ("rules", "repairs")}


def rule_of(text: str) -> Rule:
    """A rule of a plan as the way in takes it; that of `clear` shows in which cells are cleared."""
    kind, _, by = text.partition(":")
    return Rule(kind, by) if kind in RULES and kind != "clear" else Rule()  # type: ignore[arg-type]  # the keys of RULES


def rules_for(datatype: str) -> tuple[str, ...]:
    """The rules that make sense for a type."""
    ordered = ("larger", "smaller") if datatype in ("number", "date", "datetime", "time") else ()
    return ("overwrite", "blanks", "clear", "newest", *ordered, *(("append",) if datatype == "list" else ()))


def header_key(columns: Sequence[str]) -> str:
    """What files of one header have in common."""
    return hashlib.sha256("\x1f".join(columns).encode()).hexdigest()


def check(store: Store, plan: Plan, columns: Sequence[str]) -> None:
    """Refuse a plan that cannot work before anything is written."""
    if plan.kind not in KINDS:
        raise InvalidFile(f"A file holds no {plan.kind}.", f"It holds {', '.join(KINDS)}.")
    if plan.segment:
        lists.check_name(store, plan.segment)
    if plan.kind == "events":
        _check_events(plan, columns)
        return
    if plan.kind == "members":
        _check_members(plan, columns)
        return
    known = {each.name: each.datatype.name for each in properties.find(store)}
    targets = list(plan.mapping.values())
    for column, target in plan.mapping.items():
        if column not in columns:
            raise InvalidFile(f"The file has no column “{column}”.", "Map the columns it has.")
        if target not in known:
            raise InvalidProperty(f"There is no property “{target}”.", "Make it first, or leave the column out.")
        if targets.count(target) > 1:
            raise InvalidFile(f"Two columns feed “{target}”.", "Leave one of them out.")
    if "userId" not in targets:
        raise InvalidFile("No column feeds userId.", "Choose the column that says who each row is about.")
    _check_rules(plan, known)


def _check_rules(plan: Plan, known: Mapping[str, str]) -> None:
    for column, text in plan.rules.items():
        kind, _, by = text.partition(":")
        target = plan.mapping.get(column)
        if target is None:
            continue
        if kind not in rules_for(known[target]):
            raise InvalidFile(
                f"“{column}” cannot be treated by “{text}”.", f"{target} knows {', '.join(rules_for(known[target]))}."
            )
        if kind == "newest" and (by not in plan.mapping.values() or known.get(by) not in ("date", "datetime")):
            raise InvalidFile(
                f"Nothing says how new the values of “{column}” are.", "Choose a date or a time another column of the file feeds."
            )


def _check_members(plan: Plan, columns: Sequence[str]) -> None:
    if plan.user_column not in columns:
        raise InvalidFile("No column says who is meant.", "Choose the column of the user ids.")
    if not plan.segment.strip():
        raise InvalidFile("No list is chosen.", "Choose the fixed list they are put on, or type the name of a new one.")


def _check_events(plan: Plan, columns: Sequence[str]) -> None:
    for column, kind in plan.types.items():
        if kind not in EVENT_TYPES:
            raise InvalidFile(f"“{column}” cannot hold {kind}.", f"It can hold {', '.join(EVENT_TYPES)}.")
    named = {} if plan.event else {"the name of the event": plan.event_column}
    wanted = {"the user": plan.user_column, "the time": plan.time_column, **named}
    for what, column in wanted.items():
        if column not in columns:
            raise InvalidFile(f"No column says {what}.", "Choose one." if not column else f"The file has no column “{column}”.")


def _column(name: str, batch: Batch | None) -> Column:
    values = [] if batch is None else [str(each) for each in batch.columns[name].to_pylist() if each not in (None, "")]
    samples = tuple(values[:SAMPLES])
    found, repair = datatypes.sniff(samples), None
    if found.name == "string":
        other = repairing.sniffed(samples, (datatypes.get("date"), datatypes.get("datetime"), datatypes.get("number")), UTC_ZONE)
        found, repair = other or (found, None)
    return Column(name, samples, found.name, repair, tuple(islice(dict.fromkeys(values), DISTINCT)))


def _kind(columns: Sequence[str]) -> str:
    plain = {_plain(each) for each in columns}
    has_time = bool(plain & {"timestamp", "occurredat", "eventtime", "ts", "time"})
    return "events" if has_time and plain & {"event", "eventname", "action"} else "users"


def _target(column: Column, known: Mapping[str, Property], taken: set[str]) -> str:
    """The property a column most likely feeds: by its name, a usual other name, a similar one, or the look of its values."""
    if column.name in REPORTED:
        return ""
    free = [each for each in known if each not in taken and each not in {"createdAt", "updatedAt"}]
    plain = _plain(column.name)
    for each in free:
        if _plain(each) == plain:
            return each
    if SYNONYMS.get(plain) in free:
        return SYNONYMS[plain]
    alike = [(SequenceMatcher(None, plain, _plain(each)).ratio(), each) for each in free]
    best = max(alike, default=(0.0, ""))
    if best[0] >= ALIKE and _suits(column, known[best[1]]):
        return best[1]
    return column.datatype if column.datatype in {"email", "phone"} and column.datatype in free else ""


def _of_ids(store: Store, inspection: Inspection, mapping: Mapping[str, str]) -> str:
    """The column that holds the ids of people who are there, most of whose values have to be: nobody is called so by chance."""
    with store.snapshot() as seen:
        for column in inspection.columns:
            keys = identities.look_up(seen, pa.array(column.distinct, pa.string()))
            if column.name not in mapping and 2 * keys.null_count < len(keys):
                return column.name
    return ""


def _suits(column: Column, target: Property) -> bool:
    return target.datatype.sniff(column.samples) > 0 or not column.samples


def _suggest_members(inspection: Inspection) -> Plan:
    names = {_plain(each): each for each in reversed(inspection.shape.columns)}
    found = next((names[each] for each in EVENT_USERS if each in names), inspection.shape.columns[0])
    return Plan(kind="members", user_column=found)


def _suggest_events(store: Store, inspection: Inspection, zone: str) -> Plan:
    names = {_plain(each): each for each in reversed(inspection.shape.columns)}

    def first(words: Sequence[str]) -> str:
        return next((names[each] for each in words if each in names), "")

    user, event, time = first(EVENT_USERS), first(EVENT_NAMES), first(EVENT_TIMES)
    channel, message, document = first(("channel",)), first(("messageid", "eventid")), first(("properties",))
    used = {user, event, time, channel, message, document}
    rest = tuple(each for each in inspection.shape.columns if each not in used)
    looks = next((each.distinct for each in inspection.columns if each.name == time), ())
    repairs = repairing.detected(looks, datatypes.get("datetime"), workspace.get(store).zone)
    return Plan(
        kind="events",
        user_column=user,
        event_column=event,
        time_column=time,
        zone=zone,
        channel_column=channel,
        message_column=message,
        document=document,
        properties=rest,
        types={each.name: kind for each in inspection.columns if each.name in rest and (kind := _event_type(each))},
        repairs={time: repairs} if len(repairs) == 1 else {},
    )


def _event_type(column: Column) -> str:
    """What all of the first values of a column are, if not text."""
    if column.distinct and all(re.match(NUMBER, each, re.ASCII) for each in column.distinct):
        return "number"
    return "boolean" if column.distinct and all(each.lower() in ("true", "false") for each in column.distinct) else ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", name).lower())
