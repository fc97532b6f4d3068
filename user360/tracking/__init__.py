"""The tracking API's JSON, read as messages: what Segment-compatible clients send, whatever is wrong with it.

One bad value never costs its message, one bad message never costs its neighbours. Without this room a
request and a failed message that is sent again would be read by different rules. How a request comes in
does not live here (`collect`), nor what a message means (`ingest`).

`bodies` reads the bytes of a request, `cleaning` leaves out what cannot be kept, `times` corrects for the
sender's clock, `channels` says which channel it came by, `messages` puts a message together.
"""

from user360.tracking.bodies import MOST_BYTES, Body, too_large
from user360.tracking.bodies import read as read_body
from user360.tracking.messages import KINDS, MOST_MESSAGE_BYTES, Request, again
from user360.tracking.messages import read as read_message

__all__ = ["KINDS", "MOST_BYTES", "MOST_MESSAGE_BYTES", "Body", "Request", "again", "read_body", "read_message", "too_large"]
