"""`deskbridge serve` and `deskbridge worker`: the bridge itself, and more hands for it."""

import os
import signal
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from deskbridge import logs
from deskbridge.cli.progress import Bars
from deskbridge.web import WebServer
from deskbridge.wiring import Bridge, read_settings, utc_now

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log every decision and write.")]

_DEFAULT = Path("deskbridge.yaml")


def serve(config: Config = _DEFAULT, verbose: Verbose = False) -> None:
    """Receive webhooks, decide and write back, in one process, until interrupted."""
    logs.configure(verbose=verbose)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), ExitStack() as ending:
        bridge = _bridge(config, takes_file=True)
        ending.callback(bridge.close)
        bridge.open()
        app, intake = bridge.web()
        ending.callback(intake.close)
        server = WebServer(app, bridge.settings)
        ending.callback(server.close)
        _work(bridge, ending)
        host = bridge.settings.listen.rpartition(":")[0]  # brackets and all, where it is one of IPv6
        typer.echo(f"Deskbridge listens on http://{host}:{server.port}")
        server.run()


def worker(config: Config = _DEFAULT, verbose: Verbose = False) -> None:
    """Decide and write back beside a `deskbridge serve` that shares the database, until interrupted."""
    logs.configure(verbose=verbose)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), ExitStack() as ending:
        bridge = _bridge(config, takes_file=False)
        ending.callback(bridge.close)
        bridge.open()
        _work(bridge, ending)
        typer.echo(f"Deskbridge works as {bridge.workers.identity}")
        threading.Event().wait()


def _bridge(config: Path, *, takes_file: bool) -> Bridge:
    return Bridge(read_settings(config, os.environ), takes_file=takes_file, watch=Bars(utc_now).watch)


def _work(bridge: Bridge, ending: ExitStack) -> None:
    """Start workers and schedule; at the end both finish what is in hand, however often the process is told to go."""
    bridge.workers.start()
    ending.callback(bridge.workers.stop)
    bridge.schedule.start()
    ending.callback(bridge.schedule.stop)
    ending.callback(signal.signal, signal.SIGTERM, signal.SIG_IGN)
