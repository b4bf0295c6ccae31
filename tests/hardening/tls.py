"""Encryption: nothing before it counts, no broken certificate starts a server, and the password is bound to it."""

import contextlib
import pathlib
import socket
import ssl
import subprocess
import tempfile
import time

import psycopg
import servers
import wire
from wire import Closed, Refused, Wire


def made(folder, name, *more):
    """A self-signed certificate for localhost and its key."""
    certificate, key = f"{folder}/{name}.crt", f"{folder}/{name}.key"
    command = [
        "openssl",
        "req",
        "-x509",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-keyout",
        key,
        "-out",
        certificate,
    ]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-newkey", *(more or ["rsa:2048"])]
    subprocess.run([*command, *names], check=True, capture_output=True)
    return certificate, key


@contextlib.contextmanager
def encrypted(binary, *more):
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = made(folder, "server", *more)
        with servers.aqueduct(binary, tls_certificate=certificate, tls_key=key) as server:
            server.certificate = certificate
            yield server


def context(**versions):
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.check_hostname, found.verify_mode = False, ssl.CERT_NONE
    for name, version in versions.items():
        setattr(found, name, version)
    return found


def plaintext_first(binary, random, full):
    """What is sent in plain text before the encryption is never obeyed."""
    text = wire.startup() + wire.frame(b"Q", b"DROP TABLE victim\0")
    tries = 200 if full else 10
    with encrypted(binary) as server:
        with Wire(server.port).encrypt(context()).login() as client:
            client.ask("CREATE TABLE victim (id int)")
            for _ in range(tries):
                with Wire(server.port) as attacker:
                    attacker.send(wire.SSL_REQUEST + text[: random.randrange(1, len(text))])
                    try:
                        attacker.socket.settimeout(5)
                        attacker.exactly(1)
                        attacker.socket = context().wrap_socket(attacker.socket)
                        answer = attacker.message()
                        raise AssertionError(f"the server went on and said {answer}")
                    except (Closed, ssl.SSLError, ConnectionError):
                        pass
            assert client.ask("SELECT count(*) FROM victim") == [["0"]]
            assert server.alive()
    return f"{tries} injections, none obeyed"


def handshakes(binary, random, full):
    """Broken handshakes end, old versions are refused, a request may come once."""
    tries = 500 if full else 40
    with encrypted(binary) as server:
        before = server.memory()
        for _ in range(tries):
            with Wire(server.port) as client:
                client.send(wire.SSL_REQUEST)
                assert client.exactly(1) == b"S"
                client.send(random.randbytes(random.choice([1, 5, 200, 20_000])))
                ended(client)
        with Wire(server.port) as client:
            client.send(wire.GSS_REQUEST)
            assert client.exactly(1) == b"N"
            client.encrypt(context()).login()
            assert client.ask("SELECT 1") == [["1"]]
        with Wire(server.port) as client:
            client.encrypt(context())
            client.send(wire.SSL_REQUEST)
            ended(client)
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            old = context(minimum_version=version, maximum_version=version)
            old.set_ciphers("ALL:@SECLEVEL=0")
            try:
                Wire(server.port).encrypt(old)
                raise AssertionError(f"{version.name} was taken")
            except (ssl.SSLError, ConnectionError):
                pass
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            client = Wire(server.port).encrypt(context(minimum_version=version, maximum_version=version))
            assert client.login().ask("SELECT 1") == [["1"]]
        assert "panic" not in server.log.read_text()
        grown = (server.memory() - before) >> 20
        assert grown < 64, f"memory grew by {grown} MiB"
    return f"{tries} broken handshakes, memory {grown:+} MiB"


def ended(client):
    """What comes until the connection ends."""
    client.socket.settimeout(15)
    said = b""
    try:
        client.socket.shutdown(socket.SHUT_WR)
        while part := client.socket.recv(65536):
            said += part
    except OSError as error:
        assert not isinstance(error, TimeoutError), "the connection was kept"
    return said


def libpq(binary, random, full):
    """libpq's ways to ask for encryption."""
    told = []
    with encrypted(binary) as server, tempfile.TemporaryDirectory() as folder:
        other, _ = made(folder, "other")
        host = {
            "port": server.port,
            "user": servers.NAME,
            "dbname": servers.NAME,
            "password": servers.PASSWORD,
            "connect_timeout": 10,
        }
        good = [
            {"host": "127.0.0.1", "sslmode": "disable"},
            {"host": "127.0.0.1", "sslmode": "prefer"},
            {"host": "127.0.0.1", "sslmode": "require"},
            {"host": "127.0.0.1", "sslmode": "require", "channel_binding": "require"},
            {"host": "127.0.0.1", "sslmode": "require", "channel_binding": "disable"},
            {"host": "localhost", "sslmode": "verify-full", "sslrootcert": server.certificate, "channel_binding": "require"},
            {"host": "127.0.0.1", "sslmode": "verify-full", "sslrootcert": server.certificate},
            {"hostaddr": "127.0.0.1", "sslmode": "require"},
        ]
        for options in good:
            with psycopg.connect(**host | options) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            told.append(options["sslmode"])
        bad = [
            {"host": "localhost", "sslmode": "verify-full", "sslrootcert": other},
            {"host": "127.0.0.1", "sslmode": "disable", "channel_binding": "require"},
            {"host": "127.0.0.1", "sslmode": "require", "channel_binding": "require", "password": "wrong"},
        ]
        for options in bad:
            try:
                psycopg.connect(**host | options)
                raise AssertionError(f"connected with {options}")
            except psycopg.OperationalError:
                pass
    return f"{len(good)} ways in, {len(bad)} refused"


def binding(binary, random, full):
    """The password's proof holds for one certificate only, and nobody can make it weaker on the way."""
    kinds = [["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]]
    for kind in kinds:
        with encrypted(binary, *kind) as server, tempfile.TemporaryDirectory() as folder:
            der = ssl.PEM_cert_to_DER_cert(pathlib.Path(server.certificate).read_text())
            other = ssl.PEM_cert_to_DER_cert(pathlib.Path(made(folder, "other", *kind)[0]).read_text())
            with Wire(server.port).encrypt(context()).login(binding=der) as client:
                assert client.mechanisms == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
                assert client.ask("SELECT 1") == [["1"]]
            cases = {
                "of another certificate": {"binding": other},
                # "The server has none": whoever stands between may have taken it off the list.
                "taken off": {"header": b"y,,"},
                "of a kind that does not exist": {"binding": der, "header": b"p=tls-unique,,"},
                "with the mechanism that has none": {"header": b"p=tls-server-end-point,,"},
            }
            for name, options in cases.items():
                try:
                    Wire(server.port).encrypt(context()).login(**options)
                    raise AssertionError(f"a proof {name} was taken")
                except Refused as error:
                    assert error.state in ("28P01", "08P01", "28000"), f"{name}: {error}"
            try:
                # Without encryption there is nothing to be bound to.
                Wire(server.port).login(binding=der)
                raise AssertionError("a proof bound to nothing was taken")
            except Refused as error:
                assert error.state in ("28P01", "08P01"), error
    return f"{len(kinds)} kinds of certificates, {len(cases) + 1} false proofs refused"


def broken_certificates(binary, random, full):
    """A certificate that cannot be used is no start, and never plain text."""
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = made(folder, "server")
        _, other = made(folder, "other")
        empty, garbage = pathlib.Path(folder, "empty"), pathlib.Path(folder, "garbage")
        empty.write_text("")
        garbage.write_bytes(random.randbytes(500))
        cases = {
            "no key": {"tls_certificate": certificate},
            "no certificate": {"tls_key": key},
            "another's key": {"tls_certificate": certificate, "tls_key": other},
            "no such file": {"tls_certificate": f"{folder}/none", "tls_key": key},
            "an empty one": {"tls_certificate": empty, "tls_key": key},
            "an empty key": {"tls_certificate": certificate, "tls_key": empty},
            "garbage": {"tls_certificate": garbage, "tls_key": key},
            "a key as certificate": {"tls_certificate": key, "tls_key": key},
            "an address for all, without encryption": {},
        }
        for name, settings in cases.items():
            listen = "0.0.0.0:0" if not settings else "127.0.0.1:0"
            environment = {f"AQUEDUCT_{key.upper()}": str(value) for key, value in settings.items()}
            command = [binary, "serve", "--data", f"{folder}/{name}", "--listen", listen, "--http", "127.0.0.1:0"]
            began = time.monotonic()
            try:
                done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{name}: the server started") from None
            said = done.stdout + done.stderr
            assert done.returncode not in (0, None) and done.returncode > 0, f"{name}: {done.returncode}"
            assert "panic" not in said and "FATAL" in said, f"{name}: {said}"
            assert time.monotonic() - began < 15
    return f"{len(cases)} refused to start"


TESTS = [plaintext_first, handshakes, libpq, binding, broken_certificates]
for test in TESTS:
    test.alone = True
