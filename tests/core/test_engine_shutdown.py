"""Shutdown: cancel all, read back until it is proven that nothing rests, and end with a truthful code."""

from __future__ import annotations

from mm.core.events import CommandKind, Tick
from mm.core.units import CONTRACT
from tests.core.bench import Bench
from tests.core.words import row


def one_rests() -> Bench:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    bench.ack(1)
    return bench


def read(bench: Bench, **told: object) -> list[str]:
    """Until the next account read is asked for; the story answers it."""
    for _ in range(20):
        bench.wait(0.25)
        if "read account" in bench.step(Tick(bench.now, 100, 100)):
            bench.wait(0.01)
            return bench.account(**told)  # type: ignore[arg-type]
    raise AssertionError("the account was not read")


def test_two_fresh_clean_reads_prove_the_end() -> None:
    bench = one_rests()
    assert bench.command(CommandKind.SHUTDOWN) == ["cancel #1"]
    bench.canceled(1, 10)
    assert read(bench) == []
    assert read(bench) == ["stop 0"]
    assert bench.engine.mode.value == "closed"


def test_a_read_that_is_not_newer_proves_nothing() -> None:
    bench = one_rests()
    bench.command(CommandKind.SHUTDOWN)
    bench.canceled(1, 10)
    as_of = bench.now
    assert read(bench, as_of=as_of) == []
    assert read(bench, as_of=as_of) == []
    assert read(bench, as_of=as_of + 1) == ["stop 0"]


def test_reads_do_not_count_while_an_order_is_not_known_to_be_gone() -> None:
    bench = one_rests()
    bench.command(CommandKind.SHUTDOWN)
    assert read(bench) == []
    assert read(bench) == []
    bench.canceled(1, 10)
    assert read(bench) == []
    assert read(bench) == ["stop 0"]


def test_an_order_that_a_read_shows_is_cancelled_first() -> None:
    bench = one_rests()
    bench.command(CommandKind.SHUTDOWN)
    bench.canceled(1, 10)
    assert read(bench) == []
    assert read(bench, resting=(row("bot-run0-3", "Xold"),)) == []
    assert bench.tick() == ["cancel #bot-run0-3"]
    bench.canceled_by_id(bench.engine.know.orders.by_client_id["bot-run0-3"], 10)
    assert read(bench) == []
    assert read(bench) == ["stop 0"]


def test_orders_of_others_do_not_hold_up_the_end() -> None:
    bench = one_rests()
    bench.command(CommandKind.SHUTDOWN)
    bench.canceled(1, 10)
    stranger = row("by-hand", "Xhand")
    assert read(bench, resting=(stranger,)) == ["alert order_anomaly"]
    assert read(bench, resting=(stranger,)) == ["stop 0"]


def test_what_cannot_be_proven_in_time_is_said_and_ends_with_three() -> None:
    bench = one_rests()
    bench.command(CommandKind.SHUTDOWN)
    bench.doubt(1)
    asked = bench.now
    while True:
        lines = bench.tick(0.5)
        if "stop 3" in lines:
            break
        if bench.order(1).request_id:
            bench.doubt(1)
    assert lines[-2:] == ["alert bot_shutdown", "stop 3"]
    assert bench.now - asked >= bench.settings.shutdown_patience
    assert bench.order(1).open == 10 * CONTRACT


def test_failing_reads_end_with_three_too() -> None:
    bench = one_rests()
    bench.command(CommandKind.SHUTDOWN)
    bench.canceled(1, 10)
    ends: list[str] = []
    while not ends:
        bench.wait(0.5)
        for line in bench.step(Tick(bench.now, 100, 100)):
            if line == "read account":
                bench.fail_the_read()
            elif line.startswith("stop"):
                ends.append(line)
    assert ends == ["stop 3"]


def test_an_order_acknowledged_during_the_shutdown_is_cancelled() -> None:
    bench = Bench().quoting(wishes="51:10 |")
    bench.tick()
    assert bench.command(CommandKind.SHUTDOWN) == ["withhold"]
    assert bench.ack(1) == ["cancel #1"]
    bench.canceled(1, 10)
    read(bench)
    assert read(bench) == ["stop 0"]


def test_nothing_is_quoted_after_the_command_and_it_is_taken_once() -> None:
    bench = one_rests()
    bench.command(CommandKind.SHUTDOWN)
    bench.canceled(1, 10)
    assert bench.command(CommandKind.SHUTDOWN) == []
    assert bench.command(CommandKind.RESUME) == []
    assert bench.command(CommandKind.RESET) == []
    assert bench.tick(1) == []


def test_a_shutdown_ends_a_halt_truthfully() -> None:
    bench = one_rests()
    bench.command(CommandKind.HALT)
    bench.command(CommandKind.SHUTDOWN)
    bench.canceled(1, 10)
    read(bench)
    assert read(bench) == ["stop 0"]


def test_a_shutdown_before_the_start_was_over_proves_the_same() -> None:
    bench = Bench()
    bench.command(CommandKind.SHUTDOWN)
    read(bench)
    assert read(bench) == ["stop 0"]
