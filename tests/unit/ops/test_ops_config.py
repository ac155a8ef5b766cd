"""Config: every wrong value is one clear sentence, and no secret shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters import registry
from ops.config import ENVIRONMENT, Config, language
from ops.embedded.addresses import Urls
from ops.errors import StartError

KEY = "A" * 43 + "="
EXAMPLE = Path(__file__).resolve().parents[3] / ".env.example"


def read(tmp_path: Path, **env: str) -> Config:
    return Config.from_env({"THUPHI_HOME": str(tmp_path), **env})


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    config = read(tmp_path)

    assert config.embedded
    assert (config.host, config.port, config.public_url) == (
        "127.0.0.1",
        8000,
        "http://127.0.0.1:8000",
    )
    assert config.secrets_path == tmp_path / "secrets.json"
    assert config.clock_path is None


def test_every_field_has_its_line_in_the_example_and_every_line_its_field() -> None:
    names = re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text(), re.M)

    assert sorted(names) == sorted([*ENVIRONMENT.values(), *registry.VARIABLES])


def test_the_example_is_a_config_as_it_stands(tmp_path: Path) -> None:
    lines = re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.M)

    assert read(tmp_path, **dict(lines)).embedded


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://x/y"),
        ("DATABASE_URL", "postgresql://host-only"),
        ("DATABASE_URL", "postgresql://u:p@h:port/db"),
        ("THUPHI_SYSTEM_URL", "thuphi"),
        ("REDIS_URL", "http://127.0.0.1"),
        ("REDIS_URL", "redis://h:99999999"),
        ("THUPHI_PUBLIC_URL", "pay.example.vn"),
        ("THUPHI_PUBLIC_URL", "https://pay.example.vn/?x=1"),
        ("THUPHI_PORT", "-1"),
        ("THUPHI_PORT", "65536"),
        ("THUPHI_PORT", "８０"),
        ("THUPHI_WORKERS", "0"),
        ("THUPHI_WORKERS", "two"),
        ("THUPHI_DEMO", "maybe"),
        ("THUPHI_LOG_FORMAT", "xml"),
        ("THUPHI_WEB_SECRET", "too short"),
    ],
)
def test_a_wrong_value_names_its_variable_and_never_repeats_itself(
    tmp_path: Path, variable: str, value: str
) -> None:
    with pytest.raises(StartError) as refused:
        read(tmp_path, **{variable: value})

    for said in (refused.value.vi, refused.value.en):
        assert variable in said
        assert value not in said
        assert "\n" not in said


def test_one_server_of_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="REDIS_URL is not"):
        read(tmp_path, DATABASE_URL="postgresql://a:b@h/d")
    with pytest.raises(StartError, match="DATABASE_URL is not"):
        read(tmp_path, REDIS_URL="redis://h:1/0")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_usual_postgresql_address_is_taken(tmp_path: Path, scheme: str) -> None:
    config = read(tmp_path, DATABASE_URL=f"{scheme}://a:b@h:5433/d", REDIS_URL="redis://h")

    assert config.database_url == "postgresql+psycopg://a:b@h:5433/d"


def test_no_secret_shows_in_the_repr(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        DATABASE_URL="postgresql://a:geheim@h/d",
        THUPHI_OWNER_URL="postgresql://o:geheim@h/d",
        THUPHI_SYSTEM_URL="postgresql://s:geheim@h/d",
        REDIS_URL="redis://:geheim@h",
        THUPHI_KEY_RING=f"k1:{KEY}",
        THUPHI_SEALING_KEY=KEY,
        THUPHI_WEB_SECRET="geheim" * 8,
    )

    assert "geheim" not in repr(config)
    assert KEY not in repr(config)


def test_a_child_process_reads_the_same_config_back(tmp_path: Path) -> None:
    urls = Urls(
        owner="postgresql://o:p@127.0.0.1:1/d",
        app="postgresql://a:p@127.0.0.1:1/d",
        system="postgresql://s:p@127.0.0.1:1/d",
        admin="postgresql://x:p@127.0.0.1:1/d",
        redis="redis://:p@127.0.0.1:2/0",
    )
    config = read(tmp_path, THUPHI_DEMO="1", THUPHI_PORT="8123").on(urls).with_kept_keys()

    assert Config.from_env(config.environment(owner=True)) == config
    assert "THUPHI_OWNER_URL" not in config.environment()


def test_keys_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    made = read(tmp_path).with_kept_keys()

    again = read(tmp_path).with_kept_keys()

    assert (made.key_ring, made.sealing_key, made.web_secret) == (
        again.key_ring,
        again.sealing_key,
        again.web_secret,
    )
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    read(tmp_path).with_kept_keys()
    (tmp_path / "secrets.json").chmod(0o644)

    with pytest.raises(StartError, match="chmod 600"):
        read(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"key_ring": 1}', "{"])
def test_a_damaged_key_file_is_refused_and_never_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secrets.json"
    path.touch(0o600)
    path.write_text(content)

    with pytest.raises(StartError, match="not JSON"):
        read(tmp_path)

    assert path.read_text() == content


def test_a_setting_that_is_needed_and_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="THUPHI_SYSTEM_URL is not set"):
        read(tmp_path).need("system_url")


def test_only_a_demo_moves_its_clock_unasked(tmp_path: Path) -> None:
    assert read(tmp_path, THUPHI_DEMO="1").clock_path == tmp_path / "clock.json"


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LC_ALL": "C", "LANG": "vi_VN.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_terminal_says_its_language(env: dict[str, str], expected: str) -> None:
    assert language(env) == expected
