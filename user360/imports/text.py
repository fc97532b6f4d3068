"""The text of a file in blocks of whole lines, and line by line where that is wanted.

Blocks are UTF-8, whatever the file is in, so that they can be read at once (`stretches`). Bytes that are not of the
file's encoding stay recognisable in both forms, so that their rows can be told apart from good ones.
"""

from __future__ import annotations

import codecs
from collections import deque
from io import StringIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK: Final = 2**23
SMALL: Final = 2**16
PIECES: Final = 16
_BOM: Final = codecs.BOM_UTF8
_UTF8: Final = ("utf-8", "utf8", "utf-8-sig")


def faults(encoding: str) -> str:
    """How bytes that are not of an encoding are read."""
    return "replace" if encoding.startswith("utf-16") else "surrogateescape"


class Text:
    """A file read from its beginning: `block` by block, line by line (it is an iterator of them), or both in turn.

    `line` is the number of the line that comes next.
    """

    def __init__(self, path: Path, encoding: str) -> None:
        plain = encoding.lower().replace("_", "-") in _UTF8
        self._how = "surrogateescape" if plain else "surrogatepass"
        self._coming = blocks(path) if plain else _cut(_recoded(path, encoding))
        self._returned: deque[bytes] = deque()
        self._lines: deque[str] = deque()
        self.line = 1

    def __iter__(self) -> Text:
        return self

    def __next__(self) -> str:
        if not self._lines:
            block = self.block()
            if block is None:
                raise StopIteration
            self._lines.extend(StringIO(block.decode("utf-8", self._how), newline=""))
        self.line += 1
        return self._lines.popleft()

    def between_blocks(self) -> bool:
        """Whether no line of a block is left that was begun line by line."""
        return not self._lines

    def block(self) -> bytes | None:
        """The next lines at once; None at the end. Who keeps them has to move `line` on."""
        if self._lines:
            left = "".join(self._lines).encode("utf-8", self._how)
            self._lines.clear()
            return left
        return self._returned.popleft() if self._returned else next(self._coming, None)

    def broken_up(self, block: bytes) -> bool:
        """Have this block come again; answer whether it comes in smaller ones."""
        parts = list(_pieces(block)) if len(block) > SMALL else [block]
        self._returned.extendleft(reversed(parts))
        return len(parts) > 1


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file as they are, but for a mark of UTF-8 at its beginning, cut behind ends of lines."""
    return _cut(_utf8(path))


def _utf8(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield file.read(BLOCK).removeprefix(_BOM)
        yield from iter(lambda: file.read(BLOCK), b"")


def _recoded(path: Path, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(faults(encoding))
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(BLOCK), b""):
            yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def _cut(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut behind ends of lines."""
    held: list[bytes] = []
    for chunk in chunks:
        end = _last_end(chunk)
        if end:
            yield b"".join([*held, chunk[:end]])
            held.clear()
        held.append(chunk[end:])
    if any(held):
        yield b"".join(held)


def _pieces(block: bytes) -> Iterator[bytes]:
    size = max(len(block) // PIECES, SMALL)
    yield from _cut(block[start : start + size] for start in range(0, len(block), size))


def _last_end(chunk: bytes) -> int:
    """Where the last line ends of which it is certain; a carriage return at the very end may belong to a new line."""
    return max(chunk.rfind(b"\n"), chunk.rfind(b"\r", 0, len(chunk) - 1) if chunk else -1) + 1
