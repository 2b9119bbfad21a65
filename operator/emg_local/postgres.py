"""A PostgreSQL server of our own: started from a folder of its programs, gone when this program is gone."""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from emg_session.errors import DatabaseUnavailable

USER, DATABASE = "emg", "postgres"
_START_SECONDS, _STOP_SECONDS = 60.0, 10.0
_PR_SET_PDEATHSIG = 1
_PID_LINE, _PORT_LINE, _READY_LINE = 0, 3, 7  # of postmaster.pid


@dataclass(kw_only=True)
class Postgres:
    """A server on one data folder, made at first use; enter it from the main thread.

    PostgreSQL refuses to run as root: it then runs as `server_user()`, who must be able to reach both folders.
    `networks` (CIDR) may connect besides this machine, all with the password in `url`: made up if not given.
    """

    programs: Path
    data: Path
    listen: str = "127.0.0.1"
    port: int = 0
    networks: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    password: str = field(default="", repr=False)
    _process: "subprocess.Popen[bytes] | None" = None

    def __enter__(self) -> Self:
        """Start and wait until the server answers; raises DatabaseUnavailable naming the log."""
        if not (self.data / "PG_VERSION").exists():
            self._make_data()
        self._allow_networks()
        self.port = self.port or _free_port()
        self._process = self._start()
        with ExitStack() as undo:
            undo.callback(self._stop)
            self._wait_until_ready(self._process)
            undo.pop_all()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Stop the server, ending its connections."""
        self._stop()

    def wait(self) -> int | None:
        """Wait until the server ends, and return its exit code."""
        return self._process.wait() if self._process else None

    @property
    def url(self) -> str:
        """The address for programs on this machine."""
        return self.url_at("127.0.0.1")

    def url_at(self, host: str) -> str:
        """Return the address for programs that know this machine as `host`."""
        return f"postgresql://{USER}:{self._password_file.read_text()}@{host}:{self.port}/{DATABASE}"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data.with_name(f"{self.data.name}.log")

    @property
    def _password_file(self) -> Path:
        return self.data.with_name(f"{self.data.name}.password")

    def _make_data(self) -> None:
        """Make the data folder beside its place: it appears whole or not at all."""
        unfinished = self.data.with_name(f"{self.data.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(self.password or secrets.token_urlsafe(24))
        if (user := server_user()) is not None:
            os.chown(unfinished, user.pw_uid, user.pw_gid)
            os.chown(self._password_file, user.pw_uid, user.pw_gid)
        options = ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--no-sync", "--no-instructions"]
        where = ["-D", str(unfinished), "-U", USER, f"--pwfile={self._password_file}"]
        with self.log.open("ab") as log:
            made = subprocess.run(  # noqa: S603 - the program of the folder we were given
                [self.programs / "initdb", *where, *options], check=False, stdout=log, stderr=log, **as_server_user()
            )
        if made.returncode:
            raise DatabaseUnavailable(f"initdb failed: see {self.log}")
        unfinished.rename(self.data)

    def _allow_networks(self) -> None:
        networks = ["127.0.0.1/32", *self.networks]
        rules = "".join(f"host all {USER} {network} scram-sha-256\n" for network in networks)
        (self.data / "pg_hba.conf").write_text(rules)

    def _start(self) -> "subprocess.Popen[bytes]":
        named = {"listen_addresses": self.listen, "unix_socket_directories": "", "max_connections": "60"}
        settings = [word for name, value in {**named, **self.settings}.items() for word in ("-c", f"{name}={value}")]
        parent = os.getpid()
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the program of the folder we were given
                [self.programs / "postgres", "-D", self.data, "-p", str(self.port), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we stop the server last
                preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509 - the caller is the main thread
                **as_server_user(),
            )

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        end = time.monotonic() + _START_SECONDS
        while not self._is_ready(process.pid):
            if process.poll() is not None:
                raise DatabaseUnavailable(f"PostgreSQL ended at once ({process.returncode}): see {self.log}")
            if time.monotonic() > end:
                raise DatabaseUnavailable(f"PostgreSQL is not ready after {_START_SECONDS:.0f} s: see {self.log}")
            time.sleep(0.01)

    def _is_ready(self, pid: int) -> bool:
        with suppress(FileNotFoundError, IndexError):
            lines = (self.data / "postmaster.pid").read_text().split("\n")
            return lines[_PID_LINE] == str(pid) and lines[_READY_LINE].strip() == "ready"
        return False

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def running_url(data: Path) -> str:
    """Return the address of the server that runs on a data folder; raises DatabaseUnavailable where none does."""
    try:
        lines = (data / "postmaster.pid").read_text().split("\n")
        password = data.with_name(f"{data.name}.password").read_text()
        return f"postgresql://{USER}:{password}@127.0.0.1:{int(lines[_PORT_LINE])}/{DATABASE}"
    except (FileNotFoundError, IndexError, ValueError) as error:
        raise DatabaseUnavailable(f"no PostgreSQL runs on {data}: start `emg run` there") from error


def server_user() -> pwd.struct_passwd | None:
    """Return whom the server runs as where that is not ourselves."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def as_server_user() -> dict[str, Any]:
    """Return the arguments that make `subprocess` run a program as the server's user."""
    user = server_user()
    who = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return who | {"cwd": "/"}


def _die_with(parent: int) -> None:
    """Ask Linux for SIGINT, a fast shutdown, when the parent ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
