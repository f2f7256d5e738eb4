"""``python -m bench [--json] [NAME ...]``: what the parts cost, as medians and ratios of one run.

Times are processor time of one thread and belong to this machine at this moment; the ratios travel. Nothing
here passes or fails.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Final

import msgspec

from bench.measure import Row

BENCHES: Final = ("book", "feed", "tick", "picture", "simulation", "journal", "observers", "signing")
# Only if asked for: each takes a minute and more.
SLOW: Final = ("sim_load", "sim_day")
HEADER: Final = (
    f"{'bench':10}{'case':28}{'us':>9}{'a second':>12}{'ratio':>8}{'least':>8}{'most':>8}  against"
)


def main(arguments: list[str]) -> None:
    """Measure what was asked for (everything, if nothing was) and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join((*BENCHES, *SLOW))}")
    parser.add_argument("--json", action="store_true", help="one JSON array")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.names if name not in BENCHES + SLOW]:
        parser.error(f"no bench is called {unknown[0]!r}; there are {', '.join((*BENCHES, *SLOW))}")
    rows: list[Row] = []
    if not chosen.json:
        print(HEADER)
    for name in chosen.names or BENCHES:
        measured = importlib.import_module(f"bench.{name}").measure()
        rows += measured
        for row in [] if chosen.json else measured:
            print(_line(row), flush=True)
    if chosen.json:
        print(msgspec.json.encode(rows).decode())


def _line(row: Row) -> str:
    """The base of a comparison is told as such."""
    shown = "(base)" if row.case == row.base else row.base
    often = f"{1e6 / row.micros:12,.0f}" if row.unit == "us" else f"{row.unit:>12}"
    figures = f"{row.micros:9.2f}{often}{row.ratio:8.2f}{row.least:8.2f}{row.most:8.2f}"
    return f"{row.bench:10}{row.case:28}{figures}  {shown}"


if __name__ == "__main__":
    main(sys.argv[1:])
