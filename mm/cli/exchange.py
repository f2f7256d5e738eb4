"""``kmm exchange``: the simulated exchange on a port, for demos, end-to-end tests and anyone's client."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from mm.cli.exchange_world import fail, faults_of, make_world, open_subaccounts, rights_of, switches_of

if TYPE_CHECKING:
    from mm.sim.face_switches import FaceSwitches
    from mm.sim.rights import Rights
    from mm.sim.server import RunningServer, ServerSettings
    from mm.sim.server_admin import AdminSettings
    from mm.sim.signatures import KeyRing

MONEY_DOLLAR = 1_000_000


class Dollars(click.ParamType[int]):
    """An amount of dollars, as money: millionths."""

    name = "dollars"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            money = Decimal(str(value)) * MONEY_DOLLAR
            if money < 0 or money != int(money):
                raise ValueError
        except (InvalidOperation, ValueError, OverflowError):
            self.fail(f"{value!r} is not an amount of dollars with up to 6 decimals, 0 or more", param, ctx)
        return int(money)


def _loopback(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Refuses a host that others can reach, unless told that this is meant."""
    try:
        is_local = value == "localhost" or ipaddress.ip_address(value).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        if not ctx.params.get("i_know"):
            raise click.BadParameter(
                f"{value} can be reached from other machines; add --i-know if that is meant"
            )
        click.echo(f"warning: {value} can be reached from other machines", err=True)
    return value


def _regime(ctx: click.Context, param: click.Parameter, value: str) -> str:
    from mm.sim.regimes import REGIMES

    if value not in REGIMES:
        raise click.BadParameter(f"{value!r} is none of {', '.join(REGIMES)}")
    return value


def _tier(ctx: click.Context, param: click.Parameter, value: str) -> str:
    from mm.sim.buckets import TIERS

    if value not in TIERS:
        raise click.BadParameter(f"{value!r} is none of {', '.join(TIERS)}")
    return value


@click.command()
@click.option("--i-know", is_flag=True, is_eager=True, help="Allow a --host that other machines can reach.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, callback=_loopback, help="Address to listen on."
)
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), help="Port to listen on; 0 is any free one."
)
@click.option("--key-id", help="API key id; a new one if not given.")
@click.option("--public-key", type=click.Path(path_type=Path), help="PEM file; a new pair if not given.")
@click.option(
    "--tape", type=click.Path(path_type=Path), help="Play this recording instead of the demo world."
)
@click.option("--speed", default=1.0, show_default=True, help="How many times as fast the tape plays.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same world.")
@click.option(
    "--markets", type=click.IntRange(1, 10_000), help="List so many markets instead of the demo world."
)
@click.option(
    "--load",
    type=click.IntRange(0, 1_000_000),
    default=100,
    show_default=True,
    help="With --markets: how often a second one of their books changes.",
)
@click.option(
    "--balance", "cash", default="10000", show_default=True, type=Dollars(), help="Cash to start with."
)
@click.option(
    "--regime", default="index_hour", show_default=True, callback=_regime, help="Climate of the crowd."
)
@click.option(
    "--whole-periods",
    is_flag=True,
    help="Hours and quarters of the demo world begin now, not with those of the clock.",
)
@click.option(
    "--tier",
    default="basic",
    show_default=True,
    callback=_tier,
    help="Usage tier: how many requests a second.",
)
@click.option(
    "--liquidity-dollars",
    is_flag=True,
    help="Send the dropped field liquidity_dollars: some clients demand it.",
)
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=VALUE",
    help="One reading of what the documents leave open; may be repeated. The manual lists them.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("read", "write"),
    show_default=True,
    help="What the key may do, as the exchange names it; may be repeated.",
)
@click.option(
    "--subaccount", type=click.IntRange(0, 63), help="Open subaccounts up to this one and lock the key to it."
)
@click.option(
    "--faults", type=click.Path(path_type=Path), help="YAML or JSON file: what goes wrong, row by row."
)
@click.option(
    "--admin-port",
    type=click.IntRange(0, 65535),
    help="Also listen here, on 127.0.0.1, for faults, pauses and read lag; 0 is any free port.",
)
@click.option(
    "--admin-token",
    type=click.Path(path_type=Path),
    help="File (chmod 600) with the token of the admin port; a new one if not given.",
)
@click.option("--exit-with-stdin", is_flag=True, help="End when standard input ends: the parent has gone.")
def exchange(
    i_know: bool,
    host: str,
    port: int,
    key_id: str | None,
    public_key: Path | None,
    tape: Path | None,
    speed: float,
    seed: int,
    markets: int | None,
    load: int,
    cash: int,
    regime: str,
    whole_periods: bool,
    tier: str,
    liquidity_dollars: bool,
    switches: tuple[str, ...],
    scopes: tuple[str, ...],
    subaccount: int | None,
    faults: Path | None,
    admin_port: int | None,
    admin_token: Path | None,
    exit_with_stdin: bool,
) -> None:
    """Run the simulated exchange until it is stopped.

    When it listens it prints one line of JSON: rest_url, ws_url, key_id, private_key_path (null where
    --public-key was given; else a file that is removed at the end) and markets; with --admin-port also
    admin: its url and token_path.
    """
    from mm.sim.server import ServerSettings
    from mm.sim.server_world import Terms

    _require(public_key is None or key_id is not None, "--public-key needs --key-id")
    _require(admin_token is None or admin_port is not None, "--admin-token needs --admin-port")
    _require_one_world(tape, markets, whole_periods)
    # Until the server minds its signals itself: end by an exception, so that the private key is removed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    rights, (rules, faces) = rights_of(scopes, subaccount), switches_of(switches, liquidity_dollars)
    terms = Terms(seed, cash, tier, whole_periods, rules, faces)
    world = make_world(terms, tape, speed, markets, load, regime)
    open_subaccounts(world, subaccount)
    world.exchange.faults.script.extend(faults_of(faults))
    key_id = key_id or str(uuid.uuid4())
    with (
        _keys(key_id, public_key, rights, faces) as (keys, private_key_path),
        _admin(admin_port, admin_token) as (admin, token_path),
    ):

        def ready(server: RunningServer) -> None:
            facts = {
                "rest_url": server.rest_url,
                "ws_url": server.ws_url,
                "key_id": key_id,
                "private_key_path": private_key_path,
                "markets": world.markets,
            }
            click.echo(json.dumps({**facts, **_admin_of(server, token_path)}))  # click flushes what it writes

        _serve(ServerSettings(world.exchange, keys, host, port, admin=admin), ready, exit_with_stdin)


def _require_one_world(tape: Path | None, markets: int | None, whole_periods: bool) -> None:
    _require(tape is None or markets is None, "--tape and --markets are two worlds: choose one")
    is_demo = tape is None and markets is None
    _require(is_demo or not whole_periods, "--whole-periods is of the demo world alone")


def _admin_of(server: RunningServer, token_path: str | None) -> dict[str, object]:
    if server.admin_url is None:
        return {}
    return {"admin": {"url": server.admin_url, "token_path": token_path}}


def _serve(settings: ServerSettings, ready: Callable[[RunningServer], None], exit_with_stdin: bool) -> None:
    from mm.sim.server import CannotListen, serve_until_stopped

    try:
        asyncio.run(serve_until_stopped(settings, ready, exit_with_stdin=exit_with_stdin))
    except CannotListen as error:
        fail(f"cannot listen on {error}")


def _require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise click.UsageError(otherwise)


@contextmanager
def _admin(port: int | None, token_file: Path | None) -> Iterator[tuple[AdminSettings | None, str | None]]:
    """The settings of the admin port, if there is to be one, and where its token is."""
    from mm.sim.server_admin import AdminSettings
    from mm.sim.server_token import BadToken, read_token, temporary_token

    if port is None:
        yield None, None
        return
    if token_file is None:
        with temporary_token() as token:
            yield AdminSettings(token.text, port), str(token.path)
        return
    try:
        token = read_token(token_file)
    except (BadToken, OSError) as error:
        fail(f"cannot use {token_file}: {error.strerror if isinstance(error, OSError) else error}")
    yield AdminSettings(token.text, port), str(token_file)


@contextmanager
def _keys(
    key_id: str, public_key: Path | None, rights: Rights, faces: FaceSwitches
) -> Iterator[tuple[KeyRing, str | None]]:
    """The key ring of the one account, and where the private key is if it was made here."""
    from mm.sim.server_keys import temporary_key_pair
    from mm.sim.server_world import USER
    from mm.sim.signatures import BadKey, KeyRing

    keys = KeyRing(faces.max_skew_ns)
    if public_key is None:
        with temporary_key_pair() as pair:
            keys.add(key_id, USER, pair.public_pem, rights)
            yield keys, str(pair.private_path)
        return
    try:
        keys.add(key_id, USER, public_key.read_bytes(), rights)
    except (BadKey, OSError) as error:
        fail(f"cannot use {public_key}: {error.strerror if isinstance(error, OSError) else error}")
    yield keys, None


if __name__ == "__main__":
    exchange()
