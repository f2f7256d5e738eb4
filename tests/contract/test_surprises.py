"""The thirty surprises of the exchange (protocol section 14): where each is shown at the simulated exchange,
where the bot is shown to bear it, or that it is not there, as the manual says."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = ROOT / ".." / "shared" / "kalshi" / "protocol.md"
MANUAL = ROOT / "docs" / "simulated-exchange.md"
LISTED = 30


@dataclass(frozen=True)
class Surprise:
    """``words`` stand in the list of the protocol; ``exchange`` and ``bot`` are tests below ``tests/``;
    ``missing`` are words of the manual's list of what is not there, ``idle`` says why the bot is spared."""

    words: str
    exchange: tuple[str, ...] = ()
    bot: tuple[str, ...] = ()
    missing: str = ""
    idle: str = ""


NOT_KNOWN = "the bot knows of one shard and of no regions"
SURPRISES: dict[int, Surprise] = {
    1: Surprise(
        "Sign the path with `/trade-api/v2`, without query",
        ("sim/test_server.py::test_a_signature_counts_for_its_method_path_and_time_only",),
        ("kalshi/test_auth.py::test_a_query_is_never_signed",),
    ),
    2: Surprise(
        "All V2 numbers are strings",
        ("sim/test_rest_orders.py::test_an_unreadable_create_is_a_flat_400",),
        ("kalshi/test_calls.py::test_a_create_as_the_exchange_wants_it",),
    ),
    3: Surprise(
        "ask price is the YES price",
        ("sim/test_rest.py::test_a_book_is_written_with_the_best_last_and_no_prices_on_the_no_leg",),
        ("kalshi/test_codec.py::test_the_no_side_is_an_ask_on_the_yes_leg",),
    ),
    4: Surprise(
        "best is **last**",
        ("sim/test_rest.py::test_a_book_is_written_with_the_best_last_and_no_prices_on_the_no_leg",),
        ("kalshi/test_recorded.py::test_the_rebuilt_book_equals_the_exchanges_own_tickers",),
    ),
    5: Surprise(
        "user_order uses `ticker`",
        ("sim/test_stream.py::test_every_message_fits_the_specification",),
        (
            "kalshi/test_codec.py::test_a_user_order_is_a_report",
            "kalshi/test_codec.py::test_a_fill_stands_alone",
        ),
    ),
    6: Surprise(
        "client_order_id never reusable",
        (
            "sim/test_entry.py::test_a_client_order_id_is_never_free_again_but_belongs_to_its_account",
            "sim/test_attic.py::test_a_client_order_id_stays_used_up_after_its_order_is_forgotten",
        ),
        (
            "core/test_orders.py::test_a_client_order_id_is_used_once",
            "kalshi/test_calls.py::test_a_duplicate_id_on_create_probably_means_that_it_was_placed",
        ),
    ),
    7: Surprise(
        "404 on cancel",
        ("sim/test_changes.py::test_unknown_canceled_executed_and_foreign_are_one_and_the_same_404",),
        ("core/test_engine_doubt.py::test_not_found_on_a_cancel_proves_only_that_it_does_not_rest",),
    ),
    8: Surprise(
        "Pass market_ticker on cancel",
        (
            "sim/test_shards.py::test_an_order_is_found_by_its_market_or_its_shard_and_else_sought_on_the_first",
        ),
        ("kalshi/test_calls.py::test_a_cancel_names_the_market_so_that_it_finds_the_shard",),
    ),
    9: Surprise(
        "amend count is the total",
        ("sim/test_changes.py::test_the_count_of_an_amend_is_the_total_with_what_has_filled",),
        ("kalshi/test_calls.py::test_an_amend_names_the_order_and_its_total",),
    ),
    10: Surprise(
        "reduce_only only IOC",
        (
            "sim/test_entry.py::test_what_is_refused_with_400",
            "sim/test_entry.py::test_reduce_only_is_capped_to_the_position_it_closes",
        ),
        ("kalshi/test_calls.py::test_expiry_is_in_seconds_and_only_with_good_till_canceled",),
    ),
    11: Surprise(
        "expiration seconds, not ms; IOC + expiration refused",
        ("sim/test_entry.py::test_what_is_refused_with_400",),
        ("kalshi/test_calls.py::test_expiry_is_in_seconds_and_only_with_good_till_canceled",),
    ),
    12: Surprise(
        "IOC/STP give 201 with remaining 0.00",
        (
            "sim/test_entry.py::test_an_immediate_order_without_a_match_ends_empty",
            "sim/test_entry.py::test_taker_at_cross_stops_before_its_own_order",
        ),
        ("kalshi/test_calls.py::test_success",),
    ),
    13: Surprise(
        "post-only cross is a 400",
        ("sim/test_entry.py::test_a_post_only_cross_is_a_400_and_leaves_nothing_behind",),
        (
            "core/test_engine_quoting.py::test_refusals_alone_never_trip_the_breaker_nor_wait_longer_than_a_minute",
        ),
    ),
    14: Surprise(
        "Four error body shapes",
        (
            "sim/test_contract.py::test_a_long_run_of_random_requests_keeps_to_both_specifications",
            "sim/test_rest_orders.py::test_a_create_is_refused_as_the_exchange_words_it",
        ),
        ("kalshi/test_calls.py::test_a_refusal_in_every_shape",),
    ),
    15: Surprise(
        "429 body `error` is a string",
        ("sim/test_rest_orders.py::test_a_used_up_budget_is_429_and_fills_up_again",),
        (
            "kalshi/test_calls.py::test_a_refusal_in_every_shape",
            "kalshi/test_limiter.py::test_after_a_429_nothing_is_left",
        ),
    ),
    16: Surprise(
        "Resting orders die on market reactivation and on close",
        (
            "sim/test_lifecycle.py::test_resting_orders_survive_a_deactivation_and_die_on_reactivation",
            "sim/test_lifecycle.py::test_shortly_after_the_close_orders_rest_out_of_reach",
        ),
        ("core/test_engine_doubt.py::test_a_refused_cancel_is_repeated_until_the_order_is_gone",),
    ),
    17: Surprise(
        "No WS event for open and close",
        ("sim/test_life_on_both_faces.py::test_the_close_comes_in_silence_and_takes_the_orders_along",),
        ("core/test_engine_quoting.py::test_after_the_close_nothing_is_quoted_though_no_message_says_so",),
    ),
    18: Surprise(
        "fills/orders have no seq",
        ("sim/test_stream.py::test_every_message_fits_the_specification",),
        ("core/test_engine_reads.py::test_a_fill_lost_on_the_way_is_found_by_a_read",),
    ),
    19: Surprise(
        "GET lags",
        ("sim/test_rest.py::test_reads_trail_the_engine_and_say_so",),
        (
            "core/test_engine_reads.py::test_a_read_too_early_to_know_the_order_asks_nothing",
            "core/test_engine_reads.py::test_a_position_that_is_wrong_once_is_the_lag_of_a_read",
        ),
    ),
    20: Surprise(
        "Per-shard cash and write buckets",
        (
            "sim/test_shards.py::test_cash_of_one_shard_does_not_pay_on_another",
            "sim/test_shards.py::test_a_shard_that_is_named_has_a_write_budget_of_its_own",
        ),
        idle=NOT_KNOWN,
    ),
    21: Surprise(
        "Weekly Thursday pause",
        ("sim/test_pauses.py::test_thursday_night_stops_trading_for_two_hours_by_itself",),
        (
            "core/test_engine_quoting.py::test_refusals_in_a_row_make_the_bot_wait_longer_and_a_success_forgives_them",
        ),
    ),
    22: Surprise(
        "Empty-side prices 0/1 ambiguous",
        ("sim/test_rest.py::test_an_empty_side_reads_as_recorded_before_and_after_a_first_order",),
        ("kalshi/test_catalog.py::test_an_empty_side_is_known_by_its_size",),
    ),
    23: Surprise(
        "Set use_yes_price explicitly",
        ("sim/test_stream.py::test_snapshot_and_deltas_rebuild_the_book_that_rest_shows",),
        ("kalshi/test_session.py::test_it_asks_for_each_channel_on_its_own_and_says_which_leg",),
    ),
    24: Surprise(
        "Cancel-all keeps cancelling",
        ("sim/test_changes.py::test_the_tail_of_a_cancel_all_may_sweep_what_came_later",),
        (
            "core/test_engine_operators.py::"
            "test_more_than_twenty_orders_go_by_one_cancel_all_and_nothing_is_placed_for_a_minute",
        ),
    ),
    25: Surprise(
        "Region attestation expiry",
        (
            "sim/test_regions.py::test_after_the_lapse_games_cannot_be_traded_and_everything_else_can",
            "sim/test_regions.py::test_keys_are_listed_with_when_the_attestation_lapses_and_the_operator_renews_it",
        ),
        idle=NOT_KNOWN,
    ),
    26: Surprise(
        "GET market has no series_ticker",
        ("sim/test_rest.py::test_reads_fit_the_specification",),
        ("kalshi/test_catalog.py::test_a_market_is_read_with_its_event_and_series",),
    ),
    27: Surprise(
        "MarginCancel can remove quotes silently",
        ("sim/test_entry.py::test_resting_orders_lock_no_cash_and_die_at_the_match_when_it_is_gone",),
        (
            "core/test_engine_quoting.py::test_what_the_cash_cannot_bear_is_not_sent",
            "core/test_orders.py::test_an_end_is_believed_in_every_state",
        ),
    ),
    28: Surprise(
        "Maker fee only on some series",
        ("sim/test_fees.py::test_makers_pay_only_where_the_series_says_so",),
        ("kalshi/test_fees.py::test_the_published_fees",),
    ),
    29: Surprise(
        "price grid can change intraday",
        ("sim/test_life_on_both_faces.py::test_the_grid_becomes_finer_while_orders_rest",),
        ("core/test_desk.py::test_news_of_a_grid_and_of_fees_reach_the_next_view",),
    ),
    30: Surprise(
        "trailing newline in frames; ignore unknown types/fields",
        ("sim/test_stream.py::test_every_message_fits_the_specification",),
        (
            "kalshi/test_session_gaps.py::test_acknowledgements_errors_and_unknown_types_use_a_number_too",
            "kalshi/test_session_gaps.py::test_strangers_change_nothing_but_are_counted",
        ),
    ),
}


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("number", SURPRISES)
def test_each_is_shown_on_both_sides_or_said_to_be_missing(number: int) -> None:
    surprise = SURPRISES[number]
    for where in surprise.exchange + surprise.bot:
        path, _, name = where.partition("::")
        assert name in names_in(path), f"{where} is gone: what shows {surprise.words!r} now?"
    assert surprise.exchange or surprise.missing
    assert surprise.bot or surprise.idle
    _, _, not_there = MANUAL.read_text().partition("**Not there.**")
    assert surprise.missing in " ".join(not_there.split())


@pytest.mark.skipif(not PROTOCOL.exists(), reason="the protocol's own list is not here (../shared/kalshi)")
def test_the_table_is_the_protocols_list() -> None:
    _, _, rest = PROTOCOL.read_text().partition("## 14. Gotchas checklist")
    section = " ".join(rest.partition("\n## ")[0].split())
    items = dict(zip(*[iter(re.split(r"(?:^|\s)(\d+)\. ", section)[1:])] * 2, strict=True))
    assert [int(number) for number in items] == list(range(1, LISTED + 1)) == list(SURPRISES)
    for number, surprise in SURPRISES.items():
        assert surprise.words in items[str(number)], f"{number}: {items[str(number)]}"
