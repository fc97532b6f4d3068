"""What stands in the events of the sample: their properties as JSON text, a whole column at a time.

Everything that can be said in a few ways is written once and picked from; only ids and sums are put
together row by row, by Arrow. Choices that must agree within a visit (the campaign that was sent,
opened and clicked) or for a person (the device) are worked out from the visit, not drawn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360.demo import goods
from user360.demo.crowd import APP
from user360.demo.goods import CURRENCY, PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from user360.demo.calendar import Numbers
    from user360.demo.goods import Campaign, Product
    from user360.demo.visits import Visits

_MOST_PIECES: Final = 3
_FRACTIONS: Final = pa.array([f".{each:02d}" for each in range(100)])
_CODES: Final = pa.array([each.code for each in PRODUCTS])


@dataclass(frozen=True, slots=True)
class Rows:
    """The events of one step: which visit each belongs to. `campaign` is what runs that day, `turn` the round of a talk."""

    visits: Visits
    visit: Numbers
    campaign: Campaign | None
    random: np.random.Generator
    turn: int = 0

    def of(self, column: Numbers) -> Numbers:
        """A column of the visits, for these events."""
        return column[self.visit]

    def pick(self, ways: int, salt: int) -> Numbers:
        """One of so many ways, the same for all events of a visit."""
        hashed: Numbers = self.of(self.visits.user) * 40_503 + self.visit * 977 + self.visits.day * 61 + salt * 7
        return hashed % ways

    def personal(self, ways: int, salt: int) -> Numbers:
        """One of so many ways, the same for all events of a person."""
        return (self.of(self.visits.user) * 40_503 + salt) // 7 % ways


def properties(step: str, rows: Rows) -> pa.Array:
    """The properties of all events of one step, a JSON object each."""
    kind, _, turn = step.rpartition(" ")
    return _SAID[kind](replace(rows, turn=int(turn))) if turn.isdigit() else _SAID[step](rows)


def _objects(said: Iterable[object]) -> pa.Array:
    return pa.array([json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in said], pa.string())


def _joined(*parts: str | pa.Array) -> pa.Array:
    """Texts put together row by row."""
    return pc.binary_join_element_wise(*parts, "")


def _number(values: Numbers) -> pa.Array:
    return pa.array(values).cast(pa.string())


def _money(cents: Numbers) -> pa.Array:
    return _joined(_number(cents // 100), _FRACTIONS.take(pa.array(cents % 100)))


def _pick(table: pa.Array, places: Numbers) -> pa.Array:
    return table.take(pa.array(places))


def _product(each: Product) -> dict[str, object]:
    price = each.cents / 100
    return {"productId": each.code, "product": each.name, "category": each.category, "price": price, "currency": CURRENCY}


@cache
def _looks() -> pa.Array:
    """Each product as looked at; then as an old version of the app tells of it, with the price as text."""
    new = [{**_product(each), "path": each.path} for each in PRODUCTS]
    return _objects([*new, *({**_product(each), "price": f"{each.cents / 100:.2f}"} for each in PRODUCTS)])


def _viewed(rows: Rows, basket: Numbers) -> pa.Array:
    any_product = (rows.random.random(len(rows.visit)) ** 1.7 * len(PRODUCTS)).astype(np.int64)
    product = np.where(rows.random.random(len(rows.visit)) < 0.45, rows.of(basket), any_product)
    outdated = (rows.of(rows.visits.shop) == APP) & (rows.personal(25, 3) == 0)
    return _pick(_looks(), product + outdated * len(PRODUCTS))


@cache
def _piled() -> pa.Array:
    return _objects({**_product(each), "quantity": pieces} for each in PRODUCTS for pieces in range(1, _MOST_PIECES + 1))


def _added(rows: Rows, basket: Numbers, pieces: Numbers) -> pa.Array:
    return _pick(_piled(), rows.of(basket) * _MOST_PIECES + np.clip(rows.of(pieces), 1, _MOST_PIECES) - 1)


@cache
def _devices() -> pa.Array:
    return _objects({"device": device, "referrer": referrer} for device in goods.DEVICES for referrer in goods.REFERRERS)


def _session(rows: Rows) -> pa.Array:
    referrer = rows.pick(len(goods.REFERRERS), 1)
    return _pick(_devices(), rows.personal(len(goods.DEVICES), 1) * len(goods.REFERRERS) + referrer)


@cache
def _pages() -> pa.Array:
    return _objects(
        {"path": each, "title": each.rsplit("/", 1)[-1].replace("-", " ").capitalize() or "Home"} for each in goods.PAGES
    )


@cache
def _searches() -> pa.Array:
    return _objects({"query": each, "results": 3 + place * 7 % 24} for place, each in enumerate(goods.SEARCHES))


@cache
def _letters(campaign: Campaign | None, link: bool) -> pa.Array:  # noqa: FBT001 - a cached table per answer
    """The newsletters of a day: the promotion's own most of the time, else one of the usual."""
    usual = [{"campaign": "Newsletter", "subject": each} for each in goods.NEWSLETTERS]
    own = [{"campaign": campaign.name, "subject": campaign.subject}] * 10 if campaign else []
    return _objects({**each, "link": "https://shop.example.com/new"} if link else each for each in own + usual)


def _mail(rows: Rows, *, link: bool = False) -> pa.Array:
    letters = _letters(rows.campaign, link)
    return _pick(letters, rows.pick(len(letters), 2))


@cache
def _offers(campaign: Campaign | None) -> pa.Array:
    usual = [{"campaign": "Back in stock", "template": "restock"}, {"campaign": "Your basket waits", "template": "cart reminder"}]
    return _objects([{"campaign": campaign.name, "template": "promotion", "coupon": campaign.coupon}] if campaign else usual)


def _offer(rows: Rows) -> pa.Array:
    offers = _offers(rows.campaign)
    return _pick(offers, rows.pick(len(offers), 3))


@cache
def _asked_texts() -> pa.Array:
    return _objects({"text": text, "intent": intent} for text, intent, _ in goods.ASKED)


@cache
def _answers() -> pa.Array:
    return _objects({"template": template} for _, _, template in goods.ASKED)


def _talk(table: Callable[[], pa.Array]) -> Callable[[Rows], pa.Array]:
    """What was asked in a round, or the answer that belongs to it."""
    return lambda rows: _pick(table(), rows.pick(len(goods.ASKED), 20 + 3 * rows.turn))


def _order_id(rows: Rows) -> pa.Array:
    return _joined(f'{{"orderId":"{100 + rows.visits.day}-', _number(10_000 + rows.visit), '"')


def _ordered(rows: Rows) -> pa.Array:
    visits = rows.visits
    both = rows.of(visits.did("added too") & ~visits.did("removed"))
    second = pc.if_else(pa.array(both), _joined('","', _pick(_CODES, rows.of(visits.second))), "")
    coupon = pc.if_else(pa.array(rows.of(visits.discount) > 0), f',"coupon":"{_coupon(rows)}"', "")
    payment = _pick(pa.array(goods.PAYMENTS), rows.personal(len(goods.PAYMENTS), 2))
    items = rows.of(visits.pieces) + both
    return _joined(
        *(_order_id(rows), ',"total":', _money(_total(rows)), f',"currency":"{CURRENCY}","items":', _number(items)),
        *(',"products":["', _pick(_CODES, rows.of(visits.first)), second, '"],"payment":"', payment, '"', coupon, "}"),
    )


def _total(rows: Rows) -> Numbers:
    return rows.of(rows.visits.basket) - rows.of(rows.visits.discount)


def _coupon(rows: Rows) -> str:
    return rows.campaign.coupon if rows.campaign else "WELCOME10"


def _coupon_applied(rows: Rows) -> pa.Array:
    discount = _money(rows.of(rows.visits.discount))
    return _joined(f'{{"coupon":"{_coupon(rows)}","discount":', discount, f',"currency":"{CURRENCY}"}}')


def _checkout(rows: Rows) -> pa.Array:
    value = _money(rows.of(rows.visits.basket))
    return _joined('{"value":', value, f',"currency":"{CURRENCY}","items":', _number(rows.of(rows.visits.pieces)), "}")


def _failed(rows: Rows) -> pa.Array:
    payment = _pick(pa.array(goods.PAYMENTS), rows.personal(len(goods.PAYMENTS), 2))
    return _joined('{"value":', _money(_total(rows)), f',"currency":"{CURRENCY}","payment":"', payment, '"}')


def _shipped(rows: Rows) -> pa.Array:
    carrier = _pick(pa.array(goods.CARRIERS), rows.personal(len(goods.CARRIERS), 4))
    return _joined(_order_id(rows), ',"carrier":"', carrier, '"}')


def _reviewed(rows: Rows) -> pa.Array:
    text = _pick(pa.array(goods.REVIEWS), rows.pick(len(goods.REVIEWS), 5))
    stars = _number(5 - rows.pick(11, 6) // 4)
    product = _pick(_CODES, rows.of(rows.visits.first))
    return _joined(_order_id(rows), ',"productId":"', product, '","stars":', stars, ',"text":"', text, '"}')


def _returned(rows: Rows) -> pa.Array:
    reason = _pick(pa.array(goods.RETURNS), rows.pick(len(goods.RETURNS), 7))
    return _joined(_order_id(rows), ',"reason":"', reason, '","refund":', _money(_total(rows)), f',"currency":"{CURRENCY}"}}')


def _survey(rows: Rows) -> pa.Array:
    return _joined('{"question":"Would you recommend us?","score":', _number(rows.of(rows.visits.score)), "}")


def _fixed(**said: object) -> Callable[[Rows], pa.Array]:
    table = _objects([said])
    return lambda rows: _pick(table, np.zeros(len(rows.visit), dtype=np.int64))


def _varied(table: Callable[[], pa.Array]) -> Callable[[Rows], pa.Array]:
    """Another one for each event of a visit."""
    return lambda rows: _pick(table(), rows.random.integers(0, len(table()), len(rows.visit)))


_SAID: Final[dict[str, Callable[[Rows], Any]]] = {
    "mail": _mail,
    "mailed": _mail,
    "opened": _mail,
    "clicked": lambda rows: _mail(rows, link=True),
    "unsubscribed": _mail,
    "offer": _offer,
    "offered": _offer,
    "offer read": _offer,
    "link": _fixed(url="https://shop.example.com/sale"),
    "asked": _talk(_asked_texts),
    "answer": _talk(_answers),
    "answered": _talk(_answers),
    "answer read": _talk(_answers),
    "agent": _fixed(queue="Shop assistants"),
    "session": _session,
    "signed up": _session,
    "page": _varied(_pages),
    "searched": _varied(_searches),
    "viewed": lambda rows: _viewed(rows, rows.visits.first),
    "wished": lambda rows: _viewed(rows, rows.visits.first),
    "added": lambda rows: _added(rows, rows.visits.first, rows.visits.pieces),
    "viewed too": lambda rows: _viewed(rows, rows.visits.second),
    "added too": lambda rows: _added(rows, rows.visits.second, np.ones_like(rows.visits.pieces)),
    "removed": lambda rows: _added(rows, rows.visits.second, np.ones_like(rows.visits.pieces)),
    "checkout": _checkout,
    "coupon": _coupon_applied,
    "failed": _failed,
    "ordered": _ordered,
    "receipt": _fixed(template="Order confirmation"),
    "receipt there": _fixed(template="Order confirmation"),
    "receipt read": _fixed(template="Order confirmation"),
    "shipped": _shipped,
    "delivered": _shipped,
    "reviewed": _reviewed,
    "returned": _returned,
    "survey": _survey,
}
