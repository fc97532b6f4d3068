"""What people did: events, kept once each, for ever.

A message id is taken once, whenever it comes again. Names, channels and sources are numbers in the
table and words outside it. First time, last time and total of an event are read from the events
themselves, so they cannot disagree with them. Whose lastSession follows does not live here
(`profiles.follow`), nor how a message finds its profile (`ingest`).

`appending` takes events in, `content` says what came under a message id, `reading` answers about them, `clustering` keeps the table quick, `lots` cuts what that takes into what fits into memory,
`figures` keeps numbers beside their documents, `summing` what every event comes to, `wording` puts words beside numbers, `withdrawing` takes back what an import brought, `moving` gives events to another profile and back, `sending` says how sources send,
`tallying` keeps what each day comes to, cut by `walls`, `conversing` brings the messages of a bot's session together.
"""

from user360.events.appending import (
    ROWS,
    Appended,
    append,
    append_system,
    come_in_order,
    erase,
    forget_people,
    move_out,
    novel,
    take_note,
    twins,
)
from user360.events.clustering import Bucket, buckets, put_in_order, recluster, tidy, untidy
from user360.events.content import Content, contents
from user360.events.conversing import SESSION, Conversation, conversations, count_conversations
from user360.events.moving import count_of, mark_own, move, move_back, newest_of
from user360.events.past import EVENTS, FIRST_OF_OTHERS, heard, in_places, last_of, making, then
from user360.events.reading import (
    LATEST,
    EventProperty,
    catalogue,
    channels,
    count,
    daily,
    engagement,
    names,
    newest,
    numbers,
    schema,
    stream,
    stretches,
    through,
    timeline,
    totals,
)
from user360.events.sending import Pulse, pulses, senders
from user360.events.tallying import CHANNEL, EVENT, WHOLE, Tallies, forget_days, tallies, tally, worth_tallying
from user360.events.walls import ahead, local, shift
from user360.events.withdrawing import brought_by, known_otherwise, made_in, newest_left, withdraw

__all__ = [
    "CHANNEL",
    "EVENT",
    "EVENTS",
    "FIRST_OF_OTHERS",
    "LATEST",
    "ROWS",
    "SESSION",
    "WHOLE",
    "Appended",
    "Bucket",
    "Content",
    "Conversation",
    "EventProperty",
    "Pulse",
    "Tallies",
    "ahead",
    "append",
    "append_system",
    "brought_by",
    "buckets",
    "catalogue",
    "channels",
    "come_in_order",
    "contents",
    "conversations",
    "count",
    "count_conversations",
    "count_of",
    "daily",
    "engagement",
    "erase",
    "forget_days",
    "forget_people",
    "heard",
    "in_places",
    "known_otherwise",
    "last_of",
    "local",
    "made_in",
    "making",
    "mark_own",
    "move",
    "move_back",
    "move_out",
    "names",
    "newest",
    "newest_left",
    "newest_of",
    "novel",
    "numbers",
    "pulses",
    "put_in_order",
    "recluster",
    "schema",
    "senders",
    "shift",
    "stream",
    "stretches",
    "take_note",
    "tallies",
    "tally",
    "then",
    "through",
    "tidy",
    "timeline",
    "totals",
    "twins",
    "untidy",
    "withdraw",
    "worth_tallying",
]
