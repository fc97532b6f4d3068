"""The tracking API: requests of Segment-compatible clients in, messages stored, and only then an answer.

A client that is answered 200 forgets what it sent; so it is answered after the commit, and never
before. Without this room every event would need code of its own to come in, or would be lost between
two restarts. What the JSON means does not live here (`tracking`), nor what a message does (`ingest`).

`straight` is the short way to `calls`, which hear requests, `intake` lets them wait and be committed together, `taking` commits them.
"""

from user360.collect.calls import OpenToBrowsers, begin, drain, routes
from user360.collect.straight import Straight
from user360.collect.taking import get_ready

__all__ = ["OpenToBrowsers", "Straight", "begin", "drain", "get_ready", "routes"]
