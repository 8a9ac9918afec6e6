"""Where a message may go and how it is signed: no private network, redirect, proxy or other host's certificate."""

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge import outbound
from bridge.caller import seconds_until
from bridge.outbound import Forbidden, NotSent, permitted, post
from bridge.signing import signed, signing_key
from tests.core.receiver import Receiver, says

HERE = (ip_network("127.0.0.0/8"),)
NOW = datetime(2026, 11, 21, 7, 28, tzinfo=UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def finds(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Have names mean these addresses, one answer after another, and nothing any more; the names asked for."""
    left, asked, real = list(answers), list[str](), socket.getaddrinfo

    def look_up(host: str, port: int, *more: Any, **kind: Any) -> list[Any]:
        if host.endswith(".example"):
            asked.append(host)
            return [found for address in left.pop(0) for found in real(address, port, *more, **kind)]
        return real(host, port, *more, **kind)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
        "localhost",
    ],
)
def test_no_private_address_may_be_reached_however_it_is_written(host: str) -> None:
    with pytest.raises(Forbidden, match="private address"):
        permitted(httpx.URL(f"https://{host}/in"), ())


def test_public_addresses_may_be_reached_and_private_ones_of_networks_that_are_allowed() -> None:
    for host in ("93.184.216.34", "[2606:2800:220:1::1]"):
        assert len(permitted(httpx.URL(f"https://{host}/"), ())) == 1
    allowed = (ip_network("10.20.0.0/16"), ip_network("fd00::/8"))
    for host in ("10.20.3.4", "[fd00::1]", "[::ffff:10.20.3.4]"):
        assert len(permitted(httpx.URL(f"https://{host}/"), allowed)) == 1
    with pytest.raises(Forbidden):
        permitted(httpx.URL("https://10.21.3.4/"), allowed)


def test_of_a_name_with_both_kinds_of_addresses_only_the_public_ones_are_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finds(monkeypatch, ["10.0.0.1", "93.184.216.34", "::1"])
    assert [str(found) for found in permitted(httpx.URL("https://both.example/"), ())] == ["93.184.216.34"]


def test_a_name_is_looked_up_once_so_that_it_cannot_mean_something_else_a_moment_later(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    asked = finds(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    url = receiver.url.replace("127.0.0.1", "crm.example")
    assert post(url, b"{}", {}, seconds=5, private=HERE).status == 204
    assert asked == ["crm.example"]
    assert receiver.heard[0].headers["host"] == httpx.URL(url).netloc.decode()


def test_a_host_that_does_not_answer_at_one_address_is_tried_at_its_next(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    finds(monkeypatch, ["127.9.9.9", "127.0.0.1"])
    url = receiver.url.replace("127.0.0.1", "crm.example")
    assert post(url, b"{}", {}, seconds=5, private=HERE).status == 204


def test_a_name_that_nobody_has_is_no_answer() -> None:
    with pytest.raises(NotSent, match=r"there is no host 'nowhere\.invalid'"):
        post("https://nowhere.invalid/", b"{}", {}, seconds=5, private=())


def test_redirects_are_not_followed_and_proxies_not_used(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    receiver.next.append(says(302, Location=f"{receiver.url}/elsewhere"))
    assert post(receiver.url, b"{}", {}, seconds=5, private=HERE).status == 302
    assert len(receiver.heard) == 1


class Secure:
    """A server with a certificate for `crm.example` alone, which answers 204 to whoever believes it."""

    def __init__(self, folder: Path) -> None:
        key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        command = (
            f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout {key} "
            f"-out {self.certificate} -subj /CN=crm.example -addext subjectAltName=DNS:crm.example"
        )
        subprocess.run(command.split(), check=True, capture_output=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                connection.settimeout(5)
                if connection.recv(1, socket.MSG_PEEK) == b"x":
                    return
                try:
                    with self._context.wrap_socket(connection, server_side=True) as secure:
                        heard = b""
                        while not heard.endswith(b"{}"):
                            heard += secure.recv(65_536)
                        secure.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                except OSError:  # it was not believed
                    continue

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"x")
        self._thread.join()
        self._socket.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_host_proves_by_its_certificate_that_it_is_the_one_in_the_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = Secure(tmp_path)
    try:
        believed = ssl.create_default_context(cafile=str(server.certificate))
        monkeypatch.setattr(outbound, "_trust", lambda: believed)
        finds(monkeypatch, ["127.0.0.1"], ["127.0.0.1"])
        assert post(f"https://crm.example:{server.port}/", b"{}", {}, seconds=5, private=HERE).status == 204
        with pytest.raises(NotSent, match="ConnectError"):
            post(f"https://other.example:{server.port}/", b"{}", {}, seconds=5, private=HERE)
    finally:
        server.close()


def test_a_signature_is_the_one_of_the_specifications_own_libraries() -> None:
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1_614_265_330, UTC)
    headers = signed([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_no base64!"]
)
def test_what_is_no_secret_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ValueError, match=r"must be whsec_ and 24 to 64 bytes in base64") as caught:
        signing_key(secret)
    assert len(secret) < 8 or secret not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120),
        (" 7 ", 7),
        ("Sat, 21 Nov 2026 07:30:00 GMT", 120),
        ("Sat, 21 Nov 2026 07:00:00 GMT", 0),
        ("999999999", 86_400),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("1e999", None),
        ("", None),
    ],
)
def test_a_receiver_says_when_to_come_in_seconds_or_by_a_date(header: str | None, seconds: float | None) -> None:
    assert seconds_until(header, NOW) == seconds
