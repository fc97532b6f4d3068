"""Files that lie somewhere else: in a directory, on an SFTP server, in an object store; listed and fetched.

Without it every flow that reads or writes elsewhere would have its own idea of a path, a password and a server that
changed its key. A place is text, `/srv/drop`, `sftp://ana@files.example.com:2222/out` or `s3://bucket/drop`; what opens
it is never part of that text. Which files are wanted does not live here (`watching`).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import fsspec
import paramiko

from user360.errors import Conflict, Forbidden, Invalid, StoreUnavailable, Unreachable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fsspec import AbstractFileSystem

KINDS: Final = ("local", "sftp", "s3", "gs", "az")
_LOCAL: Final = "local"
_PACKAGES: Final = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
_IN_MEMORY: Final = "memory"  # what fsspec keeps in this process; an object store to try things out on
SSH_PORT: Final = 22
PATIENCE_SECONDS: Final = 20
_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where files lie. `kind` is one of `KINDS`; `path` is a directory, or bucket and prefix."""

    kind: str
    path: str
    host: str = ""
    port: int = SSH_PORT
    user: str = ""

    def __str__(self) -> str:
        if self.kind == _LOCAL:
            return self.path
        if self.kind == "sftp":
            port = f":{self.port}" if self.port != SSH_PORT else ""
            return f"sftp://{self.user}@{self.host}{port}{self.path}"
        return f"{self.kind}://{self.path}"


@dataclass(frozen=True, slots=True)
class File:
    """One file: its name in the folder, its bytes, and a text that differs once it was written anew."""

    name: str
    size: int
    stamp: str


def parse(text: str) -> Place:
    """The place a text names, or a refusal that says what is missing."""
    told = text.strip()
    if "://" not in told:
        folder = Path(told).expanduser()
        if not told or not folder.is_absolute():
            raise Invalid(f"“{shorten(told)}” is no whole path.", "Write it from the root: /srv/drop.")
        return Place(_LOCAL, str(folder))
    parts = urlsplit(told)
    if parts.password:
        raise Invalid("The address holds a password.", "Leave it out: it has a field of its own, and is not shown again.")
    if parts.scheme in {*_PACKAGES, _IN_MEMORY}:
        path = f"{parts.netloc}{parts.path}".strip("/")
        if not path:
            raise Invalid(f"“{shorten(told)}” names no bucket.", f"Write {parts.scheme}://bucket/folder.")
        return Place(parts.scheme, path)
    if parts.scheme != "sftp":
        raise Invalid(f"“{shorten(parts.scheme)}” cannot be opened.", "Give a path, sftp://, s3://, gs:// or az://.")
    try:
        port = parts.port or SSH_PORT
    except ValueError:
        raise Invalid(f"“{shorten(told)}” has no valid port.", "Write sftp://user@host:22/folder.") from None
    if not parts.hostname or not parts.username:
        raise Invalid(f"“{shorten(told)}” names no user or no host.", "Write sftp://user@host/folder.")
    return Place("sftp", unquote(parts.path) or "/", parts.hostname, port, unquote(parts.username))


@contextlib.contextmanager
def opened(place: Place, secret: Mapping[str, str], known_key: str = "") -> Iterator[Folder]:
    """The folder at that place while it is open.

    `secret` holds what opens it: `password` or `key` (a private key's text, with `passphrase`) for SFTP; what the object
    store's package takes otherwise. `known_key` is the fingerprint the server must show. Raises `Unreachable`, `Forbidden`
    where the login is refused, and `Conflict` where the server shows another key.
    """
    with _told(place):
        files = _connect(place, secret, known_key)
    try:
        yield Folder(place, files)
    finally:
        client = getattr(files, "client", None)
        if client is not None:
            client.close()


def fingerprint(place: Place) -> str:
    """The fingerprint of the key an SFTP server shows, as `ssh-keygen -lf` prints it; nothing for other places."""
    if place.kind != "sftp":
        return ""
    asked = _Asking()
    with _told(place), paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(asked)
        with contextlib.suppress(_Seen):
            _dial(client, place, {"password": ""})
    return asked.seen


class Folder:
    """An open place."""

    def __init__(self, place: Place, files: AbstractFileSystem) -> None:
        self._place = place
        self._files = files

    def files(self) -> list[File]:
        """The files right in it, by name; what lies in folders below is not looked at."""
        with _told(self._place):
            found = self._files.ls(self._place.path, detail=True)
        return sorted((_file(each) for each in found if each["type"] != "directory"), key=lambda each: each.name)

    def fetch(self, file: File, target: Path) -> None:
        """Copy one file here; refused where it changes meanwhile, so that half a file is never taken for a whole one."""
        path = f"{self._place.path.rstrip('/')}/{file.name}"
        with _told(self._place), self._files.open(path, "rb") as source, target.open("wb") as copy:
            while piece := source.read(_PIECE):
                copy.write(piece)
        if target.stat().st_size != file.size or file not in self.files():
            raise Conflict(f"“{shorten(file.name)}” is still being written.", "It is looked at again the next time.")


def _file(found: Mapping[str, Any]) -> File:
    stamps = (found.get(each) for each in ("ETag", "etag", "mtime", "LastModified", "updated", "created"))
    stamp = next((str(each) for each in stamps if each), "")
    return File(str(found["name"]).rstrip("/").rsplit("/", 1)[-1], int(found.get("size") or 0), stamp)


# -- connections --------------------------------------------------------------------------------


class _Seen(Exception):
    pass


class _Asking(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko publishes no types
    """Note the key and go no further."""

    seen = ""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 - paramiko's form
        """Answer the key a server shows."""
        self.seen = _print(key)
        raise _Seen


class _Known(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko publishes no types
    """Go on with one key alone."""

    def __init__(self, known: str) -> None:
        self.known = known

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 - paramiko's form
        """Refuse any key but the known one."""
        if _print(key) != self.known:
            raise Conflict(
                f"{hostname} shows another key than before: {_print(key)} instead of {self.known or 'none'}.",
                "Somebody may stand between. If the server really has a new key, trust it in the folder's settings.",
            )


def _print(key: paramiko.PKey) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")


def _connect(place: Place, secret: Mapping[str, str], known_key: str) -> AbstractFileSystem:
    plain: dict[str, Any] = {"skip_instance_cache": True, "use_listings_cache": False}
    if place.kind == _LOCAL:
        return fsspec.filesystem("file", **plain)
    if place.kind == "sftp":
        told = _credentials(secret) | {"port": place.port, "username": place.user, "host_key_policy": _Known(known_key)}
        return fsspec.filesystem("sftp", host=place.host, **told, **_patience(), skip_instance_cache=True)
    return fsspec.filesystem(place.kind, **plain, **secret)


def _dial(client: paramiko.SSHClient, place: Place, secret: Mapping[str, str]) -> None:
    client.connect(place.host, port=place.port, username=place.user, **_credentials(secret), **_patience())


def _credentials(secret: Mapping[str, str]) -> dict[str, Any]:
    """Only what was given opens the door: no key or agent of whoever runs this process."""
    found: dict[str, Any] = {"look_for_keys": False, "allow_agent": False}
    if secret.get("key"):
        found["pkey"] = _private_key(secret["key"], secret.get("passphrase", ""))
    else:
        found["password"] = secret.get("password", "")
    return found


def _private_key(text: str, passphrase: str) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with contextlib.suppress(paramiko.SSHException, ValueError):
            found: paramiko.PKey = kind.from_private_key(io.StringIO(text.strip() + "\n"), passphrase or None)
            return found
    raise Invalid("The private key cannot be read.", "Paste the whole text of an OpenSSH key, and its passphrase if it has one.")


def _patience() -> dict[str, float]:
    return dict.fromkeys(("timeout", "banner_timeout", "auth_timeout", "channel_timeout"), PATIENCE_SECONDS)


@contextlib.contextmanager
def _told(place: Place) -> Iterator[None]:
    """Whatever a connection throws, as a refusal."""
    try:
        yield
    except FileNotFoundError:
        raise Unreachable(f"There is no folder {place}.", "Make it there, or correct the address.") from None
    except NotADirectoryError:
        raise Unreachable(f"{place} is a file.", "Give the folder it lies in.") from None
    except (PermissionError, paramiko.AuthenticationException):
        raise Forbidden(f"{place} does not let us in.", "Look at the user, the password or key, and what it may read.") from None
    except ImportError:
        package = _PACKAGES.get(place.kind, "")
        raise Unreachable(f"{place.kind}:// needs a package more.", f"Install it here: pip install {package}.") from None
    except OSError as fault:
        if getattr(fault, "filename", None) and fault.errno == 28:  # noqa: PLR2004 - ENOSPC: of our own disk
            raise StoreUnavailable("There is no room here for the file.", "Free some space.") from None
        raise Unreachable(
            f"{place} cannot be reached: {shorten(str(fault) or type(fault).__name__)}.", "Try again later."
        ) from None
    except (paramiko.SSHException, EOFError, ValueError) as fault:
        raise Unreachable(
            f"{place} cannot be read: {shorten(str(fault) or type(fault).__name__)}.", "Look at its address."
        ) from None
    except Exception as fault:
        if place.kind not in _PACKAGES:
            raise
        # the packages of object stores throw faults of their own, which have nothing in common
        raise Unreachable(
            f"{place} cannot be opened: {shorten(str(fault) or type(fault).__name__)}.",
            "Look at its address and at what opens it.",
        ) from None
