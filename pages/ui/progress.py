"""A job that goes on by itself, shown while it runs: what it does, how far, about how long.

The work runs in the background, so the tab may be closed; this room only watches. Without it a
click elsewhere would end an import half way. What a job does, and its report, do not live here.
"""

from __future__ import annotations

from typing import Final

EVERY: Final = "2s"
LEAVE: Final = "You can leave this page."
