"""When something is to be done by itself: once, hourly, daily, weekly, monthly, or as cron says, in a zone.

What is due is noted with the instant it was due at; taking it moves the schedule on to the first
instant that is still to come, so that what was missed while nothing ran is made up once and not
forty times. What is done then does not live here (`jobs`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from user360.clock import aware, stored
from user360.errors import Invalid, Unknown, shorten
from user360.sql import sql

if TYPE_CHECKING:
    from user360.store import Store, Transaction

Every: TypeAlias = Literal["never", "once", "hour", "day", "week", "month", "cron"]
EVERY: Final[tuple[Every, ...]] = get_args(Every)
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LAST_DAY: Final = 28


@dataclass(frozen=True, slots=True)
class Schedule:
    """When. `time` is hh:mm on the clocks of the zone; of an hour only its minutes count.

    `weekday` is 0 for Monday, `day` that of the month, `on` the instant of `once` (ISO, with offset), `cron` five fields.
    """

    every: Every = "day"
    time: str = "02:00"
    weekday: int = 0
    day: int = 1
    on: str = ""
    cron: str = ""
    zone: str = "UTC"

    def check(self) -> Schedule:
        """The schedule, or a refusal of what cannot be one."""
        if self.every not in EVERY:
            raise Unknown.named("schedule", self.every, EVERY)
        if self.zone not in available_timezones():
            raise Unknown.named("time zone", self.zone, available_timezones())
        if not 0 <= self.weekday < len(WEEKDAYS) or not 1 <= self.day <= LAST_DAY:
            raise Invalid("That day is none.", f"Choose a day of the week, or one from 1 to {LAST_DAY}, which every month has.")
        if self.every == "once":
            _instant(self.on)
        elif self.every != "never":
            _runs(self._fields(), datetime(2026, 1, 1, tzinfo=UTC))
        return self

    def following(self, at: datetime) -> datetime | None:
        """The first instant after `at` at which it is due; None if there is none."""
        if self.every == "never":
            return None
        if self.every == "once":
            due = _instant(self.on)
            return due if due > at else None
        return next(_runs(self._fields(), at.astimezone(ZoneInfo(self.zone)))).astimezone(UTC)

    def sentence(self) -> str:
        """When it is due, in English."""
        match self.every:
            case "never":
                return "Not by itself"
            case "once":
                return f"Once, {_instant(self.on).astimezone(ZoneInfo(self.zone)):%d %b %Y, %H:%M} ({self.zone})"
            case "hour":
                return f"Every hour, {self.time[3:]} minutes past"
            case "day":
                return f"Every day at {self.time} ({self.zone})"
            case "week":
                return f"Every {WEEKDAYS[self.weekday]} at {self.time} ({self.zone})"
            case "month":
                return f"On day {self.day} of every month at {self.time} ({self.zone})"
        told = str(CronSim(self.cron, datetime(2026, 1, 1, tzinfo=UTC)).explain())
        return f"{told} ({self.zone})"

    def to_json(self) -> dict[str, Any]:
        """The schedule as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: Any) -> Schedule:
        """The schedule a JSON object says, or a refusal."""
        if not isinstance(given, dict) or set(given) - set(cls.__dataclass_fields__):
            raise Invalid("That is no schedule.", f"It has the names {', '.join(cls.__dataclass_fields__)}.")
        for each, value in given.items():
            wanted = int if each in {"weekday", "day"} else str
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise Invalid(f"{each} of the schedule cannot be {shorten(value)}.", "Look at its type.")
        return cls(**given).check()

    def _fields(self) -> str:
        """The five fields of cron."""
        if self.every == "cron":
            return self.cron
        try:
            hour, minute = (int(part) for part in self.time.split(":"))
            datetime(2026, 1, 1, hour, minute, tzinfo=UTC)
        except ValueError:
            raise Invalid(f"“{shorten(self.time)}” is no time of day.", "Write it as 02:30.") from None
        fields = {
            "hour": f"{minute} * * * *",
            "day": f"{minute} {hour} * * *",
            "week": f"{minute} {hour} * * {(self.weekday + 1) % 7}",
            "month": f"{minute} {hour} {self.day} * *",
        }
        return fields[self.every]


@dataclass(frozen=True, slots=True)
class Due:
    """What is due: of which kind, which one of them, and since when."""

    kind: str
    subject: str
    since: datetime


def keep(tx: Transaction, kind: str, subject: str, schedule: Schedule, *, at: datetime) -> None:
    """Let something follow a schedule from now on."""
    forget(tx, kind, subject)
    due = schedule.check().following(at)
    written = json.dumps(schedule.to_json())
    row = sql("VALUES ({}, {}, {}, {}, NULL)", kind, subject, written, stored(due) if due else None)
    tx.execute(sql("INSERT INTO schedules {}", row))
    tx.touch("schedules")


def forget(tx: Transaction, kind: str, subject: str) -> None:
    """Let something follow no schedule any more."""
    tx.execute(sql("DELETE FROM schedules WHERE kind = {} AND subject = {}", kind, subject))
    tx.touch("schedules")


def get(store: Store | Transaction, kind: str, subject: str) -> tuple[Schedule, datetime | None]:
    """What something follows, and when it is due next."""
    rows = store.rows(sql("SELECT definition, next_at FROM schedules WHERE kind = {} AND subject = {}", kind, subject))
    if not rows:
        return Schedule("never"), None
    return Schedule.from_json(json.loads(rows[0][0])), aware(rows[0][1]) if rows[0][1] else None


def take_due(store: Store, *, at: datetime) -> list[Due]:
    """What is due by now, each once; every one of them is moved on to the first instant that is still to come."""
    found = store.rows(
        sql("SELECT kind, subject, definition, next_at FROM schedules WHERE next_at <= {} ORDER BY next_at", stored(at))
    )
    if not found:
        return []
    with store.transaction() as tx:
        for kind, subject, definition, _ in found:
            following = Schedule.from_json(json.loads(definition)).following(at)
            tx.execute(
                sql(
                    "UPDATE schedules SET next_at = {}, last_at = {} WHERE kind = {} AND subject = {}",
                    stored(following) if following else None,
                    stored(at),
                    kind,
                    subject,
                )
            )
        tx.touch("schedules")
    return [Due(kind, subject, aware(since)) for kind, subject, _, since in found]


def make_up(tx: Transaction, kind: str, subject: str, *, at: datetime) -> None:
    """Let something be due at once: it was under way when the program ended."""
    tx.execute(sql("UPDATE schedules SET next_at = {} WHERE kind = {} AND subject = {}", stored(at), kind, subject))
    tx.touch("schedules")


def sooner(tx: Transaction, kind: str, subject: str, due: datetime) -> bool:
    """Let something that follows a schedule be due by then already; answer whether it is due earlier than it was."""
    schedule, following = get(tx, kind, subject)
    if schedule.every == "never" or (following is not None and following <= due):
        return False
    make_up(tx, kind, subject, at=due)
    return True


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"“{shorten(text)}” is no instant.", "Write it as 2026-11-23T18:00:00+01:00.") from None
    if found.tzinfo is None:
        raise Invalid(f"“{shorten(text)}” has no offset.", "Write it as 2026-11-23T18:00:00+01:00.")
    return found.astimezone(UTC)


def _runs(fields: str, after: datetime) -> CronSim:
    try:
        found = CronSim(fields, after)
        next(CronSim(fields, after))
    except (CronSimError, StopIteration) as fault:
        reason = str(fault).lower() or "it never comes"
        raise Invalid(
            f"“{shorten(fields)}” is no cron expression: {reason}.", "Five fields: minute, hour, day, month, weekday."
        ) from None
    return found
