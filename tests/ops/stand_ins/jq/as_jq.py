"""What the operator's documents use of jq's command line (-r, -c, a filter, files or a pipe), on libjq.

Each value is answered as soon as it is whole, so that it can stand behind ``tail -f``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import jq


def values(stream: TextIO) -> Iterator[Any]:
    """One by one, however many lines each takes.

    :raises json.JSONDecodeError: for a rest that is no JSON.
    """
    decoder, text = json.JSONDecoder(), ""
    for line in stream:
        text = (text + line).lstrip()
        while text:
            try:
                value, end = decoder.raw_decode(text)
            except json.JSONDecodeError:
                break
            yield value
            text = text[end:].lstrip()
    if text:
        decoder.decode(text)


def main(words: list[str]) -> int:
    flags = "".join(word[1:] for word in words if word.startswith("-"))
    expression, *paths = [word for word in words if not word.startswith("-")]
    program = jq.compile(expression)
    for path in paths or ["/dev/stdin"]:
        with open(path) as stream:
            for value in values(stream):
                for result in program.input_value(value):
                    sys.stdout.write(_text(result, flags) + "\n")
                    sys.stdout.flush()
    return 0


def _text(result: Any, flags: str) -> str:
    if "r" in flags and isinstance(result, str):
        return result
    if "c" in flags:
        return json.dumps(result, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(result, ensure_ascii=False, indent=2)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except json.JSONDecodeError as error:
        sys.exit(f"jq: error: {error}")
