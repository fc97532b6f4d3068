"""A sentence read back into its rule: what `wording` writes, typed or pasted.

The grammar is the one the sentence is written by: operators are recognised by the English of their
row, names by what exists. Where reading stops, the refusal points at the word and says what could
stand there, which is also what completion offers. Notes in square brackets are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from user360 import datatypes, operators
from user360.errors import InvalidSentence
from user360.segments.checking import check, of_event
from user360.segments.rules import (
    AT_LEAST_ONCE,
    EVERYONE,
    OCCURRENCES,
    SIDES,
    During,
    EventCondition,
    EventMoment,
    EventOccasion,
    EventRegularity,
    Events,
    EventValue,
    Group,
    Held,
    Measure,
    PropertyCondition,
    Rank,
    SegmentCondition,
    Sequence,
    Times,
)
from user360.segments.scanning import QUOTED, WORD, Scanner, unescaped
from user360.segments.wording import MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.datatype import DataType
    from user360.operators import Operator
    from user360.segments.catalog import Catalog
    from user360.segments.rules import Case, Function, Match, Node, Rule, Scalar, Side

_COUNTS: Final = {"at least": "at_least", "exactly": "exactly", "at most": "at_most"}


def read(text: str, catalog: Catalog) -> Rule:
    """The rule in canonical form, or InvalidSentence at the word that cannot be read."""
    return check(_Reader(text, catalog=catalog).sentence(), catalog)


def complete(text: str, catalog: Catalog, *, most: int = 20) -> tuple[str, ...]:
    """What could stand next, or finish the word begun, at the end of this text."""
    try:
        _Reader(text, catalog=catalog).sentence()
    except InvalidSentence as stopped:
        begun = text[stopped.position :].lstrip().lower()
        fitting = [each for each in stopped.expected if each.lower().startswith(begun) and each.lower() != begun]
        return tuple(fitting[:most])
    return ()


@dataclass
class _Reader(Scanner):
    """The grammar, from the whole sentence down to one value."""

    catalog: Catalog = field(kw_only=True)

    # -- the sentence ---------------------------------------------------------------------------

    def sentence(self) -> Rule:
        if self.sees("Everyone"):
            rule = EVERYONE
        else:
            self.need("People")
            rule = self.joined(self.node)
        self.sees(".")
        self.skip()
        if self.place < len(self.text):
            self.wanted("and", "or", ".")
            raise self.stopped()
        return rule

    def joined(self, part: Callable[[], Node]) -> Group:
        """Parts with and, or with or, between them; one part alone that is a group is that group."""
        parts = [part()]
        match: Match = "all"
        for joint, kind in (("and", "all"), ("or", "any")):
            while self.sees(joint):
                match = "all" if kind == "all" else "any"
                parts.append(part())
            if len(parts) > 1:
                break
        if len(parts) == 1 and isinstance(parts[0], Group):
            return parts[0]
        return Group(match, tuple(parts))

    def bracketed(self, part: Callable[[], Node]) -> Group | None:
        for match in ("all", "any", "none"):
            if self.tried(partial(self.passes, f"{match} of")):
                self.need("(")
                parts = [part()]
                while self.sees("and" if match == "all" else "or"):
                    parts.append(part())
                self.need(")")
                return Group(match, tuple(parts))
        if self.sees("("):
            group = self.joined(part)
            self.need(")")
            return group
        return None

    def node(self) -> Node:
        group = self.bracketed(self.node)
        if group is not None:
            return group
        if self.sees("whose"):
            return self.whose()
        if self.sees("who did not do"):
            return EventCondition(self.events()[0], Times("exactly", (0,)))
        if self.sees("who did"):
            return self.did()
        if self.sees("in the segment"):
            by_name = {each.name: each.id for each in self.catalog.segments.values()}
            return SegmentCondition(by_name[self.among(by_name)])
        for side in SIDES:
            if self.sees(f"in the {side}"):
                return self.rank(side)
        raise self.stopped()

    # -- whose … --------------------------------------------------------------------------------

    def whose(self) -> Node:
        for occurrence in OCCURRENCES:
            if self.sees(occurrence):
                of, _ = self.events()
                asked = self.tried(partial(self.asked, datatypes.get("datetime")))
                if asked is None:
                    self.need("has")
                    return EventOccasion(of, occurrence, self.own_group())
                operator, given, _, leave_out = asked
                return EventMoment(of, occurrence, operator, given, leave_out)
        figure = self.tried(self.figure)
        if figure is not None and figure[1] is not None:
            operator, given, _, leave_out = self.asked(datatypes.get("number"))
            return EventValue(figure[0], figure[1], operator, given, leave_out)
        return self.property()

    def property(self) -> PropertyCondition:
        found = self.among(self.catalog.properties, quoted=False)
        if self.sees("changed in the last"):
            return PropertyCondition(found, "", held=Held("changed_in_the_last", *self.amount()))
        operator, given, case, leave_out = self.asked(self.catalog.properties[found].datatype)
        held = None
        if self.sees(", held at any time so far"):
            held = Held("ever")
        elif self.sees(", held for"):
            held = Held("for", *self.amount())
        return PropertyCondition(found, operator, given, case, leave_out, None, held)

    def figure(self) -> tuple[Events, Measure | None] | None:
        if self.sees("number of distinct"):
            return self.over("distinct")
        if self.sees("number of"):
            return self.events()[0], None
        for function, word in MEASURES.items():
            if self.sees(word):
                return self.over(function)
        return None

    def over(self, function: Function) -> tuple[Events, Measure]:
        of = self.own_name()
        self.need("over")
        return self.events()[0], Measure(function, of)

    def rank(self, side: Side) -> Rank:
        number = self.number()
        percent = number if self.sees("%") else None
        self.need("by")
        count = int(number) if percent is None else None
        if not self.sees("the"):
            return Rank(side, percent, count, self.among(self.catalog.properties, quoted=False))
        figure = self.figure()
        if figure is None:
            raise self.stopped()
        return Rank(side, percent, count, None, *figure)

    # -- events ---------------------------------------------------------------------------------

    def did(self) -> Node:
        of, times = self.events()
        if self.sees("on at least"):
            periods = int(self.number())
            self.need("of the last")
            return EventRegularity(of, periods, *self.amount())
        steps = [of]
        while self.sees(", then"):
            steps.append(self.events()[0])
        if len(steps) == 1:
            return EventCondition(of, times)
        within = self.amount() if self.sees(", all within") else None
        during = None
        if self.sees(", all"):
            during = self.during()
            if during is None:
                raise self.stopped()
        return Sequence(tuple(steps), within, during)

    def events(self) -> tuple[Events, Times]:
        event = None if self.sees("any event") else self.among(self.catalog.events)
        where = self.own_group() if self.sees("where") else None
        times = self.times()
        return Events(event, where, self.during()), times

    def times(self) -> Times:
        for words, key in _COUNTS.items():
            before = self.place
            if self.sees(words):
                count = int(self.number())
                if not (self.sees("times") or self.sees("time")):
                    self.place = before
                    break
                self.sees(", or never")
                return Times(key, (count,))
        if self.sees("between"):
            least = int(self.number())
            self.need("and")
            most = int(self.number())
            self.need("times")
            return Times("between", (least, most))
        return AT_LEAST_ONCE

    def during(self) -> During | None:
        if self.sees("in the last"):
            return During("last", self.amount())
        for word in sorted(operators.PERIODS, key=len, reverse=True):
            if self.sees(word.replace("_", " ")):
                return During("calendar", (word,))
        if self.sees("from"):
            first = self.edge()
            self.need("to")
            return During("between", (first, self.edge()))
        for kind in ("on", "after", "before"):
            found = self.tried(partial(self.edge_after, kind))
            if found is not None:
                return During(kind, (found,))
        return None

    def own_group(self) -> Group:
        """Conditions on an event's own properties."""
        found = self.bracketed(self.own)
        return found if found is not None else Group("all", (self.own_condition(),))

    def own(self) -> Node:
        found = self.bracketed(self.own)
        return found if found is not None else self.own_condition()

    def own_condition(self) -> PropertyCondition:
        of = self.tried(self.named_property) or self.own_name()
        if self.sees("as"):
            kind = self.among(datatypes.names(), quoted=False)
            return self.own_asked(of, datatypes.get(kind), kind)
        kinds = ("string", "number", "boolean", "datetime", "list", "time", "date", "email", "phone", "url")
        for kind in kinds:
            found = self.tried(partial(self.guessed, of, kind))
            if found is not None:
                return found
        raise self.stopped()

    def guessed(self, of: str, kind: str) -> PropertyCondition | None:
        """The condition read as that type, if that type is what it would be taken for."""
        said = self.own_asked(of, datatypes.get(kind), None)
        taken = of_event(said, self.catalog)
        return taken if (taken.type or "string") == kind else None

    def own_asked(self, of: str, datatype: DataType, kind: str | None) -> PropertyCondition:
        operator, given, case, leave_out = self.asked(datatype)
        return PropertyCondition(of, operator, given, case, leave_out, kind)

    def named_property(self) -> str | None:
        quoted = self.pattern(QUOTED, "“") if self.sees("property") else None
        return unescaped(quoted[1]) if quoted else None

    def own_name(self) -> str:
        quoted = self.pattern(QUOTED, "“")
        if quoted:
            return unescaped(quoted[1])
        plain = self.pattern(WORD, "a property of the event")
        if not plain:
            raise self.stopped()
        return plain[0]

    # -- operators and values -------------------------------------------------------------------

    def asked(self, datatype: DataType) -> tuple[str, tuple[Scalar, ...], Case | None, bool]:
        """Operator, values, case, and whether unknown values are left out."""
        by_length = sorted(operators.of(datatype), key=lambda each: len(each.english), reverse=True)
        for operator in by_length:
            given = self.tried(partial(self.operated, operator, datatype))
            if given is not None:
                case: Case | None = (
                    "exact" if self.sees(", in exactly this case") else "ignored" if self.sees(", in any case") else None
                )
                return operator.key, given, case, self.sees(", unknown left out")
        raise self.stopped()

    def operated(self, operator: Operator, datatype: DataType) -> tuple[Scalar, ...] | None:
        before, _, after = operator.english.partition("{}")
        if not self.sees(before.strip()):
            return None
        given = self.operands(operator, datatype)
        return given if not after.strip() or self.sees(after.strip()) else None

    def operands(self, operator: Operator, datatype: DataType) -> tuple[Scalar, ...]:
        match operator.operand:
            case "none":
                return ()
            case "window":
                return self.amount()
            case "period":
                for word in sorted(operators.PERIODS, key=len, reverse=True):
                    if self.sees(word.replace("_", " ")):
                        return (word,)
                raise self.stopped()
            case "two":
                first = self.value(datatype)
                self.need("and")
                return first, self.value(datatype)
            case "count":
                return (self.number(),)
        found: list[Scalar] = [self.value(datatype)]
        while operator.operand == "many":
            more = self.tried(partial(self.further, datatype))
            if more is None:
                break
            found += more
        return tuple(found)

    def further(self, datatype: DataType) -> tuple[Scalar] | None:
        """One more value of a list."""
        if self.sees(",") or self.sees("or") or self.sees("and"):
            return (self.value(datatype),)
        return None

    def value(self, datatype: DataType) -> Scalar:
        if datatype.name == "number":
            return self.number()
        found = self.pattern(QUOTED, "“")
        if not found:
            raise self.stopped()
        return unescaped(found[1])
