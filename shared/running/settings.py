"""What differs between two installations, read once from the environment and handed down.

Names are the fields in capitals (`DATA_DIR`, `DATABASE_URL`); `.env.example` explains each of them.
"""

import json
import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Environment = Literal["development", "test", "production"]
DatabaseRole = Literal["app", "migrator", "reader", "batch"]
SERVICES = ("intake", "livelihood", "loans", "exemption", "eligibility", "shares", "notify")


class Settings(BaseSettings):
    """Built once at the start; nothing else reads the environment."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    env: Environment = "development"
    port: int = Field(default=8000, ge=1, le=65535)
    bind_address: str = "127.0.0.1"
    sandbox_port: int = Field(default=8090, ge=1, le=65535)
    data_dir: Path = Path(".data")
    run_dir: Path = Path(".run")

    database_url: str | None = None
    """The owner's address, who may create roles; None starts the embedded server."""
    database_urls: dict[str, str] = {}
    """service name -> address of the server it has moved to; its role and password included."""
    pool_size: int = Field(default=5, ge=1, le=50)

    sandbox_url: str = Field(
        default_factory=lambda read: f"http://127.0.0.1:{read['sandbox_port']}"
    )
    oidc_issuer: str = Field(default_factory=lambda read: str(read["sandbox_url"]))
    oidc_audience: str = "soha"
    services_urls: dict[str, str] = {}
    """service name -> base URL when it runs in another process; empty means in this one."""
    idempotency_days: int = Field(default=400, ge=1)
    """How long an answer is kept under its key; the longest of decision 1, for money."""
    portal_origins: Annotated[tuple[str, ...], NoDecode] = ()
    documents_url: str | None = None
    """The object store of documents, as `s3://bucket/prefix`; None keeps them below data_dir."""
    clamd_url: str | None = None
    otel_exporter_otlp_endpoint: str | None = None
    """The collector for traces and metrics; None leaves telemetry off."""

    max_concurrency: int = Field(default=200, ge=1)
    """Requests that the door works on at once; one more is told 503 with Retry-After."""
    service_concurrency: int = Field(default=64, ge=1)
    """The same for one service, so that none starves the others."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("portal_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("data_dir", "run_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def keys_dir(self) -> Path:
        """Where passwords, signing keys and field keys live, kept apart from every backup."""
        return self.data_dir / "keys"

    def dsn(self, service: str, *, role: DatabaseRole = "app") -> str:
        """Return the address under which a service (or `courier`) meets the database.

        Raises LookupError while no database is known or its passwords have not been made yet.
        """
        if service in self.database_urls and role == "app":
            return self.database_urls[service]
        if self.database_url is None:
            raise LookupError("DATABASE_URL is not known yet: no server has been started")
        name = role_name(service, role=role)
        try:
            password = json.loads((self.keys_dir / "db.json").read_text())[name]
        except (FileNotFoundError, KeyError):
            raise LookupError(f"no password for the role {name} in {self.keys_dir}") from None
        return with_login(self.database_url, user=name, password=password)


def role_name(service: str, *, role: DatabaseRole = "app") -> str:
    """Return the database role of a service: `soha_loans`, `soha_loans_migrator`, …"""
    return f"soha_{service}" if role == "app" else f"soha_{service}_{role}"


def with_login(dsn: str, *, user: str, password: str) -> str:
    """Return the same server and database under another login."""
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{place}"))


def write_private(path: Path, text: str) -> None:
    """Replace a file whole or not at all; only its owner may read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
