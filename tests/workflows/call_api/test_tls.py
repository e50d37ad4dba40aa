"""TLS: whom it trusts, and what it says when it does not."""

import socket
import ssl
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.workflows.call_api.calls import failure, fetch
from tests.workflows.call_api.conftest import Serve, TalkTo
from tests.workflows.http_server import Server, replying, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a self-signed certificate for `localhost` in one file."""
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    try:
        subprocess.run(command, cwd=file.parent, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl isn't installed, so there is no certificate to try")
    file.write_text((file.parent / "key.pem").read_text() + (file.parent / "cert.pem").read_text())
    return file


@pytest.fixture
def names() -> list[str | None]:
    """The server names that clients asked for."""
    return []


@pytest.fixture
def tls_server(servers: ExitStack, settings: Settings, certificate: Path, names: list[str | None]) -> Server:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    tls.sni_callback = lambda _, name, __: names.append(name)
    server = servers.enter_context(serving(replying(200, b"secret"), tls=tls))
    server.host = "localhost"
    settings.OUTBOUND_ALLOWED_HOSTS = [server.authority, f"127.0.0.1:{server.port}"]
    return server


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate))


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server: Server) -> None:
    error = failure(tls_server.url)
    assert (error.code, error.retryable) == ("TLS_FAILED", False)
    assert "self-signed" in error.message
    assert tls_server.received == []


def test_verification_can_be_switched_off_without_a_warning(tls_server: Server) -> None:
    assert fetch(tls_server.url, verify_tls=False).body == b"secret"


@pytest.mark.usefixtures("trusted")
def test_the_name_of_the_url_is_what_tls_asks_for_and_checks(tls_server: Server, names: list[str | None]) -> None:
    assert fetch(tls_server.url).body == b"secret"
    assert names == ["localhost"]
    error = failure(f"https://127.0.0.1:{tls_server.port}/")
    assert error.code == "TLS_FAILED"
    assert "127.0.0.1" in error.message


def test_a_server_without_tls_is_a_tls_failure(serve: Serve) -> None:
    assert failure(serve(replying()).url.replace("http:", "https:")).code == "TLS_FAILED"


def test_a_connection_lost_in_the_handshake_may_be_tried_again(talk_to: TalkTo) -> None:
    def talk(connection: socket.socket, stopping: threading.Event) -> None:
        connection.recv(65_536)

    server = talk_to(talk)
    error = failure(f"https://{server.authority}/")
    assert (error.code, error.retryable) == ("CONNECTION_FAILED", True)
