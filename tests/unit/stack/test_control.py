"""`coldwatch reset` deletes what coldwatch has made and nothing else."""

from pathlib import Path

from coldwatch.wiring import saved_settings
from schemas.settings import Settings
from stack import control, passwords


def home_with_data(home: Path) -> Settings:
    settings = Settings.model_construct(home=home)
    for name in (*control.OWNED, "mine"):
        (home / name).mkdir(parents=True)
        (home / name / "data").touch()
    return settings


def test_reset_deletes_what_coldwatch_has_made_and_nothing_else(tmp_path: Path) -> None:
    settings = home_with_data(tmp_path)
    passwords.load_or_create(saved_settings.run_directory(settings) / "secrets.json")
    told: list[str] = []
    control.reset(settings, told.append)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert any(str(tmp_path / "postgres") in line for line in told)


def test_reset_leaves_a_directory_alone_that_was_never_a_home(tmp_path: Path) -> None:
    settings = home_with_data(tmp_path)
    control.reset(settings, lambda line: None)
    assert {path.name for path in tmp_path.iterdir()} == {*control.OWNED, "mine"}


def test_passwords_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "secrets.json"
    made = passwords.load_or_create(path)
    assert set(made) == set(passwords.ROLES)
    assert len(set(made.values())) == len(made)
    assert passwords.load_or_create(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
