"""The receiving half of `deskbridge serve` as a process: its web server, its intake, its database, no workers."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from deskbridge import logs
from deskbridge.web import WebServer
from deskbridge.wiring import Bridge, read_settings


def main() -> None:
    """Receive by the settings file that is the only argument, until terminated."""
    logs.configure(verbose=False)
    signal.signal(signal.SIGTERM, _leave)
    settings = read_settings(Path(sys.argv[1]), os.environ)
    bridge = Bridge(settings)
    bridge.store.migrate()
    app, intake = bridge.web()
    server = WebServer(app, settings)
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
        intake.close()
        bridge.close()


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
