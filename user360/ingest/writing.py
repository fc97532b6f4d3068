"""Writing what a meeting worked out: wave by wave, each in a few statements however many messages it holds."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import orjson
import pyarrow as pa

from user360 import enrichment, events, identities, profiles, resolution
from user360.clock import stored
from user360.identities import USER
from user360.ingest import deriving, repeating
from user360.ingest.meeting import SILENT
from user360.resolution import Proposed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from user360.ingest.meeting import Meeting, Tie, Union, Wave
    from user360.ingest.message import Message
    from user360.ingest.traits import Traits
    from user360.properties import Property
    from user360.store import Transaction
    from user360.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Writer:
    """Messages, what they say of people, and who writes it when."""

    messages: Sequence[Message]
    said: Traits
    known: Sequence[Property]
    settings: Workspace
    by: str
    at: datetime

    def write(self, tx: Transaction, met: Meeting) -> None:
        """Write the waves, hold what has to be looked at, and fill what follows from what was said."""
        keys: dict[int, int] = {}
        for wave in met.waves:
            self._write(tx, wave, [each for each in wave.ties if met.lasts(each)], keys)
        resolution.hold(tx, [self._proposed(union, keys) for union in met.held], by=self.by, at=self.at)
        deriving.fill(tx, self._telling(met, keys), self.settings, by=self.by, at=self.at)

    def _write(self, tx: Transaction, wave: Wave, lasting: Sequence[Tie], keys: dict[int, int]) -> None:
        """Write a wave and those of its ties that last; `keys` learns the keys of who is made."""
        own = {tie.who: tie for tie in wave.ties if tie.id[0] == USER}
        given = [each for each in own if each >= 0 or each in keys]
        newest = self._newest(wave)
        made: set[int] = set()
        for source, people in self._by_source(wave, own, keys).items():
            told = (
                profiles.said(tx, [key for key in (keys.get(who, who) for who in people) if key >= 0])
                if self._is_said(people)
                else {}
            )
            made |= {who for who in people if who < 0 and who not in keys}
            incoming, times = self._incoming(wave, people, own, keys, told, newest)
            written = profiles.write(tx, incoming, source=source, by=self.by, at=self.at)
            keys.update(zip(people, written.keys.to_pylist(), strict=True))
            profiles.note(tx, {(keys.get(who, who), each): at for (who, each), at in times.items()}, told)
        if given:
            ids, owners = [own[each].id[1] for each in given], [keys.get(each, each) for each in given]
            identities.attach(tx, pa.array(ids, pa.string()), pa.array(owners, pa.uint32()))
        identities.point(tx, self._ties([each for each in lasting if each.id[0] != USER], keys))
        self._append(tx, wave, keys)
        moving = {keys.get(who, who): each for who, each in newest.items() if not (self._fills and who in made)}
        profiles.follow(
            tx,
            _sessions(moving),
            source=self.messages[wave.steps[0].position].source if wave.steps else "",
            by=self.by,
            at=self.at,
        )
        unions = [self._proposed(each, keys) for each in wave.unions]
        resolution.unite(tx, unions, self.known, by=self.by, at=self.at)
        identities.link(tx, self._ties([*wave.ties, *wave.links], keys))

    @property
    def _fills(self) -> bool:
        """Whether who is made begins with the session of their newest event, for nobody is told to have another."""
        return not self.said.columns.keys() & profiles.FOLLOWING.keys()

    def _newest(self, wave: Wave) -> dict[int, _Session]:
        """Of each profile with an event in this wave the time of the newest, and the channel of the newest that has one."""
        found: dict[int, _Session] = {}
        heard: dict[int, datetime] = {}
        for step in wave.steps:
            message = self.messages[step.position]
            if self._name(step.position) is None:
                continue
            at, channel = found.get(step.who, (message.at, None))
            if message.channel is not None and message.at >= heard.get(step.who, message.at):
                heard[step.who], channel = message.at, message.channel
            found[step.who] = max(at, message.at), channel
        return found

    def _proposed(self, union: Union, keys: Mapping[int, int]) -> Proposed:
        message = self.messages[union.position]
        kept, gone = (keys.get(each, each) for each in (union.kept, union.gone))
        return Proposed(kept, gone, "alias" if union.alias else "message", message.source, message.message_id, union.reason)

    def _by_source(self, wave: Wave, own: Mapping[int, Tie], keys: Mapping[int, int]) -> dict[str, dict[int, list[int]]]:
        """The messages of each profile that is made or told something, by the source it is written by."""
        source = {step.who: self.messages[step.position].source for step in reversed(wave.steps)}
        source |= {tie.who: self.messages[tie.position].source for tie in wave.ties}
        source |= {step.who: self.messages[step.position].source for step in wave.steps if step.weight != SILENT}
        loud = {step.who for step in wave.steps if step.weight != SILENT} | own.keys()
        found: dict[str, dict[int, list[int]]] = defaultdict(dict)
        for who in [*(tie.who for tie in wave.ties), *(step.who for step in wave.steps)]:
            if who in loud or (who < 0 and who not in keys):
                found[source[who]].setdefault(who, [])
        for step in wave.steps:
            if step.who in found[source[step.who]] and step.weight != SILENT:
                found[source[step.who]][step.who].append(step.position)
        return {each: people for each, people in found.items() if people}

    def _is_said(self, people: Mapping[int, Sequence[int]]) -> bool:
        """Whether anything is said of a property of these."""
        places = [place for said in people.values() for place in said]
        return any(counts[places].any() for counts in self.said.meant.values())

    def _incoming(
        self,
        wave: Wave,
        people: Mapping[int, Sequence[int]],
        own: Mapping[int, Tie],
        keys: Mapping[int, int],
        told: Mapping[tuple[int, str], int],
        sessions: Mapping[int, _Session],
    ) -> tuple[profiles.Incoming, dict[tuple[int, str], int]]:
        """One row per profile: of each property the newest value of this wave, unless a newer one was `told` before; and when each was said."""
        who = list(people)
        known = [key if key >= 0 else keys.get(key) for key in who]
        ids = [own[key].id[1] if key in own else None for key in who]
        places = np.array([place for key in who for place in people[key]], dtype=np.int64)
        rows = np.array([row for row, key in enumerate(who) for _ in people[key]], dtype=np.int64)
        first: dict[int, int] = {}
        for place, one in sorted(
            [(tie.position, tie.who) for tie in wave.ties] + [(step.position, step.who) for step in wave.steps]
        ):
            first.setdefault(one, place)
        since = [min(stored(self.at), stored(self.messages[first[key]].at)) for key in who]
        columns, meant, times = {}, {}, {}
        moments = np.array([stored(self.messages[place].at) for place in places.tolist()], "datetime64[us]").astype(np.int64)
        in_time = np.argsort(moments, kind="stable")
        for name, cells in self.said.columns.items():
            counts = self.said.meant[name][places]
            if name == "tags" or not counts.any():
                continue
            order = in_time[counts[in_time]]
            newest, said = np.full(len(who), -1, dtype=np.int64), np.zeros(len(who), dtype=np.int64)
            newest[rows[order]], said[rows[order]] = places[order], moments[order]
            for row in np.flatnonzero(newest >= 0).tolist():
                if told.get((keys.get(who[row], who[row]), name), said[row]) > said[row]:
                    newest[row] = -1
                else:
                    times[who[row], name] = int(said[row])
            if (newest >= 0).any():
                columns[name] = cells.take(pa.array(newest, mask=newest < 0))
                meant[name] = pa.array(newest >= 0)
        if any(ids):
            columns["userId"] = pa.array(ids, pa.string())
            meant["userId"] = pa.array([text is not None for text in ids])
        incoming = profiles.Incoming(
            pa.array(known, pa.uint32()),
            pa.array(ids, pa.string()),
            columns,
            meant,
            self._tags(list(people.values())),
            unite=True,
            made_at=pa.array(since, pa.timestamp("us")),
            only_new=self._begun(who, sessions) if None in known and self._fills else {},
        )
        return incoming, times

    def _begun(self, who: Sequence[int], found: Mapping[int, _Session]) -> dict[str, pa.Array]:
        """With which session each of these begins, if they are made."""
        sessions = [found.get(each, (None, None)) for each in who]
        return {
            "lastSession": pa.array([None if at is None else stored(at) for at, _ in sessions], pa.timestamp("us")),
            "lastChannel": pa.array([channel for _, channel in sessions], pa.string()),
        }

    def _telling(self, met: Meeting, keys: Mapping[int, int]) -> pa.Array:
        """Of whom something was said that others follow from."""
        given = [self.said.meant[each] for each in deriving.TELLING if each in self.said.meant]
        steps = [step for wave in met.waves for step in wave.steps if any(each[step.position] for each in given)]
        people = {met.stays(step.who) for step in steps}
        return pa.array(sorted({keys.get(each, each) for each in people}), pa.uint32())

    def _tags(self, people: Sequence[Sequence[int]]) -> pa.Array | None:
        """The tags said of each, those of all messages united; None where nobody is said any of."""
        if "tags" not in self.said.columns:
            return None
        cells = self.said.columns["tags"]
        said = [[cells[place].as_py() for place in places] for places in people]
        united = [list(dict.fromkeys(tag for tags in each if tags for tag in tags)) or None for each in said]
        return pa.array(united, pa.list_(pa.string())) if any(united) else None

    def _ties(self, ties: Sequence[Tie], keys: Mapping[int, int]) -> pa.Table:
        """Which id was tied to whom, how and when."""
        if not ties:  # of most batches: those who are known already
            return _NO_TIES
        said = [self.messages[tie.position] for tie in ties]
        columns: list[list[object]] = [
            [tie.id[0] for tie in ties],
            [tie.id[1] for tie in ties],
            [tie.via[0] if tie.via else None for tie in ties],
            [tie.via[1] if tie.via else None for tie in ties],
            [keys.get(tie.who, tie.who) for tie in ties],
            [stored(message.at) for message in said],
            [message.source for message in said],
            [message.message_id for message in said],
        ]
        return pa.table(columns, schema=_TIES)

    def _name(self, place: int) -> str | None:
        """Under which name a message is kept as an event; None keeps none."""
        message = self.messages[place]
        return message.event or (message.kind if place in self.said.unknown else None)

    def _append(self, tx: Transaction, wave: Wave, keys: Mapping[int, int]) -> None:
        steps = [step for step in wave.steps if self._name(step.position) is not None]
        if steps:
            told = [self.messages[step.position] for step in steps]
            columns: list[list[object]] = [
                [keys.get(step.who, step.who) for step in steps],
                [(self._name(step.position) or "").strip() for step in steps],
                [message.channel for message in told],
                [message.source for message in told],
                [stored(message.at) for message in told],
                [message.message_id for message in told],
                [_json(self._properties(step.position)) for step in steps],
                [_json(_with_ids(message)) for message in told],
            ]
            events.append(tx, pa.table(columns, schema=events.ROWS), novel=True)
        if len(steps) < len(wave.steps):
            silent = [self.messages[step.position] for step in wave.steps if self._name(step.position) is None]
            said = pa.array([repeating.digest(each) for each in silent], pa.uint64())
            events.take_note(tx, pa.array([each.message_id for each in silent], pa.string()), said)

    def _properties(self, place: int) -> Mapping[str, object]:
        """What the event holds: what was said of it, and of the person as far as no property has the name."""
        unknown, said = self.said.unknown.get(place), self.messages[place].properties
        return {**said, repeating.ADDED: unknown} if unknown else said


def _sessions(newest: Mapping[int, _Session]) -> pa.Table:
    """The newest events of these profiles, as what follows from them is written."""
    columns = [[*newest], [stored(at) for at, _ in newest.values()], [channel for _, channel in newest.values()]]
    return pa.table(columns, schema=_NEWEST)


_Session: TypeAlias = "tuple[datetime, str | None]"
_NEWEST: Final = pa.schema({"profile_key": pa.uint32(), "at_time": pa.timestamp("us"), "channel": pa.string()})
_TIES: Final = pa.schema(
    {
        "kind": pa.string(),
        "id": pa.string(),
        "via_kind": pa.string(),
        "via_id": pa.string(),
        "profile_key": pa.uint32(),
        "linked_at": pa.timestamp("us"),
        "source": pa.string(),
        "message_id": pa.string(),
    }
)
_NO_TIES: Final = _TIES.empty_table()


def _with_ids(message: Message) -> Mapping[str, object]:
    """The context with the ids the message came by, so that an event can say whose it was, and what its user agent says."""
    ids = {"userId": message.user_id, "anonymousId": message.anonymous_id}
    if message.kind == "conversation":
        ids[events.SESSION] = message.anonymous_id
    return {**enrichment.in_context(message.context), **{each: value for each, value in ids.items() if value}}


def _json(document: Mapping[str, object]) -> str | None:
    if not document:
        return None
    try:
        return orjson.dumps(document).decode()
    except TypeError:  # a whole number of more digits than it knows
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
