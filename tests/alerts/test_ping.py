"""The dead man's ping against a real web server: only a loop that turns is vouched for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mm.alerts.courier import Report
from mm.alerts.ping import Address, DeadMan, Ping, Signal, Style
from mm.alerts.way import NotDelivered
from mm.core.actions import Alert, AlertLevel
from tests.alerts.servers import PATIENT, Visits, free_port, hanging_server, web_server
from tests.alerts.words import NOW
from tests.observe.test_files import wait_until

NEVER, ALWAYS = 3_600.0, 0.005
CHECK = "/c0ffee-uuid"
CRASH = Alert(AlertLevel.CRITICAL, "bot_crash", "a fault of ours ends the run: KeyError")
END = Alert(AlertLevel.INFO, "bot_shutdown", "stopped: nothing of ours rests")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread may stand still longer than an operator would wait for the end."""
    for name in ("PATIENCE_SECONDS", "TIMEOUT_SECONDS"):
        monkeypatch.setattr(f"mm.alerts.ping.{name}", PATIENT)


@pytest.fixture
def visits() -> Iterator[Visits]:
    with web_server() as server:
        yield server


def ignore(report: Report) -> None:
    """Not of interest here."""


def dead_man(visits: Visits, period: float, style: Style = Style.HEALTHCHECKS) -> DeadMan:
    return DeadMan(Address(visits.url + CHECK, style), period, ignore, retry_seconds=0.005)


def test_a_start_then_pings_while_the_loop_turns_then_a_note(visits: Visits) -> None:
    watch = dead_man(visits, ALWAYS)
    wait_until(lambda: visits.paths() == [f"{CHECK}/start"])
    for count in range(2, 5):
        watch.pulse("")
        wait_until(lambda count=count: len(visits.asked) == count)  # type: ignore[misc]
    watch.send(END, NOW)
    watch.close()
    assert visits.paths() == [f"{CHECK}/start", CHECK, CHECK, CHECK, f"{CHECK}/log"]
    assert visits.asked[-1] == ("POST", f"{CHECK}/log", END.message)


def test_a_loop_that_hangs_is_silence(visits: Visits) -> None:
    """Without a pulse no ping, however many periods pass: the next thing said is the end."""
    watch = dead_man(visits, ALWAYS)
    watch.pulse("")
    wait_until(lambda: CHECK in visits.paths())
    pings = visits.paths().count(CHECK)
    other = dead_man(visits, ALWAYS)  # lives through many periods meanwhile
    for _ in range(10):
        before = len(visits.asked)
        other.pulse("tripped")
        wait_until(lambda before=before: len(visits.asked) > before)  # type: ignore[misc]
    other.close()
    watch.close()
    assert visits.paths().count(CHECK) == pings == 1


def test_a_trip_is_told_at_once_and_again_while_it_lasts(visits: Visits) -> None:
    patient, impatient = dead_man(visits, NEVER), None
    patient.pulse("")
    patient.pulse("no trading: market data lost")
    patient.pulse("no trading: market data lost")
    patient.close()
    fail = ("POST", f"{CHECK}/fail", "no trading: market data lost")
    assert visits.asked == [("POST", f"{CHECK}/start", ""), fail]
    impatient = dead_man(visits, ALWAYS)
    for count in (4, 5):
        impatient.pulse("no trading: market data lost")
        wait_until(lambda count=count: len(visits.asked) >= count)  # type: ignore[misc]
    impatient.close()
    assert set(visits.asked[3:]) == {fail}


def test_a_crash_is_the_last_word_unless_the_loop_turns_again(visits: Visits) -> None:
    watch = dead_man(visits, NEVER)
    watch.send(CRASH, NOW)
    watch.send(END, NOW)
    watch.close()
    assert visits.paths() == [f"{CHECK}/start", f"{CHECK}/fail"]
    visits.asked.clear()
    revived = dead_man(visits, ALWAYS)
    revived.send(CRASH, NOW)  # told of the run before this one
    wait_until(lambda: visits.paths() == [f"{CHECK}/start", f"{CHECK}/fail"])
    revived.pulse("")
    wait_until(lambda: visits.paths()[-1] == CHECK)
    revived.close()


def test_a_plain_service_hears_only_that_all_is_well(visits: Visits) -> None:
    watch = DeadMan(Address(f"{visits.url}/push?key=7", Style.PLAIN), ALWAYS, ignore)
    watch.pulse("tripped")
    watch.pulse("")
    wait_until(lambda: len(visits.asked) == 1)
    watch.send(CRASH, NOW)
    watch.close()
    assert visits.asked == [("GET", "/push?key=7", "")]


def test_what_failed_is_tried_again_and_told(visits: Visits) -> None:
    told: list[Report] = []
    visits.status = 500
    watch = DeadMan(Address(visits.url + CHECK, Style.HEALTHCHECKS), NEVER, told.append, retry_seconds=0.005)
    wait_until(lambda: len(told) >= 2)
    visits.status = 200
    wait_until(lambda: told[-1].failures == 0)
    watch.close()
    assert set(visits.paths()) == {f"{CHECK}/start"}
    assert told[0].text == "HTTP status 500" and told[0].way == "dead_man"


def test_a_server_in_trouble_is_not_hammered(visits: Visits) -> None:
    """However much there is to say: the next attempt comes after the pause, or with the end."""
    told: list[Report] = []
    visits.status = 500
    watch = DeadMan(Address(visits.url + CHECK, Style.HEALTHCHECKS), NEVER, told.append, retry_seconds=NEVER)
    wait_until(lambda: len(told) == 1)
    watch.pulse("tripped")
    watch.send(CRASH, NOW)
    watch.close()
    assert visits.paths() == [f"{CHECK}/{word}" for word in ("start", "start", "fail", "fail")]


def test_a_server_that_hangs_does_not_hold_up_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mm.alerts.ping.PATIENCE_SECONDS", 0.05)
    with hanging_server() as (port, came):
        watch = DeadMan(Address(f"http://127.0.0.1:{port}", Style.HEALTHCHECKS), NEVER, ignore)
        assert came.wait(PATIENT)
        for _ in range(100):
            watch.pulse("")
            watch.send(CRASH, NOW)
        watch.close()


def test_the_address_is_in_no_message() -> None:
    address = Address(f"http://127.0.0.1:{free_port()}/c0ffee-uuid", Style.HEALTHCHECKS)
    with pytest.raises(NotDelivered) as caught:
        address.send(Ping(Signal.SUCCESS))
    assert "c0ffee" not in str(caught.value) + repr(address)
    assert str(caught.value) == "no answer: ConnectionError"
