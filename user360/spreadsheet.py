"""Text that a spreadsheet would take for a formula, made harmless and made whole again.

A cell that begins like a formula gets an apostrophe in front; reading takes exactly that
apostrophe away. `unguard(guard(x)) == x` for every text, so a file can go out and come back without
change. Without this room a name like `=HYPERLINK(…)` would run on the desk of whoever opens the
file. Which columns are text does not live here (`exports`).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_BLANKS: Final = r"[ \x{00A0}\x{FEFF}\x{200B}-\x{200F}\x{2060}\x{2000}-\x{200A}\x{3000}]*"
_DANGEROUS: Final = r"^'*" + _BLANKS + r"[=+\-@\t\r\n\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}]"
_GUARDED: Final = r"^'" + _DANGEROUS[1:]


def guard(column: pa.Array) -> pa.Array:
    """The texts, with an apostrophe before those a spreadsheet could run."""
    risky = pc.match_substring_regex(column, _DANGEROUS)
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column) if pc.any(risky).as_py() else column


def unguard(column: pa.Array) -> pa.Array:
    """The texts as they were before `guard`."""
    guarded = pc.match_substring_regex(column, _GUARDED)
    return pc.if_else(guarded, pc.utf8_slice_codeunits(column, 1), column) if pc.any(guarded).as_py() else column
