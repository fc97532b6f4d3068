"""Writing what a meeting worked out: wave by wave, each in a few statements however many messages it holds."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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
        for source, people in self._by_source(wave, own, keys).items():
            told = (
                profiles.said(tx, [key for key in (keys.get(who, who) for who in people) if key >= 0])
                if self._is_said(people)
                else {}
            )
            incoming, times = self._incoming(wave, people, own, keys, told)
            written = profiles.write(tx, incoming, source=source, by=self.by, at=self.at)
            keys.update(zip(people, written.keys.to_pylist(), strict=True))
            profiles.note(tx, {(keys.get(who, who), each): at for (who, each), at in times.items()}, told)
        if given:
            ids, owners = [own[each].id[1] for each in given], [keys.get(each, each) for each in given]
            identities.attach(tx, pa.array(ids, pa.string()), pa.array(owners, pa.uint32()))
        identities.point(tx, self._ties([each for each in lasting if each.id[0] != USER], keys))
        self._append(tx, wave, keys)
        unions = [self._proposed(each, keys) for each in wave.unions]
        resolution.unite(tx, unions, self.known, by=self.by, at=self.at)
        identities.link(tx, self._ties([*wave.ties, *wave.links], keys))

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
        )
        return incoming, times

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
        rows = [
            {
                "kind": tie.id[0],
                "id": tie.id[1],
                "via_kind": tie.via[0] if tie.via else None,
                "via_id": tie.via[1] if tie.via else None,
                "profile_key": keys.get(tie.who, tie.who),
                "linked_at": stored(self.messages[tie.position].at),
                "source": self.messages[tie.position].source,
                "message_id": self.messages[tie.position].message_id,
            }
            for tie in ties
        ]
        return pa.Table.from_pylist(rows, _TIES)

    def _append(self, tx: Transaction, wave: Wave, keys: Mapping[int, int]) -> None:
        rows: list[dict[str, object]] = []
        silent: list[Message] = []
        for step in wave.steps:
            message = self.messages[step.position]
            unknown = self.said.unknown.get(step.position)
            name = message.event or (message.kind if unknown else None)
            if name is None:
                silent.append(message)
                continue
            said = {**message.properties, repeating.ADDED: unknown} if unknown else message.properties
            rows.append(
                {
                    "profile_key": keys.get(step.who, step.who),
                    "event": name.strip(),
                    "channel": message.channel,
                    "source": message.source,
                    "at": stored(message.at),
                    "message_id": message.message_id,
                    "properties": _json(said),
                    "context": _json(_with_ids(message)),
                }
            )
        if silent:
            said = pa.array([repeating.digest(each) for each in silent], pa.uint64())
            events.take_note(tx, pa.array([each.message_id for each in silent], pa.string()), said)
        if rows:
            appended = events.append(tx, pa.Table.from_pylist(rows, events.ROWS), novel=True)
            profiles.follow(tx, appended.newest)


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
