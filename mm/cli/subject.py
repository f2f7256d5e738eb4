"""What a command looks at that judges a run from outside: where its files are, its desks, what is healthy;
also if the configuration is wrong or is not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mm.cli.where import config_of, run_dir_of

if TYPE_CHECKING:
    from mm.config.healthy import Healthy

STATUS_END = "_circuit_breaker_status.json"


class Subject(NamedTuple):
    """``config_file`` is the one that is meant, ``shown`` what it says as plain data, or what is wrong with
    it; ``problem`` is its first error."""

    home: Path
    desks: list[str]
    healthy: Healthy
    shown: object
    config_file: Path
    problem: str = ""


def subject_of(run_dir: Path | None, config_file: Path) -> Subject:
    """With no usable configuration: defaults, and the desks that have left files.

    :raises ConfigErrors: if nothing says where the files are.
    """
    from mm.config.errors import ConfigErrors
    from mm.config.healthy import Healthy
    from mm.config.load import load_config
    from mm.config.show import for_json, redacted_dict

    home = run_dir_of(run_dir, config_file)
    config_file = config_of(config_file, home)
    try:
        config = load_config(config_file, os.environ)
    except ConfigErrors as problem:
        lines = str(problem).splitlines()
        desks = sorted(found.name.removesuffix(STATUS_END) for found in home.glob(f"*{STATUS_END}"))
        return Subject(home, desks, Healthy(), {"errors": lines}, config_file, lines[0])
    shown = for_json(redacted_dict(config))
    return Subject(home, list(config.desks), config.limits.healthy, shown, config_file)
