"""Enrichment: what an address on the net, a phone number and a user agent say about who and where somebody is.

Pure functions over columns, worked out once per distinct value. What they answer only ever fills blanks, and
whoever writes it says from what it was derived (`DERIVED`). Without this room a profile would show an address
of the net and no country. A country is its English name, a zone its IANA name. Whose blanks are filled does
not live here (`ingest`).

`addresses` and `places` know addresses of the net and what a database tells of them, `phones` numbers,
`agents` browsers and devices, `countries` what each is called, `zones` which zone of one can be told at all.
"""

from __future__ import annotations

from typing import Final

from user360.enrichment.addresses import address, public
from user360.enrichment.agents import Agent, agent, in_context, of_user_agents
from user360.enrichment.phones import of_phones
from user360.enrichment.places import GEOIP, Database, database_file, described, of_ips

DERIVED: Final = {"ip": "derived from ip", "phone": "derived from phone"}
FROM_IP: Final = ("country", "city", "latitude", "longitude", "timezone")
FROM_PHONE: Final = ("country", "timezone")

__all__ = [
    "DERIVED",
    "FROM_IP",
    "FROM_PHONE",
    "GEOIP",
    "Agent",
    "Database",
    "address",
    "agent",
    "database_file",
    "described",
    "in_context",
    "of_ips",
    "of_phones",
    "of_user_agents",
    "public",
]
