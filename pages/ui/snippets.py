"""What a developer pastes to send a first message: five libraries and curl, with the address and the key.

The libraries are those of Segment, RudderStack and Jitsu, unchanged. Without this room everybody would look up
anew what each of them calls the address. What the calls mean does not live here (`user360/tracking`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

PLACEHOLDER: Final = "YOUR_WRITE_KEY"
OTHERWISE: Final = "http://localhost:8501"


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way to send: what it is called, what to install, the language of the code, the code."""

    label: str
    install: str
    language: str
    code: str


def origin(address: str | None) -> str:
    """The scheme and host of a page's address; the usual one where there is none."""
    parts = urlsplit(address or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} and parts.netloc else OTHERWISE


def every(host: str, key: str = "") -> tuple[Snippet, ...]:
    """The snippets for an address and a write key; without one a word stands in its place."""
    at, secret = json.dumps(host), json.dumps(key or PLACEHOLDER)
    pair = json.dumps(f"{key or PLACEHOLDER}:user360")  # Jitsu's library insists on two parts; only the first counts here
    return (
        Snippet("Segment · Python", "pip install segment-analytics-python", "python", _SEGMENT_PYTHON % (secret, at)),
        Snippet("Segment · Node", "npm install @segment/analytics-node", "javascript", _SEGMENT_NODE % (secret, at)),
        Snippet("RudderStack · Python", "pip install rudder-sdk-python", "python", _RUDDER_PYTHON % (secret, at)),
        Snippet("RudderStack · Node", "npm install @rudderstack/rudder-sdk-node", "javascript", _RUDDER_NODE % (secret, at)),
        Snippet("Jitsu", "npm install @jitsu/js", "javascript", _JITSU % (at, pair)),
        Snippet("curl", "", "bash", _CURL % (key or PLACEHOLDER, host)),
    )


_SEGMENT_PYTHON: Final = """\
from segment import analytics

analytics.write_key = %s
analytics.host = %s
analytics.identify("user-1", {"email": "asha@example.org", "firstName": "Asha"})
analytics.track("user-1", "Order placed", {"total": 42.5})
analytics.flush()
"""
_SEGMENT_NODE: Final = """\
const { Analytics } = require("@segment/analytics-node");

const analytics = new Analytics({ writeKey: %s, host: %s });
analytics.identify({ userId: "user-1", traits: { email: "asha@example.org", firstName: "Asha" } });
analytics.track({ userId: "user-1", event: "Order placed", properties: { total: 42.5 } });
analytics.closeAndFlush();
"""
_RUDDER_PYTHON: Final = """\
from rudderstack import analytics

analytics.write_key = %s
analytics.dataPlaneUrl = %s
analytics.identify("user-1", {"email": "asha@example.org", "firstName": "Asha"})
analytics.track("user-1", "Order placed", {"total": 42.5})
analytics.flush()
"""
_RUDDER_NODE: Final = """\
const RudderAnalytics = require("@rudderstack/rudder-sdk-node");

const analytics = new RudderAnalytics(%s, { dataPlaneUrl: %s });
analytics.identify({ userId: "user-1", traits: { email: "asha@example.org", firstName: "Asha" } });
analytics.track({ userId: "user-1", event: "Order placed", properties: { total: 42.5 } });
analytics.flush();
"""
_JITSU: Final = """\
const { jitsuAnalytics } = require("@jitsu/js");

const analytics = jitsuAnalytics({ host: %s, writeKey: %s, s2s: true, fetch });
analytics.identify("user-1", { email: "asha@example.org", firstName: "Asha" });
analytics.track("Order placed", { total: 42.5 });
"""
_CURL: Final = """\
curl -u '%s:' -H 'Content-Type: application/json' %s/v1/track \\
  -d '{"userId": "user-1", "event": "Order placed", "properties": {"total": 42.5}}'
"""
