"""Repairs of a column: values its type refuses, made into what they most likely mean, if the analyst says so.

A repair is part of the plan: it is shown, counted and taken out again like every other choice, and
nothing is guessed in silence. What is offered for a value is found by trying: a repair after which
the type takes it. What a type takes does not live here (`datatypes`).
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import phonenumbers
import pyarrow as pa

from user360.datatypes.boolean import LIKE_FALSE, LIKE_TRUE
from user360.errors import InvalidFile, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from user360.datatype import DataType, Zone

Kind: TypeAlias = Literal["map", "decimal", "dates", "serial", "country", "empty"]
Mend: TypeAlias = "Callable[[str], str | None]"
ORDERS: Final = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}
_DAY: Final = re.compile(r"(\d{1,4})([./\- ])(\d{1,2})\2(\d{1,4})(?:[ T,]+(\d{1,2}:\d{2}(?::\d{2})?))?", re.ASCII)
_SERIAL: Final = re.compile(r"\d{4,5}", re.ASCII)
_EPOCH: Final = date(1899, 12, 30)
_MARKS: Final = {
    ",": re.compile(r"[+-]?\d{1,3}(?:[. \u00a0']\d{3})*(?:,\d+)?|[+-]?\d+(?:,\d+)?", re.ASCII),
    ".": re.compile(r"[+-]?\d{1,3}(?:[, \u00a0']\d{3})*(?:\.\d+)?|[+-]?\d+(?:\.\d+)?", re.ASCII),
}
_LEAST_SHARE: Final = 0.9
TRIED: Final = 50
"""So many of the commonest refused values are looked at for what would mend them."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One repair of a column. Of `map`: `value` becomes `to`; else `value` is the decimal mark, the order of a date, a country.

    `serial` takes a spreadsheet's number of a day for the day, `empty` leaves out what the type still refuses.
    """

    kind: Kind
    value: str = ""
    to: str = ""

    def to_json(self) -> dict[str, str]:
        """The repair as the objects of its JSON."""
        return {each: text for each, text in asdict(self).items() if text}

    @classmethod
    def from_json(cls, source: Mapping[str, Any]) -> Repair:
        """The repair of these objects; one that does not exist is refused."""
        kind = source.get("kind")
        known = {"decimal": set(_MARKS), "dates": set(ORDERS), "country": set(phonenumbers.SUPPORTED_REGIONS)}
        allowed = known.get(str(kind))
        if (
            kind not in get_args(Kind)
            or set(source) - {"kind", "value", "to"}
            or (allowed and source.get("value") not in allowed)
        ):
            raise InvalidFile(f"There is no repair {dict(source)}.", f"There are {', '.join(get_args(Kind))}.")
        return cls(**source)


def mended(column: pa.Array, repairs: Sequence[Repair], datatype: DataType, zone: Zone) -> pa.Array:
    """The column after its repairs, in their order; each distinct value is mended once."""
    if not repairs or not pa.types.is_string(column.type):
        return column
    coded = column.dictionary_encode()
    values = coded.dictionary
    for repair in repairs:
        values = _mended(values, repair, datatype, zone)
    return values.take(coded.indices)


@dataclass(frozen=True, slots=True)
class Offer:
    """A repair, and what it would make of the value it is offered for: as the type writes it, '' where it is left out."""

    repair: Repair
    became: str


def offers(values: Sequence[str], datatype: DataType, zone: Zone, *, country: str = "") -> tuple[str, tuple[Offer, ...]]:
    """What could be done about values the type refuses, and the one of them it is told by: the first that can be mended at all.

    A repair stands before one that mends fewer of them; leaving them out stands last.
    """
    some = list(values[:TRIED])
    candidates = dict.fromkeys(each for value in some for each in _candidates(value, datatype, country))
    became = {each: [_tried(each, value, datatype, zone) for value in some] for each in candidates}
    place = next((nth for nth in range(len(some)) if any(told[nth] is not None for told in became.values())), 0)
    ranked = sorted(candidates, key=lambda each: sum(text is None for text in became[each]))
    found: dict[str, Offer] = {}
    for each in ranked:
        text = became[each][place]
        if text is not None:
            found.setdefault(text, Offer(each, text))
    return some[place], (*found.values(), Offer(Repair("empty"), ""))


def detected(values: Iterable[str], datatype: DataType, zone: Zone) -> tuple[Repair, ...]:
    """The repairs each of which makes all values fit that can be made to: more than one where it has to be asked which.

    A value that fits no way, the 31st of February say, has no say.
    """
    general = {"number": ("decimal",), "date": ("dates",), "datetime": ("dates",)}.get(datatype.name, ())
    refused = [each for each in dict.fromkeys(values) if general and not _takes(datatype, each, zone)]
    candidates = [each for each in _candidates("", datatype, "") if each.kind in general]
    fits = {each: {one for one in refused if _takes(datatype, _mend(each, datatype)(one) or one, zone)} for each in candidates}
    mendable = set().union(*fits.values())
    return tuple(each for each in candidates if mendable and fits[each] == mendable)


def example(values: Iterable[str], repair: Repair, datatype: DataType, zone: Zone) -> tuple[str, str]:
    """The first of the values the type refuses, and what it becomes by this repair; both '' where there is none."""
    for each in values:
        if not _takes(datatype, each, zone):
            return each, _tried(repair, each, datatype, zone) or ""
    return "", ""


def sniffed(values: Sequence[str], types: Iterable[DataType], zone: Zone) -> tuple[DataType, Repair] | None:
    """A type other than text that nearly all values would be of after one repair; None where there is none."""
    may_miss = len(values) - math.ceil(_LEAST_SHARE * len(values))
    for datatype in types if values else ():
        takes = functools.cache(functools.partial(_takes, datatype, zone=zone))
        for repair in _candidates("", datatype, ""):
            if repair.kind in ("decimal", "dates"):
                mend = _mend(repair, datatype)
                misses = (each for each in values if not takes(each) and not takes(mend(each) or each))
                if sum(1 for _ in itertools.islice(misses, may_miss + 1)) <= may_miss:  # looked at no further than it takes
                    return datatype, repair
    return None


def commonest_country(numbers: Iterable[str]) -> str:
    """The country most of these numbers are of, as two letters; '' where none can be read."""
    counted: dict[str, int] = {}
    for each in numbers:
        try:
            region = phonenumbers.region_code_for_number(phonenumbers.parse(each, None))
        except phonenumbers.NumberParseException:
            continue
        if region:
            counted[region] = counted.get(region, 0) + 1
    return max(counted, key=lambda each: counted[each], default="")


def calling_code(country: str) -> int:
    """The code numbers of a country begin with; 0 where there is none."""
    return int(phonenumbers.country_code_for_region(country))


def _candidates(value: str, datatype: DataType, country: str) -> list[Repair]:
    word = value.strip().lower()
    match datatype.name:
        case "number":
            return [Repair("decimal", each) for each in _MARKS]
        case "date" | "datetime":
            return [*(Repair("dates", each) for each in ORDERS), Repair("serial")]
        case "phone":
            return [Repair("country", country)] if country else []
        case "boolean":
            turned = [("true", LIKE_TRUE), ("false", LIKE_FALSE)]
            return [Repair("map", value.strip(), text) for text, words in turned if word in words]
    return []


def _mended(values: pa.Array, repair: Repair, datatype: DataType, zone: Zone) -> pa.Array:
    if repair.kind == "map":
        return pa.array(
            [repair.to if each and each.strip() == repair.value else each for each in values.to_pylist()], pa.string()
        )
    mend = _mend(repair, datatype)
    if repair.kind == "decimal":
        return pa.array([None if each is None else mend(each) for each in values.to_pylist()], pa.string())
    places = [each.position for each in datatype.parse_column(values, zone).refused]
    texts = values.to_pylist()
    became = [mend(texts[place]) for place in places]
    still = {each.position for each in datatype.parse_column(pa.array(became, pa.string()), zone).refused}
    for number, place in enumerate(places):
        if number not in still:  # what stays refused is told as it stands in the file
            texts[place] = became[number]
    return pa.array(texts, pa.string())


def _mend(repair: Repair, datatype: DataType) -> Mend:
    """What one repair makes of a value; the value itself where it is not for it."""
    midnight = " 00:00" if datatype.name == "datetime" else ""
    match repair.kind:
        case "decimal":
            return lambda text: _decimal(text, repair.value) or text
        case "dates":
            return lambda text: _day(text, repair.value, midnight) or text
        case "serial":
            return lambda text: _of_serial(text) or text
        case "country":
            return lambda text: _international(text, repair.value) or text
    return lambda _: None


def _tried(repair: Repair, value: str, datatype: DataType, zone: Zone) -> str | None:
    """What the value would be, as the type writes it; None where the type still refuses it."""
    became = _mended(pa.array([value]), repair, datatype, zone)[0].as_py()
    try:
        found = datatype.parse(became, zone)
    except InvalidValue:
        return None
    return None if found is None else datatype.format(found, zone)


def _takes(datatype: DataType, value: str, zone: Zone) -> bool:
    try:
        datatype.parse(value, zone)
    except InvalidValue:
        return False
    return True


def _decimal(text: str, mark: str) -> str:
    bare = text.strip()
    if not _MARKS[mark].fullmatch(bare):
        return ""
    return re.sub(r"[^0-9+\-.]", "", bare.replace(".", "").replace(",", ".") if mark == "," else bare)


def _day(text: str, order: str, midnight: str) -> str:
    found = _DAY.fullmatch(text.strip())
    if not found:
        return ""
    parts = dict(zip(order, (found[1], found[3], found[4]), strict=True))
    if len(parts["y"]) != 4 or max(len(parts["m"]), len(parts["d"])) > 2:  # noqa: PLR2004 - digits of a year, of a month
        return ""
    day = f"{parts['y']}-{parts['m']:0>2}-{parts['d']:0>2}"
    clock = found[5] and (found[5] if found[5].index(":") > 1 else f"0{found[5]}")
    return f"{day} {clock}" if clock else f"{day}{midnight}"


def _of_serial(text: str) -> str:
    return (_EPOCH + timedelta(days=int(text.strip()))).isoformat() if _SERIAL.fullmatch(text.strip()) else ""


def _international(text: str, country: str) -> str:
    if text.strip().startswith(("+", "00")):
        return ""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_valid_number(number) else ""
