"""Accounts to connect to, with planted secrets, and what stands between us and them when it goes wrong."""

import http.server
import io
import ssl
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner, Result

from deskbridge.cli import app
from sandbox.common.desk import SandboxDesk
from sandbox.freshdesk import FreshdeskSandbox
from sandbox.intercom import IntercomSandbox
from sandbox.zendesk import ZendeskSandbox

PLANTED = "planted-secret-"
"""What every secret in these tests begins with; it must be seen nowhere."""

CLIENT_SECRET = f"{PLANTED}client"
API_TOKEN = f"{PLANTED}api-token"
API_KEY = f"{PLANTED}api-key"
ACCESS_TOKEN = f"{PLANTED}access-token"
SIGNING = f"{PLANTED}signing"
ENV = {"Z": CLIENT_SECRET, "T": API_TOKEN, "F": API_KEY, "I": ACCESS_TOKEN, "S": SIGNING}


def account(vendor: str, denied: Collection[str] = ()) -> SandboxDesk:
    """A sandbox desk whose secrets are the planted ones; Intercom's app has no permission for what is `denied`."""
    if vendor == "zendesk":
        return ZendeskSandbox(client_secret=CLIENT_SECRET, api_token=API_TOKEN, refresh_token=f"{PLANTED}refresh")
    if vendor == "freshdesk":
        return FreshdeskSandbox(api_key=API_KEY)
    return IntercomSandbox(access_token=ACCESS_TOKEN, client_secret=SIGNING, denied=denied)


def options(vendor: str, url: str) -> list[str]:
    """All that `deskbridge connect` needs to be told."""
    told = {
        "zendesk": ["--grant", "client-credentials", "--client-id", "deskbridge", "--client-secret", "${Z}"],
        "freshdesk": ["--api-key", "${F}"],
        "intercom": ["--access-token", "${I}", "--client-secret", "${S}"],
    }
    return [vendor, "acme", "--url", url, *told[vendor]]


def run(*arguments: str, env: Mapping[str, str] = ENV, typed: str | Callable[[str], str] | None = None) -> Result:
    """`deskbridge connect` with these arguments; nothing that it says or raises may hold a planted secret.

    What is `typed` may depend on all that was shown until then.
    """
    with pytest.MonkeyPatch.context() as patch:
        if callable(typed):
            hands = io.BufferedReader(_Hands(typed))
            patch.setattr("typer.testing.make_input_stream", lambda *_: hands)  # which takes finished text only
        text = typed if isinstance(typed, str) else None
        result = CliRunner().invoke(app, ["connect", *arguments], input=text, env={"COLUMNS": "200", **env})
    assert PLANTED not in said(result)
    return result


class _Hands(io.RawIOBase):
    def __init__(self, types: Callable[[str], str]) -> None:
        self._types = types
        self._left: bytes | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left is None:
            sys.stdout.flush()
            shown: Any = sys.stdout
            self._left = self._types(shown.buffer.getvalue().decode()).encode()
        taken, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def said(result: Result) -> str:
    """Everything that was printed, and the whole of an exception with its causes."""
    raised = result.exception
    return result.output + ("".join(traceback.format_exception(raised)) if raised else "")


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder, by name, besides secrets that are kept in files of their own."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "secrets"
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """What something that is not a desk says to everybody."""

    status: int = 200
    content_type: str = "text/html"
    body: str = "<html>Please sign in to the guest network</html>"
    location: str | None = None


@contextmanager
def something_else(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A web server that gives the same answer to everything, CONNECT included; its address without a scheme."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            if answer.location is not None:
                self.send_header("Location", answer.location)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        do_GET = do_POST = do_CONNECT = answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server calls it
            """Nothing: a test reads what we say, not what it says."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not trust the certificate hangs up in the handshake."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def certificate_of_nobody(folder: Path) -> ssl.SSLContext:
    """TLS with a certificate that nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    pem = folder / "nobody.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
