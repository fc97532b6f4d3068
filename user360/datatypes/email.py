"""An email address: `email-validator` decides, without asking the network. The domain is kept in lower case.

Whole columns are decided by a pattern that is narrower than the library: what it accepts, the
library accepts unchanged. Everything else, and every reason, comes from the library itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import email_validator
import pyarrow as pa
import pyarrow.compute as pc

from user360.datatype import Control, DataType, Display, Refusal, text_of

if TYPE_CHECKING:
    from user360.datatype import Zone

_RESERVED: Final = "|".join(sorted(email_validator.SPECIAL_USE_DOMAIN_NAMES)).replace(".", r"\.")
# Plain local part and plain labels: 64 characters before the @, at most 253 after, no label that IDNA would look at.
_PLAIN: Final = r"^[A-Za-z0-9_+]+([.\-][A-Za-z0-9_+]+)*@([a-z0-9]{1,30}(-[a-z0-9]{1,20})?\.){1,4}[a-z]{2,20}$"
_DOUBTFUL: Final = rf"^.{{65,}}@|^.{{255,}}$|(?:@|\.)(?:{_RESERVED})$|(?:@|\.)[a-z0-9]{{2}}--"


def _parse(raw: object, _: Zone) -> str:
    text = text_of(raw, what="an email address")
    try:
        found = email_validator.validate_email(text, check_deliverability=False)
    except email_validator.EmailNotValidError as refusal:
        reason = str(refusal).rstrip(".")
        raise Refusal(f"is not an email address: {reason[:1].lower()}{reason[1:]}", "Write it as name@example.com.") from None
    return str(found.normalized)


def _quick(column: pa.Array, _: Zone) -> pa.Array:
    plain = pc.and_(
        pc.match_substring_regex(column, _PLAIN),
        pc.invert(pc.match_substring_regex(column, _DOUBTFUL)),
    )
    return pc.if_else(plain, column, pa.scalar(None, pa.string()))


TYPE: Final = DataType(
    name="email",
    label="Email address",
    column="VARCHAR",
    arrow=pa.string(),
    families=("known", "address", "email"),
    control=Control("text", "name@example.com"),
    display=Display("text", 194),
    role="nominal",
    accepts="an email address",
    examples=(
        ("priya.nair@example.com", "priya.nair@example.com"),
        ("A.b+c@ExAmple.ORG", "A.b+c@example.org"),
        ("x@пример.com", "x@пример.com"),
        ("x@xn--e1afmkfd.com", "x@пример.com"),
    ),
    counterexamples=(
        ("a@example", "period"),
        ("a..b@example.com", "period"),
        ("@example.com", "@-sign"),
        ("a@example.test", "special-use"),
        ("a b@example.com", "characters"),
        ("nobody", "@-sign"),
        ("a@foo.123", "top-level"),
        ("a@aa--bb.com", "dashes"),
    ),
    parse_one=_parse,
    format_one=lambda value, _: str(value),
    quick=_quick,
    may_identify=True,
)
