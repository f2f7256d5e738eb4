"""The command ``kmm``: a table of commands, each loaded only when it is called, so that help is instant."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, NamedTuple

import rich_click as click

from mm import __version__
from mm.config.errors import EXIT_WRONG_CONFIGURATION, ConfigErrors

UNGUARDED: Final = "kmm: Python runs without assertions, and nothing of ours may: no -O, no PYTHONOPTIMIZE"


class Entry(NamedTuple):
    """``target`` is ``module:attribute`` of a click command."""

    target: str
    summary: str


COMMANDS: Final[dict[str, Entry]] = {
    "run": Entry("mm.cli.run:run", "Make markets as config.yaml says."),
    "status": Entry("mm.cli.status:status", "How is it: mode, breaker, P&L, orders, heartbeat."),
    "breaker": Entry("mm.cli.breaker:breaker", "Show the circuit breaker, or reset it."),
    "kill": Entry("mm.cli.control:kill", "Kill switch on: cancel everything, send nothing more."),
    "resume": Entry("mm.cli.control:resume", "Kill switch off, pause over."),
    "pause": Entry("mm.cli.control:pause", "Pull all quotes until kmm resume."),
    "cancel-all": Entry("mm.cli.cancel_all:cancel_all", "Cancel all orders, by the bot or without it."),
    "flatten": Entry("mm.cli.control:flatten", "Pull all quotes and close all positions."),
    "reload": Entry("mm.cli.control:reload", "Read the configuration again, without a restart."),
    "stop": Entry("mm.cli.stop:stop", "Cancel everything, prove it, end; wait for that."),
    "service": Entry("mm.cli.service:service", "Install, remove, look at the service that keeps it running."),
    "exchange": Entry("mm.cli.exchange:exchange", "Run the simulated exchange on a port."),
    "verify-config": Entry("mm.cli.config:verify_config", "Check the configuration and say what would run."),
    "config": Entry("mm.cli.config:config", "Show, explain and describe the configuration."),
    "alerts": Entry("mm.cli.alerts:alerts", "Does a message really reach a person? Try it."),
    "checklist": Entry("mm.cli.checklist:checklist", "Is all well? Green, yellow or red, by a run's files."),
    "diagnostics": Entry("mm.cli.diagnostics:diagnostics", "Pack what whoever helps will ask for."),
    "replay": Entry("mm.cli.replay:replay", "Turn a journal once more: the same actions must come out."),
    "simulate": Entry("mm.cli.simulate:simulate", "Run in virtual time against the simulated exchange."),
}


class LazyCommand(click.RichCommand):
    """Stands for a command until it is called; help of the group needs no more than the summary."""

    def __init__(self, name: str, entry: Entry) -> None:
        super().__init__(name=name, short_help=entry.summary, help=entry.summary)
        self._target = entry.target

    def load(self) -> click.Command:
        module, _, attribute = self._target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command), f"{self._target} is no command"
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        return self.load().make_context(info_name, args, parent=parent, **extra)


class LazyGroup(click.RichGroup):
    """Its commands are the table; a wrong configuration ends any of them with exit code 78, and so does a
    Python that leaves assertions out: they are what notices a fault of ours."""

    def main(self, *args: Any, **extra: Any) -> Any:
        if not __debug__:
            click.echo(UNGUARDED, err=True)
            raise SystemExit(EXIT_WRONG_CONFIGURATION)
        return super().main(*args, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        return LazyCommand(cmd_name, entry) if entry else None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigErrors as problem:
            click.echo(str(problem), err=True)
            ctx.exit(EXIT_WRONG_CONFIGURATION)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kmm")
def main() -> None:
    """An unattended market maker for Kalshi."""
