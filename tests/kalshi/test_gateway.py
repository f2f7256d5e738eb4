"""The gateway against a real HTTP server: one event for each action, whatever the server does."""

from __future__ import annotations

import datetime
import queue
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from mm.core.actions import AmendOrder, CancelAll, CancelOrder, PlaceOrder, QueryAccount, QueryOrder
from mm.core.events import (
    AmendReject,
    AnyEvent,
    ApiError,
    CancelReject,
    OrderAck,
    OrderCanceled,
    OrderInDoubt,
    OrderReject,
    RequestKind,
)
from mm.core.units import SECOND, Side
from mm.kalshi import gateway as gateway_module
from mm.kalshi.auth import Signer
from mm.kalshi.calls import RequestAction
from mm.kalshi.conversation import Conversation, ReadError
from mm.kalshi.endpoint import Endpoint, endpoint
from mm.kalshi.gateway import LATEST, Gateway
from mm.kalshi.guard import Guard, HardCaps
from mm.kalshi.venue import ExchangeStatus, read_exchange_status
from tests.kalshi import rest_server
from tests.kalshi.rest_server import PATIENCE, Behave, Request, RestServer

CAPS = HardCaps(max_count=100_000, max_value=1_000_000_000)
NOW = 1_790_596_800 * SECOND


class Desk:
    """Stands where the driver stands: submits actions and collects events and faults. Its clock stands still,
    and it waits long for an answer, where a story does not say otherwise: this machine may be slow."""

    def __init__(self, at: Endpoint, **options: Any) -> None:
        self.events: queue.Queue[AnyEvent] = queue.Queue()
        self.faults: queue.Queue[BaseException] = queue.Queue()
        options = {"connect_timeout": PATIENCE, "read_timeout": PATIENCE, **options}
        self.gateway = Gateway(
            at,
            Signer("key-id", Ed25519PrivateKey.generate()),
            self.events.put,
            options.pop("clock", lambda: NOW),
            Guard(CAPS),
            on_fault=self.faults.put,
            **options,
        )

    def ask(self, action: RequestAction) -> AnyEvent:
        self.gateway.submit(action)
        return self.events.get(timeout=PATIENCE)


@contextmanager
def desk_at(
    behave: Behave, tls: ssl.SSLContext | None = None, **options: Any
) -> Iterator[tuple[Desk, RestServer]]:
    server = RestServer(behave, tls)
    desk = Desk(server.endpoint, **options)
    try:
        yield desk, server
    finally:
        server.released.set()
        desk.gateway.close()
        server.stop()
        assert desk.events.empty(), "an event too many"


def place(number: int = 1, ticker: str = "M") -> PlaceOrder:
    return PlaceOrder(number, f"mine-{number}", ticker, Side.BID, 5_000, 100)


def cancel(number: int = 1, ticker: str = "M") -> CancelOrder:
    return CancelOrder(number, f"mine-{number}", f"o-mine-{number}", ticker)


# -- when all is well -----------------------------------------------------------------------------------
def test_signatures_bear_the_systems_time_whatever_time_the_bot_lives_in() -> None:
    """After a suspended machine wakes up, or NTP has set the time, the two differ for a while; the exchange
    refuses whatever is more than a few seconds off, cancels too (protocol section 2)."""
    with desk_at(rest_server.accept, clock=lambda: 5 * SECOND, wall=lambda: 99 * SECOND) as (desk, server):
        assert desk.ask(place()).ts == 5 * SECOND
        desk.ask(cancel())
        stamps = [headers["KALSHI-ACCESS-TIMESTAMP"] for headers in server.headers_seen]
        assert stamps == ["99000", "99000"]


def test_orders_go_out_signed_and_answers_come_back() -> None:
    with desk_at(rest_server.accept) as (desk, server):
        ack = desk.ask(place())
        assert isinstance(ack, OrderAck) and (ack.order_id, ack.remaining) == ("o-mine-1", 100)
        assert ack.ts == NOW
        assert isinstance(desk.ask(cancel()), OrderCanceled)
        assert [seen[:2] for seen in server.seen] == [
            ("POST", "/trade-api/v2/portfolio/events/orders"),
            ("DELETE", "/trade-api/v2/portfolio/events/orders/o-mine-1?market_ticker=M"),
        ]
        assert server.connections == 1, "the connection is kept"
        for headers in server.headers_seen:
            assert headers["KALSHI-ACCESS-KEY"] == "key-id" and headers["KALSHI-ACCESS-SIGNATURE"]


def test_each_of_many_actions_is_answered_once_and_markets_keep_their_order() -> None:
    with desk_at(rest_server.accept) as (desk, server):
        actions = [place(number, f"M{number % 5}") for number in range(60)]
        for action in actions:
            desk.gateway.submit(action)
        answers = Counter(desk.events.get(timeout=PATIENCE).request_id for _ in actions)  # type: ignore[union-attr]
        assert answers == Counter(range(60))
        for market in range(5):
            sent = [body for _, _, body in server.seen if f'"M{market}"'.encode() in body]
            assert [f"mine-{n}".encode() in body for n, body in zip(range(market, 60, 5), sent, strict=True)]


def test_a_conversation_can_be_held_before_trading() -> None:
    with desk_at(rest_server.accept) as (desk, _):
        assert desk.gateway.run(read_exchange_status()) == ExchangeStatus(True, True)
    with desk_at(rest_server.html) as (desk, _), pytest.raises(ReadError):
        desk.gateway.run(read_exchange_status())


# -- when it is not -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "behave",
    [getattr(rest_server, name) for name in ("swallow", "reset", "html", "cut", "drip", "redirect")],
    ids=lambda behave: behave.__name__,
)
def test_what_may_have_arrived_is_in_doubt_and_is_not_sent_again(behave: Behave) -> None:
    with desk_at(behave, read_timeout=0.5) as (desk, server):
        event = desk.ask(place())
        assert isinstance(event, OrderInDoubt) and event.kind is RequestKind.PLACE
        assert server.seen_at_least(1) == 1
        event = desk.ask(cancel())
        assert isinstance(event, OrderInDoubt) and event.kind is RequestKind.CANCEL
        assert isinstance(desk.ask(CancelAll(9)), ApiError)
        assert isinstance(desk.ask(QueryAccount(9, 0)), ApiError)
        assert server.seen_at_least(4) == 4


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but not listening: connections are refused
        desk = Desk(endpoint(f"http://127.0.0.1:{closed.getsockname()[1]}/trade-api/v2"))
        event = desk.ask(place())
        assert isinstance(event, OrderReject) and (event.status, event.code) == (0, "not_sent")
        event = desk.ask(cancel())
        assert isinstance(event, CancelReject) and (event.status, event.code) == (0, "not_sent")
        event = desk.ask(CancelAll(9))
        assert isinstance(event, ApiError) and event.code == "not_sent"
        desk.gateway.close()


def test_a_connection_that_was_closed_meanwhile_is_opened_anew() -> None:
    def once(request: Request) -> None:
        rest_server.accept(request)
        request.close_connection = True

    with desk_at(once) as (desk, server):
        assert isinstance(desk.ask(place(1)), OrderAck)
        second = desk.ask(place(2))
        assert isinstance(second, OrderAck | OrderInDoubt)
        assert isinstance(second, OrderInDoubt) or server.connections == 2


def test_a_market_that_hangs_does_not_hold_up_queries_or_cancel_all() -> None:
    def hang_on_orders(request: Request) -> None:
        if request.command == "POST":
            rest_server.swallow(request)
        else:
            request.reply(204 if request.command == "DELETE" else 500)

    with desk_at(hang_on_orders, read_timeout=PATIENCE) as (desk, server):
        desk.gateway.submit(place())
        first = [desk.ask(CancelAll(2)), desk.ask(QueryOrder(3, "mine-1", "o-1", "M"))]
        assert [event.request_id for event in first] == [2, 3]  # type: ignore[union-attr]
        server.released.set()
        assert isinstance(desk.events.get(timeout=PATIENCE), OrderInDoubt)


# -- the gate and the caps ------------------------------------------------------------------------------
def test_a_closed_gate_stops_even_what_was_queued_but_not_cancels() -> None:
    entered, go_on = Event(), Event()

    def wait_first(request: Request) -> None:
        entered.set()
        go_on.wait(PATIENCE)
        rest_server.accept(request)

    with desk_at(wait_first) as (desk, server):
        desk.gateway.submit(place(1))
        assert entered.wait(PATIENCE)
        desk.gateway.submit(place(2))
        desk.gateway.submit(cancel(1))
        desk.gateway.close_gate()
        assert isinstance(refused := desk.ask(place(3)), OrderReject) and refused.code == "gate_closed"
        amend = desk.ask(AmendOrder(4, "mine-1", "o-mine-1", "M", Side.BID, 1, 1))
        assert isinstance(amend, AmendReject) and amend.code == "gate_closed"
        go_on.set()
        assert isinstance(desk.events.get(timeout=PATIENCE), OrderAck)
        queued = desk.events.get(timeout=PATIENCE)
        assert isinstance(queued, OrderReject) and (queued.request_id, queued.code) == (2, "gate_closed")
        assert isinstance(desk.events.get(timeout=PATIENCE), OrderCanceled)
        assert [method for method, _, _ in server.seen] == ["POST", "DELETE"]


def test_what_waited_too_long_behind_a_request_that_hung_never_leaves_but_cancels_do() -> None:
    """The price was right when it was decided; by now others would trade on it."""
    entered, go_on, now = Event(), Event(), [0]

    def wait_first(request: Request) -> None:
        entered.set()
        go_on.wait(PATIENCE)
        rest_server.accept(request)

    with desk_at(wait_first, clock=lambda: now[0], read_timeout=PATIENCE) as (desk, server):
        desk.gateway.submit(place(1))
        assert entered.wait(PATIENCE)
        desk.gateway.submit(place(2))
        desk.gateway.submit(AmendOrder(3, "mine-1", "o-mine-1", "M", Side.BID, 1, 1))
        desk.gateway.submit(cancel(1))
        now[0] = LATEST
        desk.gateway.submit(place(4))
        now[0] += 1
        go_on.set()
        events = [desk.events.get(timeout=PATIENCE) for _ in range(5)]
        assert [type(event) for event in events] == [
            *(OrderAck, OrderReject, AmendReject, OrderCanceled, OrderAck)
        ]
        assert [getattr(event, "code", "") for event in events] == ["", "too_late", "too_late", "", ""]
        assert [method for method, _, _ in server.seen] == ["POST", "DELETE", "POST"]


def test_an_order_over_the_hard_cap_never_leaves() -> None:
    with desk_at(rest_server.accept) as (desk, server):
        event = desk.ask(PlaceOrder(1, "mine-1", "M", Side.BID, 5_000, CAPS.max_count + 1))
        assert isinstance(event, OrderReject) and (event.status, event.code) == (0, "hard_cap")
        assert server.connections == 0


def test_after_close_everything_is_still_answered() -> None:
    with desk_at(rest_server.accept) as (desk, server):
        desk.gateway.close()
        assert isinstance(event := desk.ask(place()), OrderReject) and event.code == "not_sent"
        assert isinstance(event := desk.ask(cancel()), CancelReject) and event.code == "not_sent"
        assert isinstance(desk.ask(CancelAll(9)), ApiError)
        assert server.seen == []


def test_a_fault_of_ours_is_answered_as_doubt_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(action: RequestAction, now: int) -> Conversation[AnyEvent]:
        raise ZeroDivisionError

    with desk_at(rest_server.accept) as (desk, _):
        monkeypatch.setattr(gateway_module, "call", broken)
        event = desk.ask(place())
        assert isinstance(event, OrderInDoubt) and "ZeroDivisionError" in event.reason
        assert isinstance(desk.faults.get(timeout=PATIENCE), ZeroDivisionError)
        monkeypatch.undo()
        assert isinstance(desk.ask(place(2)), OrderAck), "the thread lives on"


def test_a_fault_of_the_listener_is_reported_and_its_event_not_repeated() -> None:
    with desk_at(rest_server.accept) as (desk, _):
        heard: list[AnyEvent] = []

        def broken(event: AnyEvent) -> None:
            heard.append(event)
            raise ZeroDivisionError

        desk.gateway._emit = broken
        desk.gateway.submit(place())
        assert isinstance(desk.faults.get(timeout=PATIENCE), ZeroDivisionError)
        assert [type(event) for event in heard] == [OrderAck]


# -- TLS ------------------------------------------------------------------------------------------------
@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_server_that_cannot_prove_who_it_is_gets_no_request(self_signed: ssl.SSLContext) -> None:
    with desk_at(rest_server.accept, self_signed) as (desk, server):
        event = desk.ask(place())
        assert isinstance(event, OrderReject) and (event.status, event.code) == (0, "not_sent")
        assert "CertVerification" in event.message
        assert server.seen == []


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with desk_at(rest_server.accept) as (desk, _):
        assert isinstance(desk.ask(place()), OrderAck)
