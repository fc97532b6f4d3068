"""Which instructions numpy sorts with, chosen before it is first imported.

The instructions of 512 bits by which numpy sorts are slow on AMD's processors: those of 256 bits sorted six million numbers in
80 ms instead of 420, and the events of people are put in order by that (`ordering`). Nothing else about the machine lives here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

SETTING: Final = "NPY_DISABLE_CPU_FEATURES"
_TOLD: Final = Path("/proc/cpuinfo")
_WIDE: Final = "X86_V4"


def choose(environment: MutableMapping[str, str] = os.environ, told: Path = _TOLD) -> None:
    """Have numpy leave the wide instructions alone where they are slow; what the environment says already stands."""
    if SETTING not in environment and slow_when_wide(told):
        environment[SETTING] = _WIDE


def slow_when_wide(told: Path) -> bool:
    """Whether this is a processor of AMD that has instructions of 512 bits, as far as the system tells."""
    try:
        first = told.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:
        return False
    said = {name.strip(): value.split() for name, _, value in (line.partition(":") for line in first.splitlines())}
    return said.get("vendor_id") == ["AuthenticAMD"] and "avx512vl" in said.get("flags", [])
