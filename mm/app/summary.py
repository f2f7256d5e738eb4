"""What the operator reads at the end: our own figures beside the exchange's, and whether they agree."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mm.app.audit import Audit
from mm.app.trade import Ending


def render(ending: Ending) -> RenderableType:
    """A table and a verdict."""
    parts: list[RenderableType] = [_figures(ending)]
    if ending.audit is not None:
        parts.append(_comparison(ending.audit))
    parts.append(_verdict(ending))
    return Group(*parts)


def _figures(ending: Ending) -> Text:
    ledger = ending.engine.know.ledger
    retired = ending.engine.know.retired.of_desk.values()
    quoted = sum(1 for market in ending.engine.know.markets.values() if market.quotes)
    quoted += sum(markets.quoted for markets in retired)
    trip = ending.engine.know.breaker.trip
    text = Text(f"{quoted} markets quoted, {ledger.fills} fills, {ledger.trips_ended} round trips")
    text.append("; breaker ")
    text.append(
        "ok" if trip is None else f"TRIPPED: {trip.reason}", style="green" if trip is None else "bold red"
    )
    return text


def _comparison(audit: Audit) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("", overflow="fold")
    for name in ("ours", "exchange", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in audit.lines:
        ours, theirs, difference = line.texts()
        table.add_row(
            line.name, ours, theirs, Text(difference, style="bold red" if line.difference else "green")
        )
    return table


def _verdict(ending: Ending) -> Text:
    audit = ending.audit
    text = Text(f"stopped: {ending.stop.reason}; ")
    if audit is None:
        return text.append("the exchange could not be read to compare", style="bold red")
    text.append(f"resting orders: {len(audit.resting)}; ", style="" if not audit.resting else "bold red")
    if audit.is_clean:
        return text.append("ours and the exchange's books agree exactly", style="bold green")
    return text.append("OURS AND THE EXCHANGE'S BOOKS DIFFER", style="bold red")


def exit_code(ending: Ending) -> int:
    """The engine's, unless the books differ: that is an error (1), whatever else went well."""
    if ending.stop.exit_code:
        return ending.stop.exit_code
    return 0 if ending.audit is not None and ending.audit.is_clean else 1


def as_json(ending: Ending) -> dict[str, object]:
    """The same for programs: counts and dollars as the exact texts of the exchange."""
    ledger = ending.engine.know.ledger
    audit = ending.audit
    lines = audit.lines if audit else ()
    return {
        "stopped": ending.stop.reason,
        "exit_code": exit_code(ending),
        "fills": ledger.fills,
        "round_trips": ledger.trips_ended,
        "resting_orders": len(audit.resting) if audit else None,
        "agrees": audit.is_clean if audit else None,
        "comparison": [
            dict(zip(("name", "ours", "exchange", "difference"), (line.name, *line.texts()), strict=True))
            for line in lines
        ],
    }
