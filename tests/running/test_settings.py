"""Settings: what the environment says, what production refuses, who logs in as whom."""

import json
import stat
from pathlib import Path

import pytest

from shared.running.settings import Settings, role_name, with_login, write_private


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_environment_is_read_by_the_names_of_the_fields(monkeypatch):
    monkeypatch.setenv("PORT", "9001")
    monkeypatch.setenv("SANDBOX_PORT", "9002")
    monkeypatch.setenv("PORTAL_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("SERVICES_URLS", '{"loans": "http://loans:8000"}')
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    settings = Settings()
    assert settings.port == 9001
    assert settings.sandbox_url == settings.oidc_issuer == "http://127.0.0.1:9002"
    assert settings.portal_origins == ("https://a.example", "https://b.example")
    assert settings.services_urls == {"loans": "http://loans:8000"}
    assert settings.log_level == "warning"


def test_an_issuer_of_its_own_wins_over_the_sandbox(monkeypatch):
    monkeypatch.setenv("OIDC_ISSUER", "https://id.example/realms/soha")
    assert Settings().oidc_issuer == "https://id.example/realms/soha"


def test_directories_are_absolute_wherever_the_process_goes_next(tmp_path):
    assert Settings().data_dir == tmp_path / ".data"
    assert Settings(run_dir=Path("here")).run_dir == tmp_path / "here"


def test_settings_cannot_be_changed_once_built():
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1


def test_each_service_logs_in_as_its_own_role(tmp_path):
    settings = Settings(
        data_dir=tmp_path,
        database_url="postgresql://owner:secret@db.example:5433/soha?sslmode=require",
        database_urls={"loans": "postgresql://soha_loans:moved@other/soha"},
    )
    write_private(settings.keys_dir / "db.json", json.dumps({"soha_intake": "p/w@d"}))
    dsn = "postgresql://soha_intake:p%2Fw%40d@db.example:5433/soha?sslmode=require"
    assert settings.dsn("intake") == dsn
    assert settings.dsn("loans") == "postgresql://soha_loans:moved@other/soha"
    with pytest.raises(LookupError, match="soha_shares_reader"):
        settings.dsn("shares", role="reader")
    with pytest.raises(LookupError, match="DATABASE_URL"):
        Settings(data_dir=tmp_path).dsn("intake")


def test_names_of_roles():
    assert role_name("loans") == "soha_loans"
    assert role_name("loans", role="migrator") == "soha_loans_migrator"
    assert with_login("postgresql://h/d", user="u", password="p") == "postgresql://u:p@h/d"


def test_a_private_file_is_replaced_whole_and_read_by_its_owner_only(tmp_path):
    file = tmp_path / "keys" / "db.json"
    write_private(file, "first")
    write_private(file, "second")
    assert file.read_text() == "second"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [kept.name for kept in file.parent.iterdir()] == ["db.json"]


def test_the_example_names_every_setting():
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    derived = {"SANDBOX_URL"}
    assert {name.upper() for name in Settings.model_fields} - derived <= {
        line.lstrip("#").partition("=")[0] for line in example.splitlines() if "=" in line
    }
