"""Who is in a compiled rule: its leaves asked, kept, and put together as bitmaps within all living profiles.

A leaf's people are kept as long as nothing changed that they follow from, so that editing one
condition asks one leaf again. What a leaf asks does not live here (`compiler`).
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from user360 import profiles
from user360.people import NOBODY
from user360.segments import compiler
from user360.segments.catalog import load_catalog
from user360.segments.frames import Frame
from user360.segments.tree import EVENTS, Both, Either, Leaf, Others, leaves
from user360.sql import NOTHING, Sql, joined, sql

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from user360.people import People
    from user360.segments.rules import Node, Rule
    from user360.segments.tree import Compiled
    from user360.store import Store

KEPT_BYTES: Final = 128 * 2**20
LEAST_KEPT: Final = 64
AT_ONCE: Final = 4  # each may hold a group for each person in memory
EVERYONE: Final = Leaf(Sql("SELECT profile_key FROM profiles"))


def holding(store: Store, rule: Rule, *, at: datetime, past: bool = False) -> People:
    """Who the rule holds for at that instant; `past` asks how things stood then, not what they are now."""
    catalog = load_catalog(store)
    return people(store, compiler.compile(rule, catalog, at=at, past=past), within=everyone(Frame(catalog, at, past=past)))


def count(store: Store, rule: Rule, *, at: datetime, past: bool = False) -> int:
    """How many the rule holds for at that instant: as many as `holding` names, for who does not want to know who they are."""
    catalog = load_catalog(store)
    return how_many(store, compiler.compile(rule, catalog, at=at, past=past), within=everyone(Frame(catalog, at, past=past)))


def living(store: Store, *, at: datetime, past: bool = False) -> People:
    """All living profiles; with `past` all who were living at that instant."""
    return kept(store, everyone(Frame(load_catalog(store), at, past=past)))


def of_node(store: Store, node: Node, frame: Frame) -> People:
    """Who one node of a checked rule holds for, in a frame of everybody."""
    return of_nodes(store, [node], frame)[0]


def of_nodes(store: Store, nodes: Iterable[Node], frame: Frame) -> list[People]:
    """Who each of these nodes of checked rules holds for, in a frame of everybody."""
    trees = [fused(compiler.compiled(each, frame)) for each in nodes]
    ask(store, (leaf for each in trees for leaf in leaves(each)))
    return [combined(store, each, everyone(frame)) for each in trees]


def people(store: Store, compiled: Compiled, *, whole: bool = True, within: Leaf = EVERYONE) -> People:
    """Who is in the tree, among all of `within`.

    Conditions on properties are asked in one reading of the profiles, which measured five times as
    fast as a bitmap each; `whole=False` asks each leaf alone, for who wants to know about each.
    """
    tree = fused(compiled) if whole else compiled
    return combined(store, tree, within)


def how_many(store: Store, compiled: Compiled, *, within: Leaf = EVERYONE) -> int:
    """How many are in the tree. What names each of them once and is not kept is counted where it lies: to hand them over took half as long again."""
    tree = fused(compiled)
    if isinstance(tree, Leaf) and tree.once and not tree.gone and within is EVERYONE and _found(store, tree) is None:
        ((found,),) = store.rows(sql("SELECT count(*) FROM ({})", tree.sql))
        return int(found)
    return len(combined(store, tree, within))


def fused(compiled: Compiled) -> Compiled:
    """The same people by fewer queries: all that asks the wide table of profiles becomes one condition."""
    where = _where(compiled)
    if where:
        return Leaf(sql("SELECT profile_key FROM profiles WHERE {}", where), where, once=True)
    match compiled:
        case Both(parts) | Either(parts):
            wide = tuple(each for each in parts if _where(each))
            rest = tuple(fused(each) for each in parts if not _where(each))
            return type(compiled)((*([fused(type(compiled)(wide))] if wide else []), *rest))
        case Others(part):
            return Others(fused(part))
    return compiled


def combined(store: Store, compiled: Compiled, within: Leaf) -> People:
    """The tree put together from its leaves, among all of `within`, who are asked for only where the tree needs them."""
    ask(store, leaves(compiled))
    return _put_together(store, compiled, within)


def ask(store: Store, wanted: Iterable[Leaf]) -> None:
    """Have all of these leaves kept, a few of them asked in one question at a time."""
    missing = [each for each in dict.fromkeys(wanted) if each != EVERYONE and _found(store, each) is None]
    for start in range(0, len(missing) if len(missing) > 1 else 0, AT_ONCE):
        part = missing[start : start + AT_ONCE]
        keys = [_key(store, each) for each in part]
        for key, found in zip(keys, store.groups([each.sql for each in part]), strict=True):
            _keep(store, key, found)


def _put_together(store: Store, compiled: Compiled, within: Leaf) -> People:
    match compiled:
        case Leaf():
            found = kept(store, compiled)
            return found if within is EVERYONE and not compiled.gone else found & kept(store, within)
        case Both(parts):
            taken: list[Compiled] = [each for each in parts if not isinstance(each, Others)]
            found = _put_together(store, taken[0], within) if taken else kept(store, within)
            for one in taken[1:]:
                found &= _put_together(store, one, within)
            for left_out in parts:
                if isinstance(left_out, Others):
                    found -= _put_together(store, left_out.part, within)
            return found
        case Either(parts):
            found = NOBODY
            for part in parts:
                found |= _put_together(store, part, within)
            return found
        case Others(part):
            return kept(store, within) - _put_together(store, part, within)


def everyone(frame: Frame) -> Leaf:
    """Who a frame of everybody is asked of."""
    return Leaf(frame.everyone(), topics=EVENTS) if frame.past else EVERYONE


def _where(compiled: Compiled) -> Sql:
    """The condition that says the same, or nothing where not all of it asks the wide table.

    An unknown value makes a comparison NULL, which all, any and WHERE take for false; only a
    negation has to say so, and a plain comparison lets the database skip what cannot match.
    """
    match compiled:
        case Leaf(_, where):
            return where
        case Others(part):
            inner = _where(part)
            return sql("({}) IS NOT TRUE", inner) if inner else NOTHING
        case Both(parts) | Either(parts):
            inner_parts = [_where(each) for each in parts]
            if not parts or not all(inner_parts):
                return NOTHING
            return sql("({})", joined(" AND " if isinstance(compiled, Both) else " OR ", inner_parts))


# -- kept leaves --------------------------------------------------------------------------------

_shelves: WeakKeyDictionary[Store, OrderedDict[tuple[int, Sql], People]] = WeakKeyDictionary()
_guard = Lock()


def forget_leaves() -> None:
    """Let every kept answer go, so that the next question is asked anew; for who measures."""
    with _guard:
        _shelves.clear()


def kept(store: Store, leaf: Leaf) -> People:
    """The leaf's people, asked once as long as nothing changed that they follow from."""
    found = _found(store, leaf)
    if found is None:
        key = _key(store, leaf)
        once = leaf.once and not leaf.where  # the wide table's often are many, who are handed over sooner as a bitmap
        found = profiles.everyone(store) if leaf == EVERYONE else store.people(leaf.sql, once=once)
        _keep(store, key, found)
    return found


def _key(store: Store, leaf: Leaf) -> tuple[int, Sql]:
    return store.revision(*leaf.topics), leaf.sql


def _found(store: Store, leaf: Leaf) -> People | None:
    key = _key(store, leaf)
    with _guard:
        shelf = _shelves.setdefault(store, OrderedDict())
        if key in shelf:
            shelf.move_to_end(key)
        return shelf.get(key)


def _keep(store: Store, key: tuple[int, Sql], found: People) -> None:
    with _guard:
        shelf = _shelves.setdefault(store, OrderedDict())
        shelf[key] = found
        while len(shelf) > max(LEAST_KEPT, KEPT_BYTES // max(found.bits.size, 1)):
            shelf.popitem(last=False)
