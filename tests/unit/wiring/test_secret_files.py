"""A secret from a file: every one of them, with a sentence that names the variable and shows nothing secret."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from coldwatch.__main__ import in_words
from coldwatch.serve import SERVICES
from schemas.secret_files import SUFFIX, BadSetting, read_secrets, secret_paths, variable_of
from schemas.settings import Settings

PATHS = list(secret_paths(Settings))


def test_every_secret_of_the_settings_is_found() -> None:
    assert {variable_of(path) for path in PATHS} == {
        "COLDWATCH_KAFKA__PASSWORD",
        "COLDWATCH_DATABASE__OWNER_URL",
        "COLDWATCH_DATABASE__PIPELINE_URL",
        "COLDWATCH_DATABASE__WEB_URL",
        "COLDWATCH_DATABASE__READER_URL",
    }


@pytest.mark.parametrize("path", PATHS, ids=variable_of)
def test_a_secret_comes_from_its_file_without_the_line_end(
    path: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("very secret\n")
    monkeypatch.setenv(variable_of(path) + SUFFIX, str(tmp_path / "secret"))
    group, name = path
    assert getattr(getattr(Settings(), group), name) == SecretStr("very secret")


def test_other_settings_of_the_group_still_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("s")
    monkeypatch.setenv("COLDWATCH_KAFKA__PASSWORD_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("COLDWATCH_KAFKA__USER", "cold")
    assert Settings().kafka.user == "cold"


@pytest.mark.parametrize(
    "content", [None, b"", b"\n", b"\xff\xfe"], ids=["missing", "empty", "blank", "no text"]
)
def test_a_file_that_cannot_be_used_names_its_variable(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadSetting, match="COLDWATCH_DATABASE__WEB_URL_FILE"):
        read_secrets(Settings, {"COLDWATCH_DATABASE__WEB_URL_FILE": str(file)})


def test_variable_and_file_together_are_refused(tmp_path: Path) -> None:
    both = {"COLDWATCH_KAFKA__PASSWORD": "hush", "COLDWATCH_KAFKA__PASSWORD_FILE": str(tmp_path)}
    with pytest.raises(BadSetting, match="not both") as refused:
        read_secrets(Settings, both)
    assert "hush" not in str(refused.value)


def test_a_wrong_setting_is_told_by_its_variable_and_never_by_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLDWATCH_DATABASE__PORT", "hush")
    with pytest.raises(ValidationError) as refused:
        Settings()
    (line,) = in_words(refused.value)
    assert "COLDWATCH_DATABASE__PORT" in line
    assert "hush" not in line + str(refused.value)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_forgets_the_variables_of_foreign_secrets(name: str) -> None:
    every = {variable_of(path) + end: "x" for path in PATHS for end in ("", SUFFIX)}
    environment = every | {"PATH": "/bin"}
    SERVICES[name].forget_foreign(environment)
    own = {variable_of(path) + end for path in SERVICES[name].secrets for end in ("", SUFFIX)}
    assert set(environment) == own | {"PATH"}
