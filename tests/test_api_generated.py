"""What the document promises holds for calls nobody thought of: schemathesis makes them from the document itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection
from starlette.applications import Starlette

from tests.worlds import AT, events, take, users
from user360 import collect, doors, keys, web

pytestmark = pytest.mark.slow

# A schema cannot say which cursor is one of ours, which property there is, or which file can be read: such a call may be refused.
FITTING = ["2xx", "400", "401", "403", "404", "409", "422"]
CONFIG = schemathesis.Config.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": FITTING}}})

schema = schemathesis.openapi.from_asgi("/api/openapi.json", Starlette(routes=web.routes()), config=CONFIG)


@pytest.fixture
def secret():
    store = doors.current_store()
    take(store, users([{"userId": f"u{each}", "country": "DE"} for each in range(1, 4)]))
    take(store, events([("u1", "Order", AT - timedelta(days=1))], properties=['{"amount": 5}']))
    return keys.create(store, "admin", "test", by="ann", at=AT)


@pytest.fixture
def open_for_messages():
    collect.begin()


def hold(case, secret, without=()):
    case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, excluded_checks=list(without))


@schema.exclude(path_regex="^/v1/").parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_call_keeps_what_the_document_says(case, secret):
    hold(case, secret)


@schema.include(path_regex="^/v1/").parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.usefixtures("open_for_messages")
def test_whatever_is_sent_is_taken_or_refused_as_the_document_says(case, secret):
    """What does not fit the document is not refused: it is kept, with the reason, so that nobody's other messages are lost."""
    hold(case, secret, [negative_data_rejection])
