"""The gateway holds no data: in a process of its own it cannot even reach a database."""

import subprocess
import sys

LOADED = "import sys, services.gateway.app; print(*sorted({m.split('.')[0] for m in sys.modules}))"


def test_no_database_library_is_loaded():
    asked = [sys.executable, "-c", LOADED]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "aiohttp" in loaded
    assert not loaded & {"sqlalchemy", "asyncpg", "alembic"}
