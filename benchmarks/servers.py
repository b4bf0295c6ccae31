"""Servers of a benchmark's own, on free ports, ended with it."""

import glob
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import time

import psycopg

TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    """CPU time of a process and of its children that have ended or go on."""
    total = 0.0
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            text = open(stat).read()
        except OSError:
            continue
        number, fields = int(text.split()[0]), text.rsplit(")", 1)[1].split()
        if number == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


class Server:
    def connect(self):
        return psycopg.connect(self.dsn, autocommit=True)

    def wait(self):
        for _ in range(600):
            try:
                return self.connect().close()
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} ended: {self.log.read_text()[-2000:]}")
                time.sleep(0.1)
        raise RuntimeError(f"{self.name} does not answer: {self.log.read_text()[-2000:]}")

    def cpu(self):
        return cpu_seconds(self.process.pid)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)


class Aqueduct(Server):
    name = "aqueduct"

    def __init__(self, binary, folder):
        self.binary, self.folder = pathlib.Path(binary).resolve(), folder
        self.port = free_port()
        self.dsn = f"host=127.0.0.1 port={self.port} user=aqueduct password=bench dbname=aqueduct"

    def __enter__(self):
        self.log = self.folder / "aqueduct.log"
        command = [self.binary, "serve", "--data", self.folder / "data"]
        command += ["--listen", f"127.0.0.1:{self.port}", "--http", f"127.0.0.1:{free_port()}"]
        environment = os.environ | {"AQUEDUCT_PASSWORD": "bench"}
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=self.log.open("w"), stderr=subprocess.STDOUT
        )
        self.wait()
        return self


class Postgres(Server):
    """PostgreSQL with the settings of its installation but for memory; never as root."""

    name = "postgresql"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / "postgresql"
        self.port = free_port()
        self.dsn = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def __enter__(self):
        found = shutil.which("initdb") or sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1]
        binaries = pathlib.Path(found).parent
        self.log = self.folder.parent / "postgresql.log"
        self.folder.mkdir()
        user = {}
        if os.getuid() == 0:
            entry = pwd.getpwnam("postgres")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            os.chmod(self.folder.parent, 0o755)
            user = {"user": entry.pw_uid, "group": entry.pw_gid}
        quiet = {"stdout": self.log.open("w"), "stderr": subprocess.STDOUT}
        init = [binaries / "initdb", "-D", self.folder, "-U", "postgres", "--auth=trust"]
        subprocess.run(init, check=True, cwd="/", **quiet, **user)
        command = [binaries / "postgres", "-D", self.folder, "-p", str(self.port), "-k", "", "-c", "shared_buffers=512MB"]
        self.process = subprocess.Popen(command, cwd="/", **quiet, **user)
        self.wait()
        return self
