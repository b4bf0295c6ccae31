"""An Aqueduct and a PostgreSQL of a run's own: folders of their own, free ports, gone when the run ends."""

import contextlib
import functools
import glob
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

NAME = "aqueduct"
PASSWORD = "a-password-of-these-tests"


class Server:
    """A running server: where it is, and the process that serves."""

    def __init__(self, process, port, log, http=None):
        self.process, self.port, self.log, self.http = process, port, log, http

    @property
    def url(self):
        return f"postgresql://{NAME}:{PASSWORD}@127.0.0.1:{self.port}/{NAME}"

    @property
    def environment(self):
        """What libpq reads, without the settings of whoever calls."""
        ours = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": NAME, "PGDATABASE": NAME, "PGPASSWORD": PASSWORD}
        return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | ours

    def memory(self):
        """Resident bytes of the process."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * 4096

    def seconds(self):
        """CPU seconds that the process has used."""
        after_name = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def alive(self):
        return self.process.poll() is None


@contextlib.contextmanager
def aqueduct(binary, **settings):
    """Serves an empty folder; `settings` are those of the server, by their names."""
    with tempfile.TemporaryDirectory(prefix="aqueduct-clients-") as folder:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "AQUEDUCT_"))}
        environment |= {f"AQUEDUCT_{name.upper()}": str(value) for name, value in settings.items()}
        environment |= {"AQUEDUCT_PASSWORD": PASSWORD, "RUST_BACKTRACE": "0"}
        log = pathlib.Path(folder, "log")
        command = [binary, "serve", "--data", f"{folder}/data", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        with log.open("w") as out:
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=folder)
        try:
            port, http = ports(process, log)
            yield Server(process, port, log, http)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ports(process, log):
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"port=(\d+).*\n.*http://127\.0\.0\.1:(\d+)/", log.read_text())
        if found:
            return int(found[1]), int(found[2])
        time.sleep(0.05)
    raise SystemExit(f"the server did not start:\n{log.read_text()}")


@contextlib.contextmanager
def postgresql():
    """A PostgreSQL with the same role, password and database as our server."""
    programs = bin_folder()
    # It refuses to run as root.
    user = {"user": "postgres"} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="postgresql-clients-") as folder:
        if user:
            shutil.chown(folder, "postgres")
        secret = pathlib.Path(folder, "password")
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        made = ["--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "-U", NAME, "-D", f"{folder}/data", *made],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **user,
        )
        port = free_port()
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off", "timezone": "UTC"}
        command = [programs / "postgres", "-D", f"{folder}/data", "-p", str(port)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        log = pathlib.Path(folder, "log")
        with log.open("w") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, **user)
        try:
            server = Server(process, port, log)
            wait_for(lambda: "ready to accept connections" in log.read_text(), 30)
            server.programs = programs
            yield renew(server)
        finally:
            process.send_signal(3)
            process.wait()


def renew(server):
    """Gives a PostgreSQL's database back empty."""
    run = functools.partial(subprocess.run, env=server.environment, check=True, cwd="/")
    run([server.programs / "dropdb", "--if-exists", "--force", "--maintenance-db=postgres", NAME], stderr=subprocess.DEVNULL)
    run([server.programs / "createdb", "--maintenance-db=postgres", NAME])
    return server


def bin_folder():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb")) or [shutil.which("initdb")]
    if not found[-1]:
        raise SystemExit("PostgreSQL is not installed: make setup")
    return pathlib.Path(found[-1]).parent


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(holds, seconds):
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.02)
