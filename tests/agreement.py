"""The long run of the laws of rules: `python -m tests.agreement [--cases N] [--seed N] [--seconds N]`.

Rules drawn by chance are asked of random worlds, now and of an instant of their past, and held against the plain
reading of the format. Each answer compared is a case. What disagrees is printed with its world and rule, as JSON; the
last line says how many cases there were and how many disagreed. Different seeds ask different worlds and rules.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from contextlib import suppress
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

from tests import oracle
from tests.random_rules import by_chance
from tests.random_worlds import moments_of, recipe, told
from user360 import segments
from user360.segments import asking
from user360.segments.frames import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

A_WORLD = 1_000


def disagreements(seed: int, cases: int) -> Iterator[dict[str, Any] | None]:
    """Of each case nothing, or what is wrong with it. Half of the cases of a world ask of its past."""
    for world in count():
        number = f"{seed}.{world}"
        random = Random(number)  # noqa: S311 - chance, not secrets
        made = recipe(random)
        found = told(made)
        catalog = segments.load_catalog(found.store)
        moments = moments_of(made)
        for place in range(min(A_WORLD, cases - world * A_WORLD)):
            past = place % 2 == 1
            at = random.choice(moments) if past else made.now.at
            rule = by_chance(random, made.now, past=past)
            expected = oracle.people(rule, found.world, at=at)
            compiled = segments.compile(segments.parse(rule), catalog, at=at, past=past)
            everyone = asking.everyone(Frame(catalog, at, past=past))
            counted = asking.how_many(found.store, compiled, within=everyone)  # before its people are kept
            answered = asking.people(found.store, compiled, within=everyone).keys().tolist()
            both = {"expected": expected, "answered": answered, "counted": counted, "rule": rule}
            wrong = {"world": number, "case": place, "at": str(at), "past": past, **both}
            yield None if expected == answered and counted == len(answered) else wrong
        found.store.close()
        if (world + 1) * A_WORLD >= cases:
            return


def main() -> None:
    """Compare so many cases, or until the time is up or it is interrupted; end with 1 where any disagreed."""
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    asked = parser.parse_args()
    for ending in (signal.SIGINT, signal.SIGTERM):  # also in the background, where the shell has the first ignored
        signal.signal(ending, signal.default_int_handler)
    begun, done, wrong = time.monotonic(), 0, 0
    with suppress(KeyboardInterrupt):
        for each in disagreements(asked.seed, asked.cases):
            done += 1
            if each is not None:
                wrong += 1
                print(json.dumps(each, ensure_ascii=False), flush=True)
            if time.monotonic() - begun > asked.seconds:
                break
    print(f"{done:,} cases of seed {asked.seed} in {time.monotonic() - begun:,.0f} s: {wrong:,} disagree")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
