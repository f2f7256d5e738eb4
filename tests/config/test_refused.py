"""Broken configurations, one mistake each: every one is refused, at its place, in plain words."""

from __future__ import annotations

import pytest

from tests.config.helpers import GOOD, errors_of
from tests.config.short_files import MAPPING, breaker, desk, limit, quoting
from tests.config.test_refused_desks import DESKS
from tests.config.test_refused_exchange import EXCHANGE
from tests.config.test_refused_yaml import TEXT, WORDS

SECRET = (
    "secrets do not belong in a configuration: "
    "set KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH in the environment"
)
NAME = "must be 1 to 8 small letters or digits"

VALUES = [
    ("desks: {A: {strategy: own}}\n", "c:1:1: version: missing"),
    ("version: 2\ndesks: {A: {strategy: own}}\n", "c:1:10: version: this program reads version 1 only"),
    (
        "version: true\ndesks: {A: {strategy: own}}\n",
        "c:1:10: version: must be a whole number, not true or false",
    ),
    (GOOD + "limits: null\n", f"c:3:9: limits: {MAPPING}, not null"),
    (GOOD + "limits: [1]\n", f"c:3:9: limits: {MAPPING}, not a list"),
    (GOOD + "log: json\n", f"c:3:6: log: {MAPPING}, not text"),
    (GOOD + "name: Kalshi-Bot\n", f"c:3:7: name: {NAME}"),
    (GOOD + "name: ''\n", f"c:3:7: name: {NAME}"),
    (GOOD + "name: x12345678\n", f"c:3:7: name: {NAME}"),
    (GOOD + "run_dir: ''\n", "c:3:10: run_dir: must be a path of 1 to 1024 characters"),
    (
        quoting("50"),
        "c:3:28: quoting.refill_fraction: must be at least 0 and at most 1; a fraction: 0.5 for 50 %",
    ),
    (quoting("500"), "c:3:28: quoting.refill_fraction: must be at least 0 and at most 1"),
    (quoting("0.1234567"), "c:3:28: quoting.refill_fraction: at most 6 digits after the point"),
    (
        limit("max_order_dollars: 0"),
        "c:3:29: limits.max_order_dollars: must be above 0 and at most 1000000000",
    ),
    (
        limit("max_order_dollars: -5"),
        "c:3:29: limits.max_order_dollars: must be above 0 and at most 1000000000",
    ),
    (
        limit("max_order_dollars: $100"),
        "c:3:29: limits.max_order_dollars: must be dollars, such as 100 or 0.25, not text",
    ),
    (
        limit("price_collar_cents: 0.005"),
        "c:3:30: limits.price_collar_cents: at most 2 digits after the point",
    ),
    (
        breaker("losing_round_trips: 2.5"),
        "c:4:25: circuit_breaker.losing_round_trips: must be a whole number, not a number with a point",
    ),
    (
        breaker("max_consecutive_erors: 5"),
        'c:4:5: circuit_breaker.max_consecutive_erors: unknown key, did you mean "max_consecutive_errors"?',
    ),
    (
        breaker("max_inventory_imbalance: 80"),
        "c:4:30: circuit_breaker.max_inventory_imbalance: must be above 0 and at most 1; "
        "a fraction: 0.8 for 80 %",
    ),
    (
        breaker("pnl_threshold: 100"),
        "c:4:20: circuit_breaker.pnl_threshold: must be at least -1000000000 and below 0; "
        "a loss is negative: -100 for one hundred dollars",
    ),
    (
        breaker("pnl_threshold: null"),
        "c:4:20: circuit_breaker.pnl_threshold: must be dollars, such as 100 or 0.25, not null",
    ),
    (
        breaker("daily_loss_dollars: -50"),
        "c:4:25: circuit_breaker.daily_loss_dollars: must be above 0 and at most 1000000000; "
        "a loss is written as a positive number here",
    ),
    (
        breaker("max_consecutive_errors: 0"),
        "c:4:29: circuit_breaker.max_consecutive_errors: must be at least 1 and at most 1000",
    ),
    (
        breaker("max_consecutive_errors: ten"),
        "c:4:29: circuit_breaker.max_consecutive_errors: must be a whole number, not text",
    ),
    (
        breaker("error_rate: {max_fraction: 10}"),
        "c:4:32: circuit_breaker.error_rate.max_fraction: must be above 0 and at most 1; "
        "a fraction: 0.1 for 10 %",
    ),
    (GOOD + "log: {level: verbose}\n", "c:3:14: log.level: must be debug, info, warning or error"),
    (
        GOOD + "on_disconnect: flaten\n",
        'c:3:16: on_disconnect: must be cancel or flatten, did you mean "flatten"?',
    ),
    (
        GOOD + "quoting: {order_lifetime_seconds: 1}\n",
        "c:3:35: quoting.order_lifetime_seconds: must be at least 10 and at most 86400",
    ),
    (
        GOOD + "on_disconnect: flatten\ncircuit_breaker: {feed_lost_seconds: null}\n",
        "c:3:16: on_disconnect: flatten does nothing while circuit_breaker.feed_lost_seconds is null",
    ),
]

SECRETS = [
    (GOOD + "exchange: {api_key: hunter2}\n", f"c:3:12: exchange.api_key: {SECRET}"),
    (GOOD + "password: hunter2\n", f"c:3:1: password: {SECRET}"),
    (GOOD + "KALSHI_API_KEY_ID: hunter2\n", f"c:3:1: KALSHI_API_KEY_ID: {SECRET}"),
    (GOOD + "run_dir: '-----BEGIN PRIVATE KEY-----hunter2'\n", f"c:3:10: run_dir: {SECRET}"),
    (desk("strategy: own, params: {token: hunter2}"), f"c:2:37: desks.A.params.token: {SECRET}"),
]


@pytest.mark.parametrize(("text", "error"), VALUES, ids=lambda case: repr(case)[-50:])
def test_one_mistake_is_one_error_at_its_place(text: str, error: str) -> None:
    assert errors_of(text) == [error]


@pytest.mark.parametrize(("text", "error"), SECRETS, ids=range(len(SECRETS)))
def test_a_secret_is_refused_and_not_shown(text: str, error: str) -> None:
    assert errors_of(text) == [error]
    assert "hunter2" not in error


def test_a_whole_key_pasted_into_the_file_is_not_shown_either() -> None:
    errors = errors_of(GOOD + "private_key: |\n  -----BEGIN PRIVATE KEY-----\n  hunter2\n")
    assert errors == [
        f"c:3:1: private_key: {SECRET}",
        "c:3:14: private_key: has unprintable characters or line breaks",
    ]


def test_all_errors_come_at_once_in_the_order_of_the_file() -> None:
    text = (
        "version: 1\n"
        "name: no\n"
        "desks:\n"
        "  A:\n"
        "    strategy: own\n"
        "    params: {size_contracts: 0, half_spred_cents: 1}\n"
        "    limits: {max_order_dollars: -1}\n"
        "  A: {}\n"
        "circuit_breaker:\n"
        "  max_consecutive_erors: 5\n"
        "  pnl_threshold: 100\n"
        "log: {level: loud}\n"
    )
    assert [error.split(":")[:4] for error in errors_of(text)] == [
        ["c", "2", "7", " name"],
        ["c", "6", "30", " desks.A.params.size_contracts"],
        ["c", "6", "33", " desks.A.params.half_spred_cents"],
        ["c", "7", "33", " desks.A.limits.max_order_dollars"],
        ["c", "8", "3", " desks.A"],
        ["c", "10", "3", " circuit_breaker.max_consecutive_erors"],
        ["c", "11", "18", " circuit_breaker.pnl_threshold"],
        ["c", "12", "14", " log.level"],
    ]


def test_there_are_enough_of_them() -> None:
    """The control catalogue asks for 60 (row X08)."""
    assert len(TEXT) + len(WORDS) + len(VALUES) + len(SECRETS) + len(EXCHANGE) + len(DESKS) >= 100
