"""Whatever is in the file or in the environment: a configuration, or `ConfigErrors`, and nothing else."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mm.config.scalars import ScalarRefused, plain
from mm.config.show import to_yaml
from tests.config.helpers import GOOD, errors_of, read

DEFAULT = (Path(__file__).resolve().parents[2] / "config.yaml").read_text().replace("glft", "own")
PIECES = [
    *(
        "version: 1",
        "desks:",
        "  A:",
        "    strategy: own",
        "    params: {",
        "}",
        "[",
        "]",
        "&a",
        "*a",
        "<<: ",
        "? ",
    ),
    *(
        "- ",
        ": ",
        "\n",
        "  ",
        "'",
        '"',
        '"\\U00110000"',
        '"\\ud800"',
        "!!binary x",
        "--- ",
        "...\n",
        "%TAG ! !\n",
    ),
    *(
        "0x1",
        "1e999",
        "1:2:3",
        ".inf",
        "null",
        "~",
        "#",
        "|\n",
        ">-\n",
        "\ufeff",
        "\x85",
        "\u2028",
        "\r",
        "9" * 5000,
    ),
    *("limits:", "quoting: ", "name: ", "circuit_breaker:", "pnl_threshold: -1", "{{{{", "@", "`", "=", "-"),
]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_anything(content: str | bytes) -> None:
    errors_of(content)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=25))
def test_pieces_of_yaml(pieces: list[str]) -> None:
    errors_of(GOOD + "".join(pieces))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(DEFAULT)), st.integers(0, 12), st.sampled_from(PIECES) | st.text(max_size=6))
def test_a_good_file_with_a_bite_taken_out(start: int, length: int, put: str) -> None:
    errors_of(DEFAULT[:start] + put + DEFAULT[start + length :])


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["desks", "A", "params", "log", "level", "name", ""]) | st.text(max_size=5),
        st.sampled_from(PIECES) | st.text(max_size=8),
        max_size=4,
    )
)
def test_anything_in_the_environment(found: dict[str, str]) -> None:
    errors_of(GOOD, {f"KMM__{key}": value for key, value in found.items()})


@given(st.text(max_size=12) | st.from_regex(r"[-+0-9._:eExobnaif]{1,9}", fullmatch=True))
def test_a_word_is_a_value_or_is_refused(word: str) -> None:
    try:
        value = plain(word)
    except ScalarRefused as refused:
        assert str(refused)
        return
    assert value == word or not isinstance(value, str)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=20))
def test_any_text_that_is_accepted_survives_being_written_and_read(path: str) -> None:
    quoted = path.replace("'", "''")
    if not errors_of(GOOD + f"run_dir: '{quoted}'\n"):
        config = read(GOOD + f"run_dir: '{quoted}'\n").config
        assert read(to_yaml(config)).config.run_dir == path
