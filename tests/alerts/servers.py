"""The other side of alerts, on real sockets: mail servers good and bad, and a web server that remembers."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import default as DEFAULT_POLICY
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "bot@example.com", "correct-horse-77"
# Longer than any machine needs: it is no part of a story how soon something happens.
PATIENT = 60.0

_held: list[socket.socket] = []


@dataclass
class Box:
    """What a mail server took, and what it was told on the way."""

    port: int = 0
    mails: list[Message] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    is_encrypted: list[bool] = field(default_factory=list)
    refuse_recipient: str = ""
    refuse_content: bool = False

    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]

    # -- aiosmtpd's hooks --------------------------------------------------------------------------------
    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == self.refuse_recipient:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse_content:
            return "554 5.6.0 we do not like this message"
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content, policy=DEFAULT_POLICY))
        assert server.transport is not None
        self.is_encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        said = (data.login.decode(), data.password.decode())
        self.logins.append(said)
        is_right = said == (USER, PASSWORD)
        # As some servers do, it quotes what it did not like.
        return AuthResult(success=is_right, handled=False, message=f"535 5.7.8 not {said[1]}")


class Connection(SMTP):
    """aiosmtpd's, and its transport is kept to be closed."""

    open: ClassVar[list[asyncio.Transport]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.open.append(transport)
        super().connection_made(transport)


@contextmanager
def running(start: Callable[[], Coroutine[Any, Any, asyncio.Server]]) -> Iterator[int]:
    """An asyncio server on a thread of its own; gives its port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(start())
    Connection.open.clear()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(hang_up(server))
        loop.close()


async def hang_up(server: asyncio.Server) -> None:
    """Leaves nothing open, whoever was in the middle of what, and waits for nobody's goodbye."""
    server.close()
    for transport in Connection.open:
        transport.abort()
    ours = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in ours:
        task.cancel()
    await asyncio.gather(*ours, return_exceptions=True)
    for _ in range(3):  # what is closed is closed a turn later
        await asyncio.sleep(0)


@contextmanager
def mail_server(tls: ssl.SSLContext | None, *, implicit: bool = False, port: int = 0) -> Iterator[Box]:
    """With ``tls`` it wants STARTTLS (or TLS from the first byte) and a login; without it neither."""
    box, secured = Box(), tls is not None
    options: dict[str, Any] = {"authenticator": box.authenticate, "auth_require_tls": not implicit}
    if secured and not implicit:
        options |= {"tls_context": tls, "require_starttls": True, "auth_required": True}

    async def start() -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(
            lambda: Connection(box, hostname="localhost", loop=loop, **options),
            "127.0.0.1",
            port,
            ssl=tls if implicit else None,
        )

    with running(start) as box.port:
        yield box


@contextmanager
def hanging_server() -> Iterator[tuple[int, Event]]:
    """Accepts and never says a word; the event is set when somebody has come."""
    came, done = Event(), Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(writer.transport, asyncio.Transport)
        Connection.open.append(writer.transport)
        came.set()
        while not done.is_set() and await reader.read(1_000):
            pass
        writer.close()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(hang, "127.0.0.1", 0)

    with running(start) as port:
        yield port, came


def for_apprise(visits: Visits, path: str) -> str:
    """A web hook's address in Apprise's form, with as much patience as everybody has here."""
    return f"{visits.url.replace('http://', 'json://')}/{path}?cto={PATIENT:.0f}&rto={PATIENT:.0f}"


def free_port() -> int:
    """Nobody listens there, and as long as this process lives nobody can: it has the port, and is deaf."""
    deaf = socket.socket()
    deaf.bind(("127.0.0.1", 0))
    _held.append(deaf)
    port: int = deaf.getsockname()[1]
    return port


def certificate(directory: Path, host: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """A server's context, and the certificate that a client must trust for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = directory / f"{host}.crt", directory / f"{host}.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    private.unlink()
    return context, public


@dataclass
class Visits:
    """What a web server was asked, in order; ``status`` is what it answers."""

    url: str = ""
    status: int = 200
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.asked]

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(text) for _, _, text in self.asked]


@contextmanager
def web_server() -> Iterator[Visits]:
    visits = Visits()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            visits.asked.append((self.command, self.path, text))
            self.send_response(visits.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, format: str, *arguments: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        visits.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield visits
        finally:
            server.shutdown()
            thread.join()
