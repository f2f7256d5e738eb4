"""What an unquoted word of YAML means here: less than YAML 1.1 says, so that nothing means something else.

YAML 1.1 reads ``16:00`` as 960, ``010`` as 8, ``on`` as true and ``1e-3`` as text. Such words are refused
with the way to write them; quoted text is always text. Numbers with a point are exact decimals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeAlias

Scalar: TypeAlias = str | int | Decimal | bool | None

WORDS: Final[dict[str, bool | None]] = {"null": None, "~": None, "true": True, "false": False}
WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,14})")
POINTED = re.compile(r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,18}")
EXPONENT = re.compile(r"[-+]?[0-9]{1,12}(\.[0-9]{0,12})?[eE][-+]?[0-9]{1,2}")

REFUSED: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r""), "no value: leave the key out for its default (null switches a rule off)"),
    (re.compile(r"(?i)y|n|yes|no|on|off|true|false"), "write true or false (quote it if you mean text)"),
    (re.compile(r"(?i)null"), "write null (quote it if you mean text)"),
    (re.compile(r"(?i)[-+]?\.?(nan|inf|infinity)"), "not a number: NaN and infinity have no place here"),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"),
        "YAML would read this as a number of base 60: quote it",
    ),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?"), "YAML would read this as a date: quote it"),
    (
        re.compile(r"[-+]?(?=[0-9_.]*[0-9])[0-9_]*\.?[0-9_]*([eE][-+]?[0-9]+)?|[-+]?0[xXoObB][0-9a-fA-F_]+"),
        "write a plain number of at most 15 digits, such as 1000 or 0.5 (quote it if you mean text)",
    ),
    (re.compile(r"<<|="), "merge keys are not used: write the values out"),
)


class ScalarRefused(ValueError):
    """This unquoted word could be misread; the message says what to write instead."""


def plain(text: str) -> Scalar:
    """The value of an unquoted word.

    Raises:
        ScalarRefused: it could be misread (files-and-commands section 1, row 20).
    """
    if text in WORDS:
        return WORDS[text]
    if WHOLE.fullmatch(text):
        return int(text)
    if POINTED.fullmatch(text):
        return Decimal(text)
    if EXPONENT.fullmatch(text):
        raise ScalarRefused(f"write {Decimal(text):f} (quote it if you mean text)")
    for pattern, advice in REFUSED:
        if pattern.fullmatch(text):
            raise ScalarRefused(advice)
    return text


def kind_of(value: object) -> str:
    """What a value is, without saying which: values may be secrets in the wrong place."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        (int, "a number"),
        ((float, Decimal), "a number with a point"),
        (str, "text"),
        (Mapping, "a mapping"),
        ((tuple, list), "a list"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "null")
