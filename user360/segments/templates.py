"""The usual segments, ready to be opened in the builder: new, active, slipping away, big spenders.

Each says what it needs of the data, and stands as a rule only where that is there: the event for an
order is the one that happens most among those that look like one. Nothing is saved here; a template
is a first draft that somebody looks at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from user360 import events, properties
from user360.segments.notation import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from user360.segments.rules import Rule
    from user360.store import Store

Condition: TypeAlias = dict[str, Any]

EVENTS: Final = "events"
ORDER: Final = "an event for an order"
CART: Final = "an event for a filled cart"
AMOUNT: Final = "an order with an amount"
_ORDER: Final = re.compile(r"\b(orders?|ordered|purchased?|bought|checkout|payment|paid)\b")
_NO_ORDER: Final = re.compile(r"cancel|refund|return|fail|abandon|start|begin|began|view|step|update|ship|deliver|declin")
_CART: Final = re.compile(r"\b(cart|basket)\b|product added")
_NO_CART: Final = re.compile(r"remov|view|abandon|empt|clear|delet")
_AMOUNTS: Final = ("amount", "total", "revenue", "value", "price", "sum", "subtotal")


@dataclass(frozen=True, slots=True)
class Template:
    """One usual segment: its name, whom it finds, what it needs, and its rule (None where the data lack what it needs)."""

    key: str
    name: str
    text: str
    needs: str
    rule: Rule | None


@dataclass(frozen=True, slots=True)
class _Found:
    """What of the data a template can build on: an event each, the amount of an order, and which properties are filled."""

    order: str = ""
    cart: str = ""
    amount: str = ""
    filled: frozenset[str] = frozenset()
    any_event: bool = False

    def has(self, need: str) -> bool:
        """Whether it is there: an event of that kind, or a value of that property."""
        known = {ORDER: self.order, CART: self.cart, AMOUNT: self.order and self.amount, EVENTS: self.any_event}
        return bool(known[need]) if need in known else need in self.filled


@dataclass(frozen=True, slots=True)
class _Draft:
    key: str
    name: str
    text: str
    needs: tuple[str, ...]
    conditions: Callable[[_Found], list[Condition]]


def find(store: Store) -> tuple[Template, ...]:
    """The usual segments as they fit the data there are; those that do not fit have no rule, and say what they need."""
    found = _look(store)
    return tuple(
        Template(
            each.key,
            each.name,
            each.text,
            _listed(each.needs),
            _rule(each.conditions(found)) if all(found.has(need) for need in each.needs) else None,
        )
        for each in _DRAFTS
    )


def _listed(needs: tuple[str, ...]) -> str:
    return " and ".join(each for each in (", ".join(needs[:-1]), *needs[-1:]) if each)


def _rule(conditions: list[Condition]) -> Rule:
    return parse({"version": 1, "match": "all", "conditions": conditions})


def _look(store: Store) -> _Found:
    catalogue = events.catalogue(store).to_pylist()
    own = [each["event"] for each in catalogue if not each["system"] and each["total"]]
    order, cart = _likely(own, _ORDER, _NO_ORDER), _likely(own, _CART, _NO_CART)
    filled = frozenset(each for each, known in properties.fill(store).items() if known)
    return _Found(order, cart, _amount(store, order) if order else "", filled, bool(own))


def _likely(names: list[str], like: re.Pattern[str], unlike: re.Pattern[str]) -> str:
    """The commonest event of that look; the names stand commonest first."""
    plain = {each: " ".join(re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", each)).lower() or each.lower() for each in names}
    return next((each for each in names if like.search(plain[each]) and not unlike.search(plain[each])), "")


def _amount(store: Store, order: str) -> str:
    """The numeric property of an order that most likely holds its amount."""
    numeric = {each.name for each in events.schema(store, order, sample=1_000) if "number" in each.types}
    exact = next((each for word in _AMOUNTS for each in sorted(numeric) if each.lower() == word), "")
    return exact or next((each for word in _AMOUNTS for each in sorted(numeric) if word in each.lower()), "")


# -- the drafts ---------------------------------------------------------------------------------


def _property(name: str, operator: str, *values: object, **more: object) -> Condition:
    return {"property": name, "operator": operator, **({"values": list(values)} if values else {}), **more}


def _did(event: str | None, *, last: int | None = None, **more: object) -> Condition:
    return {"event": event, **({"during": {"last": last, "unit": "day"}} if last else {}), **more}


def _never(event: str, *, last: int | None = None) -> Condition:
    return _did(event, last=last, times={"operator": "exactly", "values": [0]})


def _always(*conditions: Condition) -> Callable[[_Found], list[Condition]]:
    return lambda _: list(conditions)


def _top_spenders(found: _Found, days: int) -> Condition:
    measure = {"function": "sum", "property": found.amount}
    return {"rank": "top", "percent": 10, **_did(found.order, last=days), "measure": measure}


_DRAFTS: Final = (
    _Draft("new", "New", "Made in the last 30 days.", (), _always(_property("createdAt", "in_the_last", 30, "day"))),
    _Draft("active", "Active", "Did something in the last 7 days.", (EVENTS,), _always(_did(None, last=7))),
    _Draft(
        "regular",
        "Regulars",
        "Did something in at least 3 of the last 4 weeks.",
        (EVENTS,),
        _always({"event": None, "regularity": {"periods": 3, "of": 4, "unit": "week"}}),
    ),
    _Draft(
        "slipping",
        "Slipping away",
        "Was here in the last 90 days, but not in the last 30.",
        ("lastSession",),
        _always(_property("lastSession", "in_the_last", 90, "day"), _property("lastSession", "not_in_the_last", 30, "day")),
    ),
    _Draft(
        "dormant",
        "Dormant",
        "Was here once, but not in the last 90 days.",
        ("lastSession",),
        _always(_property("lastSession", "not_in_the_last", 90, "day", unknown="leave_out")),
    ),
    _Draft(
        "birthdays",
        "Birthdays this week",
        "Has a birthday today or in the next 6 days.",
        ("dob",),
        _always(_property("dob", "anniversary_in_the_next", 6)),
    ),
    _Draft(
        "big-spenders",
        "Big spenders",
        "The tenth of all users who spent most in the last 365 days, as far as they bought at all.",
        (AMOUNT,),
        lambda found: [_top_spenders(found, 365), _did(found.order, last=365)],
    ),
    _Draft(
        "bought-lately", "Bought lately", "Ordered in the last 30 days.", (ORDER,), lambda found: [_did(found.order, last=30)]
    ),
    _Draft(
        "bought-once",
        "Bought once",
        "Ordered exactly once so far.",
        (ORDER,),
        lambda found: [_did(found.order, times={"operator": "exactly", "values": [1]})],
    ),
    _Draft("never-bought", "Never bought", "Has no order so far.", (ORDER,), lambda found: [_never(found.order)]),
    _Draft(
        "lapsed-buyers",
        "Buyers who stopped",
        "Ordered before, but not in the last 180 days.",
        (ORDER,),
        lambda found: [_did(found.order), _never(found.order, last=180)],
    ),
    _Draft(
        "cart-abandoned",
        "Cart abandoned",
        "Filled a cart in the last 7 days and has not ordered in that time.",
        (CART, ORDER),
        lambda found: [_did(found.cart, last=7), _never(found.order, last=7)],
    ),
    _Draft(
        "opted-out",
        "Opted out of everything",
        "Has said no to emails, SMS and WhatsApp messages.",
        ("emailOptin", "smsOptin", "whatsAppOptin"),
        _always(*(_property(each, "is_false") for each in ("emailOptin", "smsOptin", "whatsAppOptin"))),
    ),
    _Draft(
        "opted-out-lately",
        "Said no to emails lately",
        "The answer about emails became no in the last 30 days.",
        ("emailOptin",),
        _always(
            _property("emailOptin", "is_false"),
            {"property": "emailOptin", "held": {"changed_in_the_last": 30, "unit": "day"}},
        ),
    ),
    _Draft(
        "reachable-whatsapp",
        "Can be reached on WhatsApp",
        "Has a phone number and has said yes to WhatsApp messages.",
        ("phone", "whatsAppOptin"),
        _always(_property("whatsAppOptin", "is_true"), _property("phone", "is_known")),
    ),
    _Draft(
        "unreachable",
        "Cannot be reached",
        "Has neither an email address nor a phone number.",
        (),
        _always(_property("email", "is_not_known"), _property("phone", "is_not_known")),
    ),
    _Draft("unidentified", "Unidentified", "Has no user id yet.", (), _always(_property("userId", "is_not_known"))),
)
