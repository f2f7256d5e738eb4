"""An alert as a person reads it: subject, what, when, which desk, details, and what to do about it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Final

import msgspec

from mm.core.actions import Alert, AlertLevel
from mm.core.units import Nanos
from mm.observe.files import iso

LONGEST_MESSAGE: Final = 2_000
LONGEST_DETAIL: Final = 500
LONGEST_SUBJECT: Final = 120
IMPORTANCE: Final = {AlertLevel.INFO: 0, AlertLevel.WARNING: 1, AlertLevel.CRITICAL: 2}
# A recovery notice carries the level of what it ends, so that it reaches whoever got the alarm.
ENDED: Final = "ended"
BREAKER: Final = "circuit_breaker"
WARNED: Final = "circuit_breaker, warning"
ADVICE: Final[dict[str, str]] = {
    "alert_delivery": "Alerts are kept in the run directory (alerts_outbox) and sent when it works again. "
    "`kmm alerts test` says what is wrong.",
    "api_disconnect": "Quotes are cancelled while market data is lost; it reconnects by itself. If it lasts, "
    "look at the network and the exchange's status page.",
    "api_errors": "Requests fail. The breaker trips after some more in a row. Look at the exchange's status "
    "page, the network, and the log (`grep 'API error'`).",
    "bot_crash": "A fault of ours ended the run; everything was cancelled as far as the log says. Look at "
    "the log, and at the exchange's web page whether anything rests, before the next start.",
    "bot_shutdown": "If nobody stopped it, read the log, and look at the exchange's web page whether orders "
    "rest.",
    "circuit_breaker": "Everything it concerns was cancelled, and nothing is sent for it; positions stay. "
    "`kmm breaker show` says why. Look at the positions, remove the cause, then "
    '`kmm breaker reset --reason "..."`.',
    "exposure": "All that is held and quoted could lose nearly what the limit max_total_exposure_dollars "
    "allows; beyond it nothing is added.",
    "high_slippage": "Fills are followed by moves against us: somebody knows more. Widen the quotes or "
    "leave the market.",
    "inventory_imbalance": "The inventory leans to one side; the breaker trips above its limit. Consider "
    "closing some by hand, or a smaller size.",
    "kill_switch": "A person stopped trading. It goes on when that person says so (`kmm resume`).",
    "observer_fault": "It trades on, but a file of the run, or the screen, ends here until the next start; "
    "the journal has what happens. Restart when it suits; report the traceback (`kmm diagnostics`).",
    "order_anomaly": "Compare orders and positions with the exchange's web page before trading goes on.",
    "pause": "Nothing is quoted until it goes on. If the journal is the reason: free the disk.",
    "position_limit": "The position nears its limit; beyond that this side is not quoted.",
    "storage": "Free or repair the disk (`df -h`). Quotes are pulled while the journal cannot be written.",
    WARNED: "It still trades: a limit is near. `kmm breaker show` says which, and how near each is.",
    "test": "Nothing: somebody ran `kmm alerts test`.",
}


class Letter(msgspec.Struct, frozen=True):
    """One alert on its way. ``id`` is unique, and the same when it is sent once more after a crash.
    ``repeats``: how many of the same were held back."""

    id: str
    ts: Nanos
    level: AlertLevel
    category: str
    desk: str
    message: str
    details: tuple[tuple[str, str], ...] = ()
    repeats: int = 0


class Sender(msgspec.Struct, frozen=True):
    """Which installation speaks: the configuration's name, and the host."""

    name: str
    host: str


def letter_of(alert: Alert, ts: Nanos, repeats: int = 0) -> Letter:
    """``ts``: when the reason arose. Long texts are cut, and what a terminal could obey is taken out."""
    details = tuple((_plain(name), _plain(str(value))[:LONGEST_DETAIL]) for name, value in alert.details)
    category, desk, message = (_plain(text) for text in (alert.category, alert.desk, alert.message))
    message = message[:LONGEST_MESSAGE]
    return Letter(uuid.uuid4().hex, ts, alert.level, category, desk, message, details, repeats)


def importance(alert: Alert) -> int:
    """0 info, 1 warning, 2 critical; of a recovery notice, that of the alarm which it ends."""
    ended = next((str(value) for name, value in alert.details if name == ENDED), None)
    levels = [alert.level] + [level for level in AlertLevel if level.value == ended]
    return max(IMPORTANCE[level] for level in levels)


def subject(letters: Sequence[Letter], sender: Sender) -> str:
    """``[CRITICAL] kmm DEFAULT: message``, one line; of several, the most important first."""
    worst = max(letters, key=lambda letter: IMPORTANCE[letter.level])
    desk = f" {worst.desk}" if worst.desk else ""
    count = "" if len(letters) == 1 else f"{len(letters)} alerts, "
    line = f"[{worst.level.value.upper()}] {sender.name}{desk}: {count}{worst.message}"
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 3] + "..."


def body(letters: Sequence[Letter], sender: Sender) -> str:
    """Plain text, oldest first."""
    parts = [*(_paragraph(letter) for letter in letters), f"-- \nkmm {sender.name!r} on {sender.host}\n"]
    return "\n\n".join(parts)


def _paragraph(letter: Letter) -> str:
    when = iso(letter.ts)
    rows = [
        ("What", letter.message),
        ("When", f"{when[:10]} {when[11:19]} UTC"),
        ("Desk", letter.desk or "all"),
        ("Level", f"{letter.level.value.upper()}, {letter.category}"),
        *((name, value) for name, value in letter.details if name != ENDED),
    ]
    if letter.repeats:
        rows.append(("Repeats", f"{letter.repeats} of the same were held back before"))
    if advice := _advice(letter):
        rows.append(("To do", advice))
    width = max(len(name) for name, _ in rows) + 2
    return "\n".join(f"{name + ':':<{width}}{value}" for name, value in rows)


def _advice(letter: Letter) -> str:
    """Empty where nothing is to be done: a recovery, or good news of the breaker."""
    if _is_recovery(letter):
        return ""
    if letter.category == BREAKER and letter.level is not AlertLevel.CRITICAL:
        return ADVICE[WARNED] if letter.level is AlertLevel.WARNING else ""
    return ADVICE.get(letter.category, "")


def _is_recovery(letter: Letter) -> bool:
    return any(name == ENDED for name, _ in letter.details)


def _plain(text: str) -> str:
    """One line without control characters (X07)."""
    return "".join(character if character.isprintable() else " " for character in text)
