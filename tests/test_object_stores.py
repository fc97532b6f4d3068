"""A watched bucket: a real S3 service on this machine, asked over HTTP as any other would be."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.test_folders import USERS, looked, told, watched
from user360 import folders, places, profiles
from user360.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

KEYS = {"key": "AKIA", "secret": "s3cret"}


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of an S3 service that has the bucket `crm`."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    bucket(address).create_bucket(Bucket="crm")
    yield address
    server.stop()


def bucket(address: str):
    return boto3.client(
        "s3",
        endpoint_url=address,
        aws_access_key_id=KEYS["key"],
        aws_secret_access_key=KEYS["secret"],
        region_name="us-east-1",
    )


def test_what_lies_in_a_bucket_is_imported_once_and_again_when_it_is_another(store, service):
    s3 = bucket(service)
    s3.put_object(Bucket="crm", Key="drop/userdata_1.csv", Body=USERS.encode())
    s3.put_object(Bucket="crm", Key="drop/below/userdata_9.csv", Body=b"userId\nnobody\n")
    of = watched(store, "s3://crm/drop")
    folders.keep_secret(store, of.id, KEYS | {"endpoint_url": service})

    assert looked(store, of).imported == 1
    assert looked(store, of).imported == 0
    s3.put_object(Bucket="crm", Key="drop/userdata_1.csv", Body=b"userId\nu3\n")
    assert looked(store, of).imported == 1

    assert told(store, of) == {"userdata_1.csv": ("imported", "")}
    assert profiles.count(store) == 3


@pytest.mark.parametrize(
    ("place", "more", "why"),
    [
        ("s3://crm/elsewhere", {}, "no folder"),
        ("s3://nobody/drop", {}, "no folder"),
        ("s3://crm/drop", {"endpoint_url": "http://127.0.0.1:1"}, "Could not connect"),
        ("s3://crm/drop", {"colour": "blue"}, "colour"),
    ],
)
def test_a_bucket_that_cannot_be_opened_is_told_with_why(service, place, more, why):
    with (
        pytest.raises(Unreachable, match=why) as refused,
        places.opened(places.parse(place), KEYS | {"endpoint_url": service} | more) as opened,
    ):
        opened.files()
    assert KEYS["secret"] not in f"{refused.value.message} {refused.value.hint}"
