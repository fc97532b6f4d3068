"""The calls about backups: make one, fetch it, restore it, delete it; when they are made by themselves."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from user360 import backup, jobs, schedules
from user360.api import shapes
from user360.api.calls import Answer, Handed, page_of, route
from user360.api.fields import FILE, PAGE, TEXT, Field, choice, number, page, ref
from user360.errors import StoreUnavailable
from user360.schedules import Schedule

if TYPE_CHECKING:
    from user360.api.calls import Asked, CallRoute
    from user360.backup import Backup

_LONGEST_SECONDS: Final = 600
_SCHEDULE: Final = (
    Field("every", choice(*schedules.EVERY), "How often."),
    Field("time", TEXT, "The time of day, as 02:00."),
    Field("weekday", number(0, 6), "The day of the week, from 0 for Monday; for every week."),
    Field("day", number(1, schedules.LAST_DAY), "The day of the month; for every month."),
    Field("on", TEXT, "The instant; for once."),
    Field("cron", TEXT, "Five fields: minute, hour, day, month, weekday; for cron."),
    Field("zone", TEXT, "The time zone it is counted in."),
)


def routes() -> list[CallRoute]:
    """The calls, each with who may make it and what it takes."""
    backup_, schedule, conflict = ref("Backup"), ref("Schedule"), (HTTPStatus.CONFLICT,)
    return [
        route("GET", "/backups", "admin", _find, says="List backups, newest first", takes=PAGE, answers=page("Backup")),
        route(
            "POST",
            "/backups",
            "admin",
            _make,
            says="Make a backup; answers once it is verified",
            answers=backup_,
            status=HTTPStatus.CREATED,
        ),
        route("GET", "/backups/schedule", "admin", _schedule, says="When backups are made by themselves", answers=schedule),
        route(
            "PUT",
            "/backups/schedule",
            "admin",
            _reschedule,
            says="Say when backups are to be made by themselves",
            takes=_SCHEDULE,
            answers=schedule,
            refuses=(HTTPStatus.NOT_FOUND,),
        ),
        route("GET", "/backups/{id}", "admin", lambda asked: Answer(_shape(_one(asked))), says="One backup", answers=backup_),
        route("GET", "/backups/{id}/file", "admin", _file, says="The file of a backup", answers=FILE),
        route(
            "POST",
            "/backups/{id}/restore",
            "admin",
            _restore,
            says="Put a backup in the place of the database; the present is kept as a backup",
            answers=ref("Restored"),
            refuses=conflict,
        ),
        route("DELETE", "/backups/{id}", "admin", _delete, says="Delete a backup", answers=backup_, refuses=conflict),
    ]


def _find(asked: Asked) -> Answer:
    limit, offset = asked.page()
    found = backup.find(asked.store)
    return page_of([_shape(each) for each in found[offset : offset + limit]], len(found), limit=limit, offset=offset)


def _make(asked: Asked) -> Answer:
    """Answers once the backup is verified: whoever asks for one wants to know that it is there."""
    job = jobs.wait(jobs.start_backup(asked.store, by=asked.by), _LONGEST_SECONDS)
    if job.status != "done":
        raise StoreUnavailable(job.message or "The backup is still being made.", "Look at the list of backups.")
    made = next(each for each in backup.find(asked.store) if each.by == asked.by)
    return Answer(_shape(made), {"Location": f"/api/backups/{made.id}"})


def _file(asked: Asked) -> Handed:
    found = _one(asked)
    return Handed(backup.file_of(asked.store, found), f"user360-{found.id}.duckdb")


def _restore(asked: Asked) -> Answer:
    kept = jobs.restore(asked.store, _one(asked).id, by=asked.by, at=asked.at)
    return Answer({"restored": asked.place["id"], "kept": kept.id})


def _delete(asked: Asked) -> Answer:
    found = _one(asked)
    backup.delete(asked.store, found.id, by=asked.by, at=asked.at)
    return Answer(_shape(found))


def _schedule(asked: Asked) -> Answer:
    schedule, following = schedules.get(asked.store, jobs.BACKUP, "")
    return Answer(schedule.to_json() | {"sentence": schedule.sentence(), "next": shapes.instant(following)})


def _reschedule(asked: Asked) -> Answer:
    wanted = Schedule.from_json(dict(asked.given))
    with asked.store.transaction() as tx:
        schedules.keep(tx, jobs.BACKUP, "", wanted, at=asked.at)
    return _schedule(asked)


def _one(asked: Asked) -> Backup:
    return backup.get(asked.store, asked.place["id"])


def _shape(found: Backup) -> dict[str, Any]:
    return {
        "id": found.id,
        "madeAt": shapes.instant(found.made_at),
        "by": found.by,
        "reason": found.why,
        "bytes": found.bytes,
        "sha256": found.sha256,
        "version": found.version,
        "users": found.users,
        "events": found.events,
    }
