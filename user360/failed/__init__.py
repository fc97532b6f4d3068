"""Failed messages: what could not be taken in, kept whole with its reason; and warnings about what was taken in part.

A message that was answered with 200 is stored, known already, or stands here: nothing is lost without a
trace. The same message failing again raises its count instead of adding a row. A warning is about one
value or id that was left out or changed while the rest of its message was kept; warnings are added up per
reason, source and property, because a broken sender repeats the same one a million times. Without this
room a wrong trait would cost its event, or vanish. How a message is sent again does not live here
(`resending`), nor who decides what is fit (`ingest`).

`keeping` takes failed messages in and lets them go, `warning` does so for warnings, `reading` answers about both.
"""

from __future__ import annotations

from user360.failed.keeping import TOPIC, Failure, delete, forget, keep, settle
from user360.failed.reading import Failed, Reason, Warned, among, count, find, get, ids, of_user, reasons, sources, warnings
from user360.failed.warning import MOST_WARNINGS, OTHERS, dismiss, warn

__all__ = [
    "MOST_WARNINGS",
    "OTHERS",
    "TOPIC",
    "Failed",
    "Failure",
    "Reason",
    "Warned",
    "among",
    "count",
    "delete",
    "dismiss",
    "find",
    "forget",
    "get",
    "ids",
    "keep",
    "of_user",
    "reasons",
    "settle",
    "sources",
    "warn",
    "warnings",
]
