"""Broken configurations, one mistake each: every one is refused, at its place, in plain words."""

from __future__ import annotations

import pytest

from tests.config.helpers import GOOD, errors_of

V = "version: 1\n"
NUMBER = "write a plain number of at most 15 digits, such as 1000 or 0.5 (quote it if you mean text)"
BOOLEAN = "write true or false (quote it if you mean text)"
MAPPING = "must be a mapping: its keys on the lines below, indented"
FRACTION = "a fraction, such as 0.8 for 80 %"
SECRET = (
    "secrets do not belong in a configuration: "
    "set KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH in the environment"
)
NAME = "must be 1 to 8 small letters or digits"
DESK_NAME = "must be 1 to 32 letters, digits, '_' or '-', beginning with a letter or digit"


def limit(text: str) -> str:
    return GOOD + f"limits: {{{text}}}\n"


def breaker(text: str) -> str:
    return GOOD + f"circuit_breaker:\n    {text}\n"


def quoting(text: str) -> str:
    return GOOD + f"quoting: {{refill_fraction: {text}}}\n"


def desk(text: str) -> str:
    return V + f"desks: {{A: {{{text}}}}}\n"


def two_desks(first: str, its: str, second: str, others: str) -> str:
    desks = ((first, its), (second, others))
    return V + "desks:\n" + "".join(f"  {name}: {{strategy: own, markets: {{{m}}}}}\n" for name, m in desks)


TEXT = [
    (b"", "c:1:1: there is nothing in it"),
    (b"# a comment\n", "c:1:1: there is nothing in it"),
    (b"just text\n", "c:1:1: the top level must be a mapping: lines of key: value"),
    (b"[1, 2]\n", "c:1:1: the top level must be a mapping: lines of key: value"),
    (b"version: 1\nname: \xff\n", "c:2:7: not UTF-8 text"),
    ("version: 1\n# \xe9\n".encode("latin-1"), "c:2:3: not UTF-8 text"),
    (b"version: 1\n\tname: x\n", "c:2:1: a tab: use spaces"),
    (b"name:\tx\n", "c:1:6: a tab: use spaces"),
    (b"name: a\x07b\n", "c:1:8: a control character (U+0007)"),
    ("# \u202e turned around\n".encode(), "c:1:3: a control character (U+202E)"),
    (b"#" * (1 << 20) + b"\n", "c: larger than 1 MiB"),
    (b"a: b: c\n", "c:1:5: not valid YAML: mapping values are not allowed here"),
    (
        b"a: [1, 2\n",
        "c:2:1: not valid YAML: expected ',' or ']', but got '<stream end>' "
        "(while parsing a flow sequence begun in line 1)",
    ),
    (b'name: "\\UFFFFFFFF"\n', "c:1:1: not valid YAML: a character that does not exist"),
    (b"a: 1\n---\nb: 2\n", "c:2:1: a second document begins here: only one is read"),
    (b"[" * 40, "c:1:18: not valid YAML: nested deeper than 16 levels"),
]

WORDS = [
    (GOOD + "name: &a kmm\n", "c:3:7: name: anchors (&name) are not used: write the value out"),
    (GOOD + "name: *a\n", "c:3:7: name: aliases (*name) are not expanded: write the value out"),
    (GOOD + "name: !!str kmm\n", "c:3:7: name: tags (!name) are not used"),
    (GOOD + "run_dir: !!python/object/apply:os.system [ls]\n", "c:3:10: run_dir: tags (!name) are not used"),
    (GOOD + "<<: {name: x}\n", "c:3:1: this key: merge keys are not used: write the values out"),
    (GOOD + "? [a, b]\n: 1\n", "c:3:3: a key must be a single word"),
    (GOOD + "1: x\n", "c:3:1: a key must be text: quote it"),
    (GOOD + "on: x\n", f"c:3:1: this key: {BOOLEAN}"),
    (GOOD + "name: a\nname: b\n", "c:4:1: name: duplicate key, first in line 3"),
    (GOOD + "name: 'a\n\n b'\n", "c:3:7: name: has unprintable characters or line breaks"),
    (
        GOOD + "name:\n",
        "c:3:6: name: no value: leave the key out for its default (null switches a rule off)",
    ),
    (GOOD + "close_on_shutdown: yes\n", f"c:3:20: close_on_shutdown: {BOOLEAN}"),
    (GOOD + "close_on_shutdown: On\n", f"c:3:20: close_on_shutdown: {BOOLEAN}"),
    (GOOD + "close_on_shutdown: True\n", f"c:3:20: close_on_shutdown: {BOOLEAN}"),
    (GOOD + "close_on_shutdown: 'true'\n", "c:3:20: close_on_shutdown: must be true or false, not text"),
    (GOOD + "close_on_shutdown: 1\n", "c:3:20: close_on_shutdown: must be true or false, not a number"),
    (GOOD + "name: 16:00\n", "c:3:7: name: YAML would read this as a number of base 60: quote it"),
    (GOOD + "name: 2026-11-21\n", "c:3:7: name: YAML would read this as a date: quote it"),
    (GOOD + "name: 007\n", f"c:3:7: name: {NUMBER}"),
    (GOOD + "name: 1\n", "c:3:7: name: must be text, not a number: quote it"),
    (GOOD + "name: NULL\n", "c:3:7: name: write null (quote it if you mean text)"),
    (quoting("1e-3"), "c:3:28: quoting.refill_fraction: write 0.001 (quote it if you mean text)"),
    (quoting(".5"), f"c:3:28: quoting.refill_fraction: {NUMBER}"),
    (quoting("+0.5"), f"c:3:28: quoting.refill_fraction: {NUMBER}"),
    (quoting(".nan"), "c:3:28: quoting.refill_fraction: not a number: NaN and infinity have no place here"),
    (quoting("-.inf"), "c:3:28: quoting.refill_fraction: not a number: NaN and infinity have no place here"),
    (quoting("'0.5'"), f"c:3:28: quoting.refill_fraction: must be {FRACTION}, not text"),
    (quoting("true"), f"c:3:28: quoting.refill_fraction: must be {FRACTION}, not true or false"),
    (limit("max_order_dollars: 1_000"), f"c:3:29: limits.max_order_dollars: {NUMBER}"),
    (limit("max_order_dollars: 0x10"), f"c:3:29: limits.max_order_dollars: {NUMBER}"),
    (limit("max_order_dollars: 9999999999999999"), f"c:3:29: limits.max_order_dollars: {NUMBER}"),
]

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

EXCHANGE = [
    ("environment: prod", "c:4:16: exchange.environment: must be simulated, demo or production"),
    (
        "environment: Production",
        'c:4:16: exchange.environment: must be simulated, demo or production, did you mean "production"?',
    ),
    (
        "rest_url: https://x.y/trade-api/v2",
        "c:4:13: exchange.rest_url: rest_url and ws_url go together: give both or none",
    ),
    (
        "rest_url: http://example.com/trade-api/v2\n  ws_url: ws://127.0.0.1:1/trade-api/ws/v2",
        "c:4:13: exchange.rest_url: must be encrypted (https, wss), except on loopback",
    ),
    (
        "rest_url: https://u:hunter2@example.com/trade-api/v2\n  ws_url: wss://x.y/trade-api/ws/v2",
        "c:4:13: exchange.rest_url: must not carry a user or a password",
    ),
    (
        "rest_url: https://x.y/trade-api/v2\n  ws_url: wss://x.y/trade-api/ws/v2/",
        "c:5:11: exchange.ws_url: must end with /trade-api/ws/v2 and nothing else",
    ),
    (
        "rest_url: https://[::1/trade-api/v2\n  ws_url: wss://x.y/trade-api/ws/v2",
        "c:4:13: exchange.rest_url: not an address",
    ),
    (
        "rest_url: https://x.y/trade-api/v2\n  ws_url: wss://x.y:99999/trade-api/ws/v2",
        "c:5:11: exchange.ws_url: not an address",
    ),
    (
        "rest_url: ftp://x.y/trade-api/v2\n  ws_url: wss://x.y/trade-api/ws/v2",
        "c:4:13: exchange.rest_url: must be an address that begins with https://",
    ),
    (
        "environment: demo\n  rest_url: https://api.elections.kalshi.com/trade-api/v2"
        "\n  ws_url: wss://x.y/trade-api/ws/v2",
        "c:5:13: exchange.rest_url: this host is not one of the demo environment",
    ),
    (
        "request_timeout_seconds: 60",
        "c:4:28: exchange.request_timeout_seconds: must be at least 0.1 and at most 5",
    ),
    (
        "simulated: {regime: index_houre}",
        "c:4:23: exchange.simulated.regime: must be index_hour, fast_15_minute, quiet or toxic, "
        'did you mean "index_hour"?',
    ),
]

DESKS = [
    (V, "c:1:1: desks: missing"),
    (V + "desks: {}\n", "c:2:8: desks: at least one desk is needed"),
    (V + "desks: []\n", f"c:2:8: desks: {MAPPING}, not a list"),
    (V + "desks: {A: null}\n", f"c:2:12: desks.A: {MAPPING}, not null"),
    (V + "desks: {A: {}}\n", "c:2:9: desks.A.strategy: missing"),
    (V + "desks: {../A: {strategy: own}}\n", f"c:2:9: desks.../A: {DESK_NAME}"),
    (V + "desks: {-A: {strategy: own}}\n", f"c:2:9: desks.-A: {DESK_NAME}"),
    (V + f"desks: {{{'A' * 33}: {{strategy: own}}}}\n", f"c:2:9: desks.{'A' * 33}: {DESK_NAME}"),
    (desk("strategy: own, limit: {}"), "c:2:28: desks.A.limit: unknown key"),
    (desk("strategy: oen"), 'c:2:23: desks.A.strategy: no such strategy, did you mean "own"?'),
    (
        desk("strategy: ../own"),
        "c:2:23: desks.A.strategy: must be the name of a file in strategies/, without .py",
    ),
    (
        desk("strategy: formulas"),
        "c:2:23: desks.A.strategy: this file has no class Strategy with Params: it is not a strategy",
    ),
    (
        desk("strategy: unloadable"),
        "c:2:23: desks.A.strategy: this strategy cannot be loaded: name 'widht' is not defined",
    ),
    (desk("strategy: needy"), "c:2:9: desks.A.params.target: missing"),
    (desk("strategy: own, params: 3"), f"c:2:36: desks.A.params: {MAPPING}, not a number"),
    (
        desk("strategy: own, params: {half_spred_cents: 1}"),
        'c:2:37: desks.A.params.half_spred_cents: unknown key, did you mean "half_spread_cents"?',
    ),
    (
        desk("strategy: own, params: {half_spread_cents: 51}"),
        "c:2:56: desks.A.params.half_spread_cents: must be at most 50 (half the width)",
    ),
    (
        desk("strategy: own, params: {half_spread_cents: wide}"),
        "c:2:56: desks.A.params.half_spread_cents: must be a number, not text (half the width)",
    ),
    (
        desk("strategy: own, params: {size_contracts: 1.5}"),
        "c:2:53: desks.A.params.size_contracts: must be a whole number, not a number with a point",
    ),
    (
        desk("strategy: own, params: {reference: midd}"),
        'c:2:48: desks.A.params.reference: must be mid or micro, did you mean "mid"?',
    ),
    (
        desk("strategy: own, params: {lean: shorter}"),
        'c:2:43: desks.A.params.lean: must be long or short, did you mean "short"?',
    ),
    (
        desk("strategy: own, params: {is_eager: 1}"),
        "c:2:47: desks.A.params.is_eager: must be true or false, not a number",
    ),
    (
        desk("strategy: own, params: {ladder: [1, x]}"),
        "c:2:49: desks.A.params.ladder[1]: must be a number, not text",
    ),
    (desk("strategy: own, params: {low: 2}"), "c:2:36: desks.A.params: low must not be above high"),
    (
        desk("strategy: own, params: {low: 1e-3}"),
        "c:2:42: desks.A.params.low: write 0.001 (quote it if you mean text)",
    ),
    (
        desk("strategy: own, markets: {tickers: KX}"),
        "c:2:47: desks.A.markets.tickers: must be a list, such as [A, B], not text",
    ),
    (
        desk("strategy: own, markets: {tickers: [KX, kx]}"),
        "c:2:52: desks.A.markets.tickers[1]: must be a ticker: capital letters, digits, '.', '_' and '-'",
    ),
    (
        desk("strategy: own, markets: {tickers: [KX, KX]}"),
        "c:2:52: desks.A.markets.tickers[1]: is in this list already",
    ),
    (
        desk("strategy: own, markets: {filter: {min_probability: 0.9, max_probability: 0.1}}"),
        "c:2:64: desks.A.markets.filter.min_probability: must not be larger than max_probability",
    ),
    (
        GOOD + "exchange: {environment: demo}\n",
        "c:2:9: desks.A.markets: say which: tickers, events or series (real exchanges have thousands)",
    ),
]

SHARED = [
    ("series: [KXBTC]", "series: [KXBTC]", "markets.series[0]: KXBTC", "KXBTC"),
    ("series: [KXBTC]", "events: [KXBTC-26]", "markets.events[0]: KXBTC-26", "KXBTC"),
    ("events: [KXBTC-26]", "tickers: [KXBTC-26-B1]", "markets.tickers[0]: KXBTC-26-B1", "KXBTC-26"),
    ("tickers: [KXBTC-26-B1]", "series: [KXBTC]", "markets.series[0]: KXBTC", "KXBTC-26-B1"),
]


@pytest.mark.parametrize(("content", "error"), TEXT, ids=range(len(TEXT)))
def test_what_is_not_fit_to_be_read_at_all(content: bytes, error: str) -> None:
    assert errors_of(content) == [error]


@pytest.mark.parametrize(("text", "error"), WORDS + VALUES + DESKS, ids=lambda case: repr(case)[-50:])
def test_one_mistake_is_one_error_at_its_place(text: str, error: str) -> None:
    assert errors_of(text) == [error]


@pytest.mark.parametrize(("text", "error"), EXCHANGE, ids=range(len(EXCHANGE)))
def test_an_exchange_that_cannot_be_meant(text: str, error: str) -> None:
    assert errors_of(
        f"{V}desks: {{A: {{strategy: own, markets: {{series: [KX]}}}}}}\nexchange:\n  {text}\n"
    ) == [error]


@pytest.mark.parametrize(("text", "error"), SECRETS, ids=range(len(SECRETS)))
def test_a_secret_is_refused_and_not_shown(text: str, error: str) -> None:
    assert errors_of(text) == [error]
    assert "hunter2" not in error


def test_keys_within_keys_are_given_up_early() -> None:
    assert errors_of("? " * 200_000) == [
        "c:1:3: a key must be a single word",
        "c:1:35: not valid YAML: nested deeper than 16 levels",
    ]


def test_a_whole_key_pasted_into_the_file_is_not_shown_either() -> None:
    errors = errors_of(GOOD + "private_key: |\n  -----BEGIN PRIVATE KEY-----\n  hunter2\n")
    assert errors == [
        f"c:3:1: private_key: {SECRET}",
        "c:3:14: private_key: has unprintable characters or line breaks",
    ]


@pytest.mark.parametrize(("first", "second", "where", "whose"), SHARED)
def test_a_market_belongs_to_one_desk(first: str, second: str, where: str, whose: str) -> None:
    text = two_desks("A", first, "B", second)
    (error,) = errors_of(text)
    assert error.startswith("c:4:")
    assert error.endswith(f'desks.B.{where} is in desk "A" too ({whose}): a market belongs to one desk')


def test_a_desk_of_every_market_leaves_none_for_another() -> None:
    text = f"{V}desks:\n  A: {{strategy: own}}\n  B: {{strategy: own, markets: {{series: [KX]}}}}\n"
    assert errors_of(text) == [
        'c:4:31: desks.B.markets: without tickers, events or series it shares markets with desk "A"'
    ]


def test_desks_whose_files_could_be_one() -> None:
    text = two_desks("A", "series: [KX]", "a", "series: [KY]")
    assert errors_of(text) == [
        'c:4:6: desks.a: differs from desk "A" only by capitals: their files could be one'
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
