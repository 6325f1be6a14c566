"""The door to a platform over HTTP: certificates, redirects, sizes. Real servers on loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.errors import ConfigError, OutcomeUnknown, Unavailable, WireError
from adapters.transport import Transport

NOW = dt.datetime(2026, 10, 26, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "platform.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))  # fmt: skip
    return path


Answering = Callable[[BaseHTTPRequestHandler], None]


def plain(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "2")
    handler.end_headers()
    handler.wfile.write(b"ok")


def elsewhere(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://someone:secret@10.0.0.1:81/inner")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(bytes(300_000))


def cut(handler: BaseHTTPRequestHandler) -> None:
    """The line breaks in the middle of the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"half")


@contextmanager
def server(answering: Answering, certificate: Path | None = None) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answering(self)

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    one = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        one.socket = context.wrap_socket(one.socket, server_side=True)
    thread = threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{one.server_port}/x"
    finally:
        one.shutdown()
        one.server_close()
        thread.join(5)


def door(ca_file: str | None = None, **more: int) -> Transport:
    return Transport("示例", lambda: NOW, ca_file=ca_file, **more)


def refused(error: type[WireError], call: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def test_a_certificate_is_never_taken_on_trust(certificate: Path) -> None:
    """Unknown issuer: refused, for reading and writing, with the key that names a CA file; with that file it is let in."""
    with server(plain, certificate) as url:
        for call in (lambda: door().read("GET", url, {}), lambda: door().write("POST", url, {}, b"x")):
            said = refused(ConfigError, call)
            assert "证书" in said and "ca_file" in said and "127.0.0.1" in said
        assert door(str(certificate)).read("GET", url, {}).body == b"ok"
        assert door(str(certificate)).write("POST", url, {}, b"x").body == b"ok"


def test_a_ca_file_that_is_none(certificate: Path, tmp_path: Path) -> None:
    """A file that is not there, or holds no certificate, is a mistake of the connection, and named."""
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate", encoding="utf-8")
    with server(plain, certificate) as url:
        for path in (tmp_path / "gone.pem", empty):
            said = refused(ConfigError, lambda path=path: door(str(path)).read("GET", url, {}))
            assert "ca_file" in said and path.name in said


def test_a_broken_line_is_no_certificate(certificate: Path) -> None:
    """An answer that breaks off inside TLS leaves a write unknown, never `certainly not done`."""
    with server(cut, certificate) as url:
        refused(OutcomeUnknown, lambda: door(str(certificate)).write("POST", url, {}, b"x"))
        refused(Unavailable, lambda: door(str(certificate)).read("GET", url, {}))


def test_plain_http_on_a_tls_door_and_the_other_way_round(certificate: Path) -> None:
    """https to a plain server: the scheme of the connection is named. http to a TLS server: no answer."""
    with server(plain) as url:
        assert "schema" in refused(ConfigError, lambda: door().read("GET", url.replace("http:", "https:"), {}))
    with server(plain, certificate) as url:
        refused(Unavailable, lambda: door().read("GET", url.replace("https:", "http:"), {}))


def test_redirects_are_refused(certificate: Path) -> None:
    """A platform that points to another host is not followed; the message names the host and no credentials."""
    with server(elsewhere) as url:
        for call in (lambda: door().read("GET", url, {}), lambda: door().write("POST", url, {}, b"x")):
            said = refused(ConfigError, call)
            assert "10.0.0.1:81" in said and "secret" not in said


def test_an_answer_without_end_is_capped() -> None:
    """More bytes than allowed end the reading."""
    with server(endless) as url:
        refused(Unavailable, lambda: door(max_bytes=100_000).read("GET", url, {}))
