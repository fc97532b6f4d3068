"""Which two users are likely one person, and what speaks for it: probabilistic record linkage by Splink.

After Fellegi and Sunter: what two records agree on weighs `log2(m / u)` bits, where `m` is how often one
person's two records agree so, and `u` how often those of two strangers do. The `m` are fixed below; the `u`
are read from a sample of the workspace's own users, and an agreement on a rare value weighs more than on a
common one. Learned from the users themselves, by expectation maximisation, the `m` were worse: households look
like duplicates, and where one user in fifty was there twice 77 % of the proposed pairs were right instead of 88 %,
where one in a hundred 56 % instead of 71 %, and as many were found. Splink runs in a database of its own, in
memory: nothing here reads or writes the workspace.

Who is compared does not live here (`running`), nor what becomes of a pair (`pairs`).
"""

from __future__ import annotations

import logging
import math
import os
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from user360.sql import sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIELDS: Final = ("firstName", "lastName", "email", "phone", "dob", "city")
PRIOR: Final = "before"
PARTS: Final = {"name": ("firstName", "lastName"), "email": ("email",), "phone": ("phone",), "dob": ("dob",), "city": ("city",)}
MOST_ALIKE: Final = 50
LEAST_PROBABILITY: Final = 0.5
LEARNED_FROM: Final = 2_000
EXPECTED_SHARE: Final = 0.01
A_STEP: Final = 10_000

_SEED: Final = 7
_SAMPLED_PAIRS: Final = 1e6
_KEYS: Final = ("by_phone", "by_email", "by_mailbox", "by_names", "by_last_name_and_birth", "by_first_name_and_birth")
_Numbers = list[float]

# How often the two records of one person, and those of two strangers, agree on each level. The last of each is: not at all.
_NAME: Final[tuple[_Numbers, _Numbers]] = (
    [0.55, 0.02, 0.18, 0.05, 0.08, 0.07, 0.05],
    [0.00003, 0.00003, 0.0002, 0.0006, 0.005, 0.007, 0.98714],
)
_EMAIL: Final[tuple[_Numbers, _Numbers]] = ([0.62, 0.10, 0.28], [0.00001, 0.00001, 0.99998])
_PHONE: Final[tuple[_Numbers, _Numbers]] = ([0.65, 0.35], [0.00001, 0.99999])
_DOB: Final[tuple[_Numbers, _Numbers]] = ([0.82, 0.06, 0.12], [0.00005, 0.0015, 0.99845])
_CITY: Final[tuple[_Numbers, _Numbers]] = ([0.70, 0.30], [0.02, 0.98])


def link(people: pa.Table, *, scratch: Path, tell: Callable[[int, int, str], None]) -> tuple[pa.Table, int]:
    """The pairs of these people (profile_key and `FIELDS`) that are likely one person, the likeliest first.

    Columns: left_key, right_key, weight, and the bits of `before` and of each of `PARTS`. Also how many values were
    too common to bring people together by themselves: those of more than `MOST_ALIKE`.
    """
    compared, crowded = _compared(people)
    steps = compared.num_rows // A_STEP + 1
    if compared.num_rows < 2:  # noqa: PLR2004 - a pair
        return nobody(), crowded
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 - takes a while to load, and only a search for duplicates needs it

    logging.getLogger("splink").setLevel(logging.ERROR)
    database = DuckDBAPI(":memory:")
    try:
        database.duckdb_con.execute(sql("SET temp_directory = {}", str(scratch)).shown())
        database.duckdb_con.execute(sql("SET threads = {}", max((os.cpu_count() or 2) // 2, 1)).shown())
        linker = Linker(database.register(compared), _settings(compared.num_rows), log_level=logging.ERROR)
        tell(0, steps + 1, "Learning from a sample")
        if compared.num_rows >= LEARNED_FROM:
            linker.training.estimate_u_using_random_sampling(max_pairs=_SAMPLED_PAIRS, seed=_SEED)
        found = []
        for step in range(1, steps + 1):
            tell(step, steps + 1, "Comparing")
            chunk = linker.inference.predict_chunk((step, steps), threshold_match_probability=LEAST_PROBABILITY)
            found.append(_parts(chunk.as_pyarrow_table(), compared.num_rows))  # type: ignore[no-untyped-call]  # Splink's own
        tell(steps + 1, steps + 1, "Keeping what was found")
        return pa.concat_tables(found).sort_by([("weight", "descending"), ("left_key", "ascending")]), crowded
    finally:
        database.duckdb_con.close()


def probability(weight: float) -> float:
    """How likely a pair of that many bits is one person, from 0 to 1."""
    return 1 / (1 + math.pow(2, -weight))


def weight(probability: float) -> float:
    """How many bits make a pair that likely one person."""
    return math.log2(probability / (1 - probability))


def _settings(people: int) -> Any:
    """What is compared and how. Rarity counts where there are enough people to tell what is rare."""
    import splink.comparison_level_library as levels  # noqa: PLC0415 - as above
    import splink.comparison_library as comparisons  # noqa: PLC0415 - as above
    from splink import SettingsCreator, block_on  # noqa: PLC0415 - as above

    rarity = {"term_frequency_adjustments": True} if people >= LEARNED_FROM else {}

    def weighed(comparison: Any, numbers: tuple[_Numbers, _Numbers], **more: Any) -> Any:
        return comparison.configure(m_probabilities=numbers[0], u_probabilities=numbers[1], **more)

    email = comparisons.CustomComparison(
        [
            levels.NullLevel("email"),
            levels.ExactMatchLevel("email", **rarity),
            levels.ExactMatchLevel("mailbox"),
            levels.ElseLevel(),
        ],
        "email",
    )
    dob = comparisons.CustomComparison(
        [
            levels.NullLevel("dob"),
            levels.ExactMatchLevel("dob"),
            levels.DamerauLevenshteinLevel("dob", 1),
            levels.ElseLevel(),
        ],
        "dob",
    )
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="profile_key",
        probability_two_random_records_match=_prior(people),
        comparisons=[
            weighed(
                comparisons.ForenameSurnameComparison("first", "last", forename_surname_concat_col_name="full_name"),
                _NAME,
                **rarity,
            ),
            weighed(email, _EMAIL),
            weighed(comparisons.ExactMatch("phone"), _PHONE, **rarity),
            weighed(dob, _DOB),
            weighed(comparisons.ExactMatch("city"), _CITY, **rarity),
        ],
        blocking_rules_to_generate_predictions=[block_on(each) for each in _KEYS],
        retain_intermediate_calculation_columns=True,
        retain_matching_columns=False,
    )


def _prior(people: int) -> float:
    """How likely two users picked blindly are one person: one user in a hundred is expected to be there twice."""
    return min(2 * EXPECTED_SHARE / (people - 1), 0.01)


def _parts(predicted: pa.Table, people: int) -> pa.Table:
    """The pairs of a prediction, with the bits each field adds."""
    bits = {"name": "first_last", "email": "email", "phone": "phone", "dob": "dob", "city": "city"}
    nothing = pa.array(np.zeros(predicted.num_rows))

    def of(column: str) -> pa.ChunkedArray | pa.Array:
        return pc.fill_null(pc.cast(predicted[column], pa.float64()), 0.0) if column in predicted.column_names else nothing

    before = weight(_prior(people))
    columns = {part: pc.add(of(f"mw_{column}"), of(f"mw_tf_adj_{column}")) for part, column in bits.items()}
    return pa.table(
        {
            "left_key": pc.cast(predicted["profile_key_l"], pa.uint32()),
            "right_key": pc.cast(predicted["profile_key_r"], pa.uint32()),
            "weight": of("match_weight"),
            PRIOR: pa.array(np.full(predicted.num_rows, before)),
            **columns,
        }
    )


def nobody() -> pa.Table:
    """No pairs."""
    names = ("weight", PRIOR, *PARTS)
    empty = {each: pa.array([], pa.float64()) for each in names}
    return pa.table({"left_key": pa.array([], pa.uint32()), "right_key": pa.array([], pa.uint32()), **empty})


# -- what is compared -----------------------------------------------------------------------------


def _compared(people: pa.Table) -> tuple[pa.Table, int]:
    """The values as they are compared, and what brings people together; who has nothing of that is left out."""
    first, last = _plain(people["firstName"]), _plain(people["lastName"])
    email, phone, city = _plain(people["email"]), people["phone"], _plain(people["city"])
    mailbox = pc.replace_substring_regex(email, r"@.*$", "")
    dob = pc.cast(people["dob"], pa.string())
    swapped = pc.less(last, first)
    names = _joined(pc.if_else(swapped, last, first), pc.if_else(swapped, first, last))
    keys = (phone, email, mailbox, names, _joined(last, dob), _joined(first, dob))
    kept = [_not_crowded(each) for each in keys]
    table = pa.table(
        {
            "profile_key": pc.cast(people["profile_key"], pa.int64()),
            "first": first,
            "last": last,
            "full_name": _joined(first, last),
            "email": email,
            "mailbox": mailbox,
            "phone": phone,
            "dob": dob,
            "city": city,
            **{name: each for name, (each, _) in zip(_KEYS, kept, strict=True)},
        }
    )
    comparable = pc.is_valid(table[_KEYS[0]])
    for each in _KEYS[1:]:
        comparable = pc.or_(comparable, pc.is_valid(table[each]))
    return table.filter(comparable), sum(crowded for _, crowded in kept)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Texts in small letters, without accents and doubled blanks."""
    texts = column.combine_chunks().dictionary_encode()
    plain = pa.array([_bare(each) for each in texts.dictionary.to_pylist()], pa.string())
    return plain.take(texts.indices)


def _bare(text: str) -> str | None:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(each for each in apart if not unicodedata.combining(each)).split()) or None


def _joined(one: pa.Array, other: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(one, other, "\x1f")


def _not_crowded(column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, int]:
    """The values without those of too many people, and how many values that were."""
    plain = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    counted = pc.value_counts(plain.drop_null())
    crowd = counted.field("values").filter(pc.greater(counted.field("counts"), MOST_ALIKE))
    return pc.if_else(pc.is_in(plain, crowd), pa.scalar(None, pa.string()), plain), len(crowd)
