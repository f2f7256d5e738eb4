"""When the last byte of a request was handed to the socket: connections that note it as they write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class StampedAdapter(HTTPAdapter):
    """One connection, no retries. ``stamp`` is called after each write to its socket, on the thread that
    wrote; the last call of a request is the moment at which it had left this program."""

    def __init__(self, stamp: Callable[[], None]) -> None:
        self._pools = _pools(stamp)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        super().init_poolmanager(*arguments, **settings)
        self.poolmanager.pool_classes_by_scheme = self._pools


def _pools(stamp: Callable[[], None]) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3 chooses pools and connections by class, so the stamp is made a part of the classes."""

    class Plain(HTTPConnection):
        def send(self, data: Any) -> None:
            super().send(data)
            stamp()

    class Secure(HTTPSConnection):
        def send(self, data: Any) -> None:
            super().send(data)
            stamp()

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
