"""Right configurations: what they become, in which units, and what the rest of the program is told."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from mm.config.errors import ConfigErrors
from mm.config.exchange import Regime
from mm.config.load import load_config
from mm.config.model import Config
from mm.config.settings import engine_settings
from mm.config.show import config_hash, redacted_dict, to_json, to_yaml, values
from mm.config.strategies import strategy_of
from mm.core.settings import BreakerLimits, RiskLimits
from mm.core.units import CENT, CONTRACT, MONEY_DOLLAR, SECOND
from mm.sim.regimes import REGIMES
from tests.config.helpers import GOOD, STRATEGIES, read
from tests.config.own_strategies.own import OwnParams

ROOT = Path(__file__).resolve().parents[2]

ACCEPTED = [
    GOOD,
    "\ufeff" + GOOD,
    GOOD.replace("\n", "\r\n"),
    "---\n" + GOOD + "...\n",
    GOOD + "# a comment with ünïcode\n",
    GOOD + "name: 'on'\n",
    GOOD + 'name: "007"\n',
    GOOD + "circuit_breaker: {weekly_loss_dollars: ~}\n",
    GOOD + "on_disconnect: flatten\n",
    GOOD + "circuit_breaker: {error_rate: null, daily_loss_dollars: null, feed_lost_seconds: null}\n",
    GOOD + "circuit_breaker: {pnl_threshold: -0.000001, max_inventory_imbalance: 1}\n",
    GOOD + "quoting: {refill_fraction: 0.50, order_lifetime_seconds: 60, min_tick_interval_ms: 0}\n",
    GOOD + "exchange: {simulated: {tape: tape.jsonl.gz, speed: 2.5, seed: 0}}\n",
    "version: 1\ndesks: {A_-1: {strategy: own, params: {ladder: [1, 2.5], half_spread_cents: 50}}}\n",
    "version: 1\ndesks: {A: {strategy: own, markets: {series: [KXBTC]}}, B: {strategy: own, markets: "
    "{series: [KXBTC15M], events: [KXETH-1], tickers: [KXSOL-1-B1.5]}}}\n",
    "version: 1\nexchange: {environment: production}\ndesks: {A: {strategy: own, markets: {series: [KX]}}}\n",
]


@pytest.mark.parametrize("text", ACCEPTED, ids=range(len(ACCEPTED)))
def test_what_is_right_is_read_and_written_back_the_same(text: str) -> None:
    config = read(text).config
    again = read(to_yaml(config)).config
    assert redacted_dict(again) == redacted_dict(config)
    assert config_hash(again) == config_hash(config)


def test_amounts_are_exact_and_in_the_units_of_the_core() -> None:
    text = GOOD + "limits: {max_order_dollars: 50.1, max_order_contracts: 50.01, price_collar_cents: 0.7}\n"
    limits = read(text).config.limits
    assert limits.max_order_dollars.money == 50_100_000
    assert limits.max_order_contracts.units == 5_001
    assert limits.price_collar_cents.price == 70
    assert isinstance(limits.max_order_dollars, Decimal)


def test_left_out_is_the_default_and_the_file_that_comes_with_it_says_the_same() -> None:
    default = load_config(ROOT / "config.yaml", {})
    bare = read("version: 1\ndesks: {DEFAULT: {strategy: glft}}\n".replace("glft", "own")).config
    shown, expected = redacted_dict(default), redacted_dict(bare)
    assert list(default.desks) == ["DEFAULT"]
    assert default.desks["DEFAULT"].limits == bare.desks["DEFAULT"].limits
    del shown["desks"], expected["desks"]
    assert shown == expected


def test_the_three_keys_of_the_manual_have_its_values() -> None:
    rules = read(GOOD).config.circuit_breaker
    assert rules.max_consecutive_errors == 10
    assert rules.pnl_threshold.money == -100 * MONEY_DOLLAR
    assert rules.max_inventory_imbalance == Decimal("0.8")


def test_a_path_that_cannot_be_read_is_an_error_like_any_other(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml", Path("a\0b")):
        with pytest.raises(ConfigErrors, match="cannot be read: "):
            load_config(path, {})


def test_a_configuration_cannot_be_changed() -> None:
    config = read(GOOD).config
    with pytest.raises(ValidationError, match="frozen"):
        config.name = "x"


def test_the_engine_is_told_in_its_own_units() -> None:
    text = (
        "version: 1\nname: bot7\nclose_on_shutdown: true\non_disconnect: flatten\n"
        "limits: {max_total_exposure_dollars: 30.5, price_collar_cents: 7,"
        " max_order_contracts: 9.25, max_order_dollars: 2.5}\n"
        "circuit_breaker: {pnl_threshold: -12.5, weekly_loss_dollars: null, feed_lost_seconds: 1.5,"
        " error_rate: {window_seconds: 60, min_samples: 5, max_fraction: 0.25}}\n"
        "quoting: {order_lifetime_seconds: 60, refill_fraction: 0.75, cancel_on_pause: false}\n"
        "desks:\n"
        "  A: {strategy: own, limits: {max_position_contracts: 7.5, max_order_contracts: 2,"
        " max_order_dollars: 1.25, max_event_exposure_dollars: 9}}\n"
    )
    settings = engine_settings(read(text).config, "r1", {"A": ("KX-1", "KX-2")})
    (desk,) = settings.desks
    assert (settings.instance, settings.run, settings.close_on_shutdown) == ("bot7", "r1", True)
    assert settings.flatten_on_feed_lost
    assert settings.max_total_exposure == 30_500_000
    assert (settings.hard_cap_count, settings.hard_cap_value) == (925, 2_500_000)
    assert (settings.order_lifetime, settings.refill_fraction) == (60 * SECOND, 0.75)
    assert not settings.cancel_on_pause
    assert (desk.name, desk.strategy, desk.markets) == ("A", "own", ("KX-1", "KX-2"))
    assert desk.limits == RiskLimits(750, 2 * CONTRACT, 1_250_000, 9 * MONEY_DOLLAR, 7 * CENT)
    assert settings.breaker == BreakerLimits(
        pnl_threshold=-12_500_000,
        weekly_loss=None,
        feed_lost=1_500_000_000,
        max_error_fraction=0.25,
        error_window=60 * SECOND,
        error_min_samples=5,
    )


def test_the_tighter_of_desk_and_account_wins() -> None:
    text = GOOD + "limits: {max_order_contracts: 3, max_order_dollars: 0.1}\n"
    (desk,) = engine_settings(read(text).config, "r", {}).desks
    assert (desk.limits.max_order_count, desk.limits.max_order_value) == (3 * CONTRACT, 100_000)


def test_rules_that_are_off_stay_off_in_the_engine() -> None:
    text = GOOD + (
        "circuit_breaker: {error_rate: null, daily_loss_fraction: null, daily_loss_dollars: null,"
        " losing_round_trips: null, feed_lost_seconds: null}\n"
    )
    breaker = engine_settings(read(text).config, "r", {}).breaker
    assert breaker.max_error_fraction is None
    assert breaker.daily_loss_fraction is None
    assert breaker.daily_loss is None
    assert breaker.losing_round_trips is None
    assert breaker.feed_lost is None


def test_the_engines_defaults_are_the_files_defaults() -> None:
    settings = engine_settings(read(GOOD).config, "r", {})
    assert settings.breaker == BreakerLimits()
    assert settings.desks[0].limits == RiskLimits()


def test_a_desks_strategy_comes_with_its_parameters_defaults_too() -> None:
    config = read("version: 1\ndesks: {A: {strategy: own, params: {half_spread_cents: 3}}}\n").config
    strategy, params = strategy_of(config.desks["A"], STRATEGIES)
    assert strategy.__module__ == f"{STRATEGIES}.own"
    assert params == OwnParams(half_spread_cents=3.0)
    assert config.desks["A"].params["size_contracts"] == 10


def test_where_to_connect() -> None:
    def endpoints(exchange: str) -> object:
        desks = "desks: {A: {strategy: own, markets: {series: [K]}}}\n"
        return read(f"version: 1\n{desks}exchange: {{{exchange}}}\n").config.exchange.endpoints

    assert endpoints("environment: simulated") is None
    assert endpoints("environment: demo") == (
        "https://external-api.demo.kalshi.co/trade-api/v2",
        "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
    )
    assert endpoints("environment: production") == (
        "https://external-api.kalshi.com/trade-api/v2",
        "wss://external-api-ws.kalshi.com/trade-api/ws/v2",
    )
    own = ("http://127.0.0.1:8443/trade-api/v2", "ws://127.0.0.1:8443/trade-api/ws/v2")
    assert endpoints(f"rest_url: '{own[0]}', ws_url: '{own[1]}'") == own


def test_the_hash_changes_with_a_value_and_not_with_its_form() -> None:
    spelled = "desks: # a comment\n  A:\n    strategy: own\nversion: 1\nclose_on_shutdown: false\n"
    same, other = read(spelled).config, read(GOOD + "close_on_shutdown: true\n").config
    assert config_hash(same) == config_hash(read(GOOD).config)
    assert config_hash(other) != config_hash(same)
    assert len(config_hash(same)) == 16
    desks = ["A: {strategy: own, markets: {series: [KX]}}", "B: {strategy: own, markets: {series: [KY]}}"]
    hashes = {
        config_hash(read(f"version: 1\ndesks: {{{', '.join(order)}}}\n").config)
        for order in (desks, desks[::-1])
    }
    assert len(hashes) == 1


def test_every_value_knows_where_it_came_from() -> None:
    loaded = read(GOOD + "name: bot\n", {"KMM__log__level": "debug"})
    found = {value.key: (value.value, value.origin) for value in values(loaded)}
    assert found["name"] == ("bot", "c:3")
    assert found["log.level"] == ("debug", "KMM__log__level")
    assert found["log.format"] == ("json", "default")
    assert found["desks.A.params.size_contracts"] == (10, "default")
    assert found["circuit_breaker.error_rate.max_fraction"] == (Decimal("0.1"), "default")


def test_what_is_shown_is_strict_json() -> None:
    shown = json.loads(to_json(read(GOOD).config))
    assert shown["circuit_breaker"]["max_inventory_imbalance"] == 0.8
    assert shown["limits"]["max_order_dollars"] == 500
    assert set(shown) == set(Config.model_fields)


def test_the_regimes_are_those_of_the_simulated_exchange() -> None:
    assert set(get_args(Regime)) == set(REGIMES)
