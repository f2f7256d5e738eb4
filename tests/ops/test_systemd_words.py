"""What the bot says to a service manager, word by word, and when it keeps silent."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mm.app.notify import Manager, NotifyError, manager_of, status, watchdog_interval
from mm.app.service import Health, Service, service_of
from mm.core.actions import Stop
from mm.core.events import Command, CommandKind
from mm.core.units import SECOND
from tests.observe.engine import TRIPPED, Bench, at
from tests.ops.manager import FakeManager, fake_manager

WELL = Health(loop_lag=0, last_step=at(0), is_written_down=True)


@pytest.fixture
def manager() -> Iterator[FakeManager]:
    with fake_manager() as listening:
        yield listening


def watched(manager: FakeManager, seconds: float | None = 20) -> tuple[Service, Bench]:
    service = service_of(manager.environment(seconds))
    bench = Bench([service])
    service.examine = lambda: WELL._replace(last_step=bench.engine.now)
    return service, bench


def pings(manager: FakeManager) -> int:
    manager.clear()
    count = sum("WATCHDOG" in said for said in manager.heard)
    manager.heard.clear()
    return count


def test_a_path_and_an_abstract_name_are_both_understood() -> None:
    for abstract in (False, True):
        with fake_manager(abstract) as manager:
            assert manager_of(manager.environment()).send("READY=1", status("one\nline"))
            assert manager.hears() == {"READY": "1", "STATUS": "one line"}


def test_without_a_manager_nothing_is_said_and_nothing_is_wrong() -> None:
    silent = manager_of({})
    assert not silent.listens
    assert silent.send("READY=1")
    assert watchdog_interval({}) is None


@pytest.mark.parametrize("address", ["notify", "vsock:2:1", "./notify"])
def test_an_address_that_cannot_be_one_is_refused(address: str) -> None:
    with pytest.raises(NotifyError, match="NOTIFY_SOCKET"):
        Manager(address)


def test_the_watchdog_is_read_as_systemd_writes_it() -> None:
    asked = {"WATCHDOG_USEC": "20000000"}
    assert watchdog_interval(asked) == 20 * SECOND
    assert watchdog_interval({**asked, "WATCHDOG_PID": "7"}, pid=7) == 20 * SECOND
    assert watchdog_interval({**asked, "WATCHDOG_PID": "8"}, pid=7) is None, "it watches another process"
    for wrong in ("-1", "0", "1s", "²", "1.5"):
        with pytest.raises(NotifyError, match="WATCHDOG_USEC"):
            watchdog_interval({"WATCHDOG_USEC": wrong})


def test_a_word_that_is_not_taken_is_no_fault_and_is_said_again() -> None:
    with fake_manager(abstract=True) as manager:
        _, bench = watched(manager)
    for second in range(3):
        bench.time(at(second))  # nobody listens any more
    restarted = FakeManager(manager.address)
    bench.time(at(3))
    restarted.waits_for("READY")
    restarted.close()


def test_it_is_ready_when_the_start_is_over_and_says_what_it_does(manager: FakeManager) -> None:
    _, bench = watched(manager)
    bench.engine.mode = "STARTING"
    for second in range(3):
        bench.time(at(second))
    manager.clear()
    assert manager.names() == ["WATCHDOG", "EXTEND_TIMEOUT_USEC", "STATUS"], "not ready, but alive"
    bench.engine.mode = "QUOTING"
    bench.time(at(3))
    said = "active: 1 markets, 0 orders rest, 0 contracts held, P&L $1.82, breaker ok"
    assert manager.waits_for("READY") == {"READY": "1", "STATUS": said}, "systemctl start shows no older line"
    manager.heard.clear()
    for second in range(4, 30):
        bench.time(at(second))
    manager.clear()
    assert manager.names() == ["WATCHDOG"], "nothing has changed: no word but the pings"


def test_a_tripped_bot_is_ready_too_and_says_why_it_does_not_trade(manager: FakeManager) -> None:
    _, bench = watched(manager)
    bench.engine.mode, bench.engine.breaker = "HALTED", TRIPPED
    bench.time(at(0))
    said = manager.waits_for("READY")["STATUS"]
    assert said.startswith("tripped: ")
    assert said.endswith("breaker tripped: 10 API errors in a row")


def test_a_status_has_no_secret_and_no_second_line(manager: FakeManager) -> None:
    service = service_of(manager.environment(), lambda text: text.replace("hunter2", "[redacted]"))
    bench = Bench([service])
    reason = "bad\nREADY=0 \x1b[2J hunter2" + "x" * 5_000
    bench.engine.breaker = type(TRIPPED)(False, "r", reason, 0, 0, {}, {}, ())
    bench.time(at(0))
    said = manager.waits_for("STATUS")
    assert list(said) == ["READY", "STATUS"]
    assert said["READY"] == "1"
    assert "hunter2" not in said["STATUS"]
    assert "\x1b" not in said["STATUS"]
    assert len(said["STATUS"]) < 500


def test_four_pings_an_interval_as_long_as_all_is_well(manager: FakeManager) -> None:
    _, bench = watched(manager, 20)
    heard = []
    for quarter in range(20 * 4):
        bench.time(at(quarter / 4))
        heard.append(pings(manager))
    assert sum(heard) == 4


@pytest.mark.parametrize(
    "ill",
    [
        WELL._replace(last_step=at(1_000), loop_lag=6 * SECOND),
        WELL._replace(last_step=at(60)),
    ],
    ids=["the loop came late", "no event went through"],
)
def test_no_ping_while_the_loop_is_ill(manager: FakeManager, ill: Health) -> None:
    service, bench = watched(manager)
    bench.time(at(0))
    assert pings(manager) == 1
    service.examine = lambda: ill
    for second in range(66, 120):
        bench.time(at(second))
    assert pings(manager) == 0
    service.examine = lambda: WELL._replace(last_step=bench.engine.now)
    bench.time(at(120))
    assert pings(manager) == 1


def test_a_journal_that_cannot_be_written_is_lived_with_for_two_minutes(manager: FakeManager) -> None:
    """Quotes are pulled meanwhile and come back when there is room; longer, and a new process is tried."""
    service, bench = watched(manager, 4)
    bench.time(at(0))
    assert pings(manager) == 1
    service.examine = lambda: Health(0, bench.engine.now, is_written_down=False)
    heard = []
    for second in range(1, 140):
        bench.time(at(second))
        heard.append(pings(manager))
    assert heard == [1] * 120 + [0] * 19


def test_nothing_is_healthy_before_there_is_a_loop(manager: FakeManager) -> None:
    bench = Bench([service_of(manager.environment(4))])
    bench.time(at(0))
    assert pings(manager) == 0


def test_a_reload_is_framed(manager: FakeManager) -> None:
    service, bench = watched(manager, None)
    service.reloading()
    service.ready()
    assert manager.hears(0) is None, "before the start is over there is no reload"
    bench.time(at(0))
    manager.clear()
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
    service.reloading()
    service.ready()
    service.ready()
    began = manager.hears()
    assert began is not None
    assert began["RELOADING"] == "1"
    assert before <= int(began["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
    assert manager.hears() == {"READY": "1"}
    assert manager.hears(0) is None, "one reload, one end"


def test_a_stop_asks_for_time_until_everything_is_proven(manager: FakeManager) -> None:
    service, bench = watched(manager, None)
    bench.time(at(0))
    manager.clear()
    bench.step(Command(at(1), CommandKind.SHUTDOWN, "SIGTERM"))
    said = manager.waits_for("STOPPING")
    assert said == {"STOPPING": "1", "EXTEND_TIMEOUT_USEC": "60000000", "STATUS": "stopping: SIGTERM"}
    bench.engine.mode = "CLOSING"
    for second in range(2, 5):
        bench.time(at(second))
        assert manager.waits_for("EXTEND_TIMEOUT_USEC")["EXTEND_TIMEOUT_USEC"] == "60000000"
    service.reloading()
    service.ready()
    assert manager.hears(0) is None, "no reload while it stops"
    bench.step(Command(at(6), CommandKind.SHUTDOWN, "again"), Stop(0, "nothing rests"))
    said = manager.waits_for("EXTEND_TIMEOUT_USEC", "90000000")
    assert said["STATUS"] == "stopped: nothing rests; comparing the books"
