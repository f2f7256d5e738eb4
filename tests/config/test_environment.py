"""What the environment may set, over the file and for one run; and who we are at the exchange."""

from __future__ import annotations

from pathlib import Path

import pytest

from mm.config.credentials import Credentials, read_credentials
from mm.config.errors import ConfigErrors
from tests.config.helpers import GOOD, errors_of, read


def test_the_environment_stands_over_the_file() -> None:
    text = GOOD + "circuit_breaker: {pnl_threshold: -100}\n"
    config = read(text, {"KMM__circuit_breaker__pnl_threshold": "-50", "OTHER": "x"}).config
    assert config.circuit_breaker.pnl_threshold == -50


def test_it_may_set_what_the_file_leaves_out_and_lists_too() -> None:
    environment = {
        "KMM__exchange__simulated__seed": "7",
        "KMM__desks__A__markets__series": "[KXBTC, KXETH]",
        "KMM__desks__A__params__half_spread_cents": "1.5",
        "KMM__circuit_breaker__error_rate": "null",
    }
    config = read(GOOD, environment).config
    assert config.exchange.simulated.seed == 7
    assert config.desks["A"].markets.series == ("KXBTC", "KXETH")
    assert config.desks["A"].params["half_spread_cents"] == 1.5
    assert config.circuit_breaker.error_rate is None


BROKEN = [
    (
        "KMM__CIRCUIT_BREAKER__pnl_threshold",
        "-50",
        'CIRCUIT_BREAKER: unknown key, did you mean "circuit_breaker"?',
    ),
    ("KMM_circuit_breaker__pnl_threshold", "-50", "would not be read: after KMM come two underscores"),
    ("kmm__name", "x", "would not be read: "),
    (
        "KMM__circuit_breaker__pnl_threshol",
        "-50",
        'circuit_breaker.pnl_threshol: unknown key, did you mean "pnl_threshold"?',
    ),
    (
        "KMM__circut_breaker__pnl_threshold",
        "-50",
        'circut_breaker: unknown key, did you mean "circuit_breaker"?',
    ),
    (
        "KMM__circuit_breaker__pnl_threshold",
        "fifty",
        "circuit_breaker.pnl_threshold: must be dollars, such as 100 or 0.25, not text",
    ),
    (
        "KMM__close_on_shutdown",
        "yes",
        "close_on_shutdown: write true or false (quote it if you mean text)",
    ),
    ("KMM__name", "", "name: no value"),
    ("KMM__name", "a\tb", "name: a tab: use spaces"),
    ("KMM__name", "\udcff", "name: not UTF-8 text"),
    ("KMM__name", "[", "name: not valid YAML: "),
    ("KMM__name__deeper", "x", "name.deeper: unknown key: what stands above it is a single value"),
    ("KMM__log", "{level: debug}", "log: a whole mapping cannot be overridden: one variable for each value"),
    ("KMM__desks__AA__strategy", "own", 'desks.AA.strategy: there is no such desk, did you mean "A"?'),
    (
        "KMM__desks__A__params__sise_contracts",
        "1",
        "desks.A.params.sise_contracts: unknown key, did you mean",
    ),
    ("KMM__", "x", "unknown key"),
    ("KMM__log____level", "debug", "log.: unknown key"),
    ("KMM__exchange__api_key", "hunter2", "exchange.api_key: secrets do not belong in a configuration"),
]


@pytest.mark.parametrize(("variable", "value", "error"), BROKEN, ids=range(len(BROKEN)))
def test_a_wrong_override_is_an_error_that_names_the_variable(variable: str, value: str, error: str) -> None:
    (found,) = errors_of(GOOD + "name: kmm\n", {variable: value})
    assert found.startswith(f"{variable}: {error}")
    assert "hunter2" not in found


def test_variables_are_laid_over_in_the_order_of_their_names() -> None:
    rule = "KMM__circuit_breaker__error_rate"
    environment = {f"{rule}__min_samples": "9", rule: "null"}
    for order in (list(environment), list(reversed(environment))):
        (error,) = errors_of(GOOD, {name: environment[name] for name in order})
        what = "circuit_breaker.error_rate.min_samples: unknown key: what stands above it"
        assert error.startswith(f"{rule}__min_samples: {what}")


def test_errors_of_the_file_come_first_then_the_variables_by_name() -> None:
    errors = errors_of(GOOD + "name: no\n", {"KMM__b": "1", "KMM__a": "1"})
    assert [error.split(":")[0] for error in errors] == ["c", "KMM__a", "KMM__b"]


def test_credentials_come_from_two_variables_and_show_nothing() -> None:
    credentials = read_credentials({"KALSHI_API_KEY_ID": "hunter2", "KALSHI_PRIVATE_KEY_PATH": "/k.pem"})
    assert credentials == Credentials("hunter2", Path("/k.pem"))
    assert "hunter2" not in f"{credentials} {credentials!r} {[credentials]}"
    assert read_credentials({}) is None


@pytest.mark.parametrize(
    ("environment", "error"),
    [
        (
            {"KALSHI_API_KEY_ID": "hunter2"},
            "KALSHI_PRIVATE_KEY_PATH: missing, but KALSHI_API_KEY_ID is set",
        ),
        (
            {"KALSHI_PRIVATE_KEY_PATH": "/hunter2"},
            "KALSHI_API_KEY_ID: missing, but KALSHI_PRIVATE_KEY_PATH is set",
        ),
        (
            {"KALSHI_API_KEY_ID": "hunter2\n", "KALSHI_PRIVATE_KEY_PATH": "/k"},
            "KALSHI_API_KEY_ID: must be one printable ASCII word",
        ),
        (
            {"KALSHI_API_KEY_ID": "hun", "KALSHI_PRIVATE_KEY_PATH": "/k"},
            "KALSHI_API_KEY_ID: must be of at least 4 characters",
        ),
        (
            {"KALSHI_API_KEY_ID": "abcd", "KALSHI_PRIVATE_KEY_PATH": "-----BEGIN PRIVATE KEY-----hunter2"},
            "KALSHI_PRIVATE_KEY_PATH: must be the path of the key's file, not the key itself",
        ),
    ],
)
def test_wrong_credentials_are_refused_without_being_shown(environment: dict[str, str], error: str) -> None:
    with pytest.raises(ConfigErrors) as refused:
        read_credentials(environment)
    assert str(refused.value) == error
    assert "hunter2" not in repr(refused.value)
