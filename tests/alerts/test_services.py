"""Apprise against a real web server (its json:// way): what arrives, what does not, and what stays secret."""

from __future__ import annotations

import builtins
import logging
from typing import Any

import pytest

from mm.alerts.letter import letter_of
from mm.alerts.services import PACKAGE_MISSING, Service, ServiceError
from mm.alerts.way import NotDelivered
from tests.alerts.servers import for_apprise, free_port, web_server
from tests.alerts.words import NOW, SENDER, TRIP, letter

SECRET = "s3cret-t0ken"
# One of its hundred plugins imports a module that later Pythons lack.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def test_a_web_hook_gets_level_subject_and_text() -> None:
    with web_server() as visits:
        service = Service(for_apprise(visits, f"hook/{SECRET}"), 1, SENDER)
        assert service.deliver([letter("first"), letter_of(TRIP, NOW)]) == ""
    (document,) = visits.documents()
    assert document["type"] == "failure"
    assert document["title"].startswith("[CRITICAL] kmm DEFAULT: 2 alerts")
    assert "first" in document["message"] and "kmm breaker reset" in document["message"]
    assert visits.paths() == [f"/hook/{SECRET}"]


def test_a_no_of_the_service_is_told_with_its_status_and_nothing_secret(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with web_server() as visits:
        visits.status = 403
        service = Service(for_apprise(visits, SECRET), 1, SENDER)
        with pytest.raises(NotDelivered, match=r"HTTP status 403") as caught:
            service.deliver([letter("hello")])
    assert SECRET not in repr(service) + service.name + str(caught.value) + caplog.text
    assert capfd.readouterr() == ("", "") and not logging.getLogger("apprise").propagate


def test_nobody_there_is_no_delivery() -> None:
    service = Service(f"json://127.0.0.1:{free_port()}", 1, SENDER)
    with pytest.raises(NotDelivered, match="not accepted, or not reachable"):
        service.deliver([letter("hello")])


def test_a_name_is_the_same_at_the_next_start_and_one_for_each_address() -> None:
    names = [Service(f"json://127.0.0.1/{path}", 1, SENDER).name for path in ("a", "b", "a")]
    assert names[0] == names[2] != names[1]
    assert all(name.startswith("json-") for name in names)


def test_what_apprise_does_not_understand_is_refused_by_its_place_not_by_its_text() -> None:
    with pytest.raises(ServiceError) as caught:
        Service(f"nosuchway://{SECRET}", 3, SENDER)
    assert str(caught.value) == "alerts.apprise: address 3 is none that Apprise understands"


def test_without_the_package_the_operator_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "apprise":
            raise ModuleNotFoundError(name=name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ServiceError) as caught:
        Service("json://127.0.0.1", 1, SENDER)
    assert str(caught.value) == PACKAGE_MISSING
