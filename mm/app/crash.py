"""A fault of ours that ends the run, told once, whoever of those it passes hears of it first."""

from __future__ import annotations

from typing import Final

from mm.core.actions import Alert, AlertLevel
from mm.core.units import Nanos
from mm.observe.house import RunFiles

# On the exception itself, and so at the end of its traceback: whoever reads that knows where it stands, too.
TOLD: Final = "told as bot_crash in alerts.jsonl and in the log"


def tell_crash(files: RunFiles, fault: BaseException, now: Nanos) -> None:
    """A critical alert, and its traceback in the log."""
    if TOLD in getattr(fault, "__notes__", ()):
        return
    fault.add_note(TOLD)
    text = f"a fault of ours ends the run: {type(fault).__name__}: {fault}"
    files.announce(Alert(AlertLevel.CRITICAL, "bot_crash", text), now)
    files.logger.critical("bot_crash", logger="mm.app", exc_info=fault)
