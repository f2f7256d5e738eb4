"""``control.sock``: a person's word to a running bot. Only who owns the process can reach it (mode 0600).
What is asked is answered from the trading loop, after the step that carried it out.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from mm.app.control_words import LONGEST_REQUEST, NAME, Answer, Request, address, refusal
from mm.app.errors import FAILED, REFUSED, CannotRun

SECONDS_TO_ASK: Final = 5.0
MOST_CALLERS: Final = 16
ONLY_THE_OWNER: Final = 0o600

Carry = Callable[[Request], Awaitable[Answer]]
_request: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)


def listen(run_dir: Path) -> socket.socket:
    """The socket, ready to accept. A stale one is replaced: whoever holds the lock is the only server.

    :raises CannotRun: if it cannot be made.
    """
    path = run_dir / NAME
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        path.unlink(missing_ok=True)
        with address(run_dir) as where:
            door.bind(where)
        path.chmod(ONLY_THE_OWNER)  # nobody can connect before `listen`
        door.listen(MOST_CALLERS)
    except OSError as error:
        door.close()
        raise CannotRun(f"cannot listen on {path}: {error.strerror}") from error
    return door


@asynccontextmanager
async def serving(run_dir: Path, carry_out: Carry) -> AsyncIterator[None]:
    """Answer whoever asks, for the time of the block; those still waiting then are told that it is over.

    :raises CannotRun: if the socket cannot be made.
    """
    door = listen(run_dir)
    conversations = _Conversations(carry_out)
    server = await asyncio.start_unix_server(conversations.hold, sock=door, limit=LONGEST_REQUEST)
    try:
        yield
    finally:
        (run_dir / NAME).unlink(missing_ok=True)
        server.close()
        await conversations.close()


class _Conversations:
    """One request and one answer each; what is not a request gets a reason."""

    def __init__(self, carry_out: Carry) -> None:
        self._carry_out = carry_out
        self._open: set[asyncio.Task[None]] = set()

    async def hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            answer = await self._answer(reader)
            writer.write(msgspec.json.encode(answer) + b"\n")
            await asyncio.wait_for(writer.drain(), SECONDS_TO_ASK)
        except (OSError, TimeoutError):
            pass  # who asked has gone, and the answer with him
        finally:
            self._open.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        if len(self._open) > MOST_CALLERS:
            return refusal(REFUSED, f"more than {MOST_CALLERS} ask at once")
        try:
            line = await asyncio.wait_for(reader.readuntil(b"\n"), SECONDS_TO_ASK)
            request = _request.decode(line)
        except TimeoutError:
            return refusal(FAILED, "no whole line in time")
        except asyncio.IncompleteReadError:
            return refusal(FAILED, "a request is one line of JSON")
        except asyncio.LimitOverrunError:
            return refusal(FAILED, f"a request has at most {LONGEST_REQUEST} bytes")
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return refusal(FAILED, f"not understood: {error}")
        return await self._carry_out(request)

    async def close(self) -> None:
        """Give those who are being answered their answer: the run has ended, so nothing waits any more."""
        if self._open:
            await asyncio.wait(self._open, timeout=SECONDS_TO_ASK)
        for task in self._open:
            task.cancel()
