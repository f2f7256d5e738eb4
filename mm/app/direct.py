"""Straight to the exchange for one purpose, without a bot: the key, a gateway, one request after another."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping

from mm.app.cancel_all import Sweep, Swept
from mm.app.errors import REFUSED, WRONG_CONFIGURATION, CannotRun
from mm.config.credentials import KEY_ID, KEY_PATH, read_credentials
from mm.config.essential import Essentials
from mm.core.events import AnyEvent
from mm.kalshi.auth import Signer
from mm.kalshi.calls import RequestAction, call
from mm.kalshi.conversation import ReadError
from mm.kalshi.endpoint import endpoint
from mm.kalshi.gateway import Gateway
from mm.kalshi.guard import Guard, HardCaps
from mm.kalshi.key_file import KeyFileError, load_private_key
from mm.kalshi.subaccount import read_subaccount


def cancel_directly(
    config: Essentials, environment: Mapping[str, str], everything: bool, patience: float
) -> Swept:
    """Cancel what rests of this installation (its ``name``) in our subaccount, or ``everything`` of the
    account, and read it back for at most ``patience`` seconds.

    :raises CannotRun: (4) without an address or credentials, (78) if the key cannot be used.
    """
    endpoints, credentials = config.exchange.endpoints, read_credentials(environment)
    if endpoints is None:
        raise CannotRun("the simulated exchange ends with its bot: there is nothing to cancel", REFUSED)
    if credentials is None:
        raise CannotRun(f"{KEY_ID} and {KEY_PATH} are not set: who are we?", REFUSED)
    try:
        key = load_private_key(credentials.private_key_path)
    except KeyFileError as error:
        raise CannotRun(str(error), WRONG_CONFIGURATION) from None
    faults: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    closed = Guard(HardCaps(0, 0))  # no order can leave from here
    closed.close()
    gateway = Gateway(
        endpoint(endpoints.rest_url),
        Signer(credentials.key_id, key),
        lambda event: None,
        time.time_ns,
        closed,
        on_fault=faults.put,
        read_timeout=float(config.exchange.request_timeout_seconds),
    )

    def send(action: RequestAction) -> AnyEvent:
        return gateway.run(call(action, time.time_ns()))

    try:
        if not everything:
            gateway.subaccount = _subaccount(gateway)
        return Sweep(send, "" if everything else f"{config.name}-").run(patience)
    finally:
        gateway.close()


def _subaccount(gateway: Gateway) -> int | None:
    """Ours, or all if the exchange does not say: the sweep reads, too, and reports what it is told."""
    try:
        return gateway.run(read_subaccount())
    except ReadError:
        return None
