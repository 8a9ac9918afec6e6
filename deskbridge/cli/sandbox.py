"""`deskbridge sandbox`: one vendor's desk on this machine, as a process of its own."""

import signal
import threading
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.errors import DeskbridgeError

if TYPE_CHECKING:
    from sandbox.common.desk import SandboxDesk

_HURRIED: dict[str, dict[str, Any]] = {
    "zendesk": {"export_delay": 2.0},
    "freshdesk": {"retries": (2.0, 5.0, 10.0)},
    "intercom": {"retry_after": 2.0},
}
"""Waits of minutes to an hour, before a webhook is sent again or a change can be exported, in seconds."""


class CannotListen(DeskbridgeError):
    """The port of a sandbox desk cannot be listened on."""


class VendorName(StrEnum):
    """The vendors there is a sandbox of."""

    ZENDESK = "zendesk"
    FRESHDESK = "freshdesk"
    INTERCOM = "intercom"


def sandbox(
    vendor: Annotated[VendorName, typer.Argument(help="Whose wire format to speak.")],
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.")] = 0,
    host: Annotated[str, typer.Option(help="The address to listen on; who reaches it may do anything.")] = "127.0.0.1",
    plan: Annotated[str | None, typer.Option(help="The vendor's plan, which sets the rate limits.")] = None,
    seed: Annotated[int, typer.Option(help="Where chance starts, so that a run can be repeated.")] = 0,
    hurried: Annotated[bool, typer.Option("--hurried", help="Cut the vendor's own waits to seconds.")] = False,
) -> None:
    """Run a local desk that speaks a vendor's wire format, until interrupted.

    Its control face, which the vendor does not have, is under /_sandbox/.
    """
    from sandbox.common.server import start  # noqa: PLC0415 - no other command needs a sandbox, and each loads this file

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        desk = _desk(vendor)(plan=plan, seed=seed, **(_HURRIED[vendor.value] if hurried else {}))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    try:
        running = start(desk, host, port)
    except (OSError, OverflowError) as error:
        raise CannotListen(f"cannot listen on port {port} of {host}: {error}; --port 0 takes a free one") from error
    with running:
        typer.echo(f"{vendor.value} sandbox on {running.url}")
        stop.wait()


def _desk(vendor: VendorName) -> "type[SandboxDesk]":
    found: type[SandboxDesk] = getattr(import_module(f"sandbox.{vendor.value}"), f"{vendor.value.title()}Sandbox")
    return found
