"""Starts the sandbox: `python -m deploy.sandbox --port 8090 --data DIR --run-dir DIR`."""

import argparse
import os
from pathlib import Path

import uvicorn

from deploy.sandbox.app import create_app


def main() -> None:
    parser = argparse.ArgumentParser(prog="sandbox", description="Stand-ins for the outside world")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--base-url", help="the issuer of tokens; default http://127.0.0.1:<port>")
    parser.add_argument("--door", default="http://127.0.0.1:8000", help="where results are brought")
    given = parser.parse_args()
    app = create_app(
        data=given.data,
        run_dir=given.run_dir,
        base_url=(given.base_url or f"http://127.0.0.1:{given.port}").rstrip("/"),
        production=os.environ.get("ENV") == "production",
        door=given.door.rstrip("/"),
    )
    # Held calls would keep a stopping process for 15 s; an access log would hold mobiles.
    uvicorn.run(
        app,
        host=given.host,
        port=given.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
