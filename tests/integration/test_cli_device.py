"""`coldwatch device` against the real database: what a person or a script sees, and what is stored."""

import hashlib
import json
import re
import stat
import subprocess
from pathlib import Path

import psycopg2
import pytest
from typer.testing import CliRunner, Result

from coldwatch.cli import app


@pytest.fixture
def device(fresh_database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs `coldwatch device ...` with the settings that an operator would give."""
    monkeypatch.setenv("COLDWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLDWATCH_DATABASE__PIPELINE_URL", fresh_database.pipeline_url)
    monkeypatch.setenv("COLDWATCH_GATEWAY__PORT", "18830")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["device", *arguments])

    return run


def rows_of(database, statement: str) -> list[tuple]:
    connection = psycopg2.connect(database.pipeline_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
    finally:
        connection.close()


PROBE = ("--kind", "probe", "--enterprise", "e1", "--site", "s1")


def test_add_tells_the_token_once_and_stores_its_hash_alone(device, fresh_database) -> None:
    answer = json.loads(device("add", "p1", *PROBE, "--asset", "room-1", "--interval", "2s", "--json").stdout)
    stored = rows_of(fresh_database, "select token_sha256, interval_us, asset, profile from device")
    assert [(bytes(row[0]), *row[1:]) for row in stored] == [
        (hashlib.sha256(answer["token"].encode()).digest(), 2_000_000, "room-1", "chilled")
    ]
    assert answer["mqtt"] == {"host": "127.0.0.1", "port": 18830}
    assert answer["topic"] == "cw/v1/e1/p1/telemetry"
    assert answer["token"] not in device("list", "--json").stdout


def test_the_line_to_paste_is_a_sound_message_for_a_shell(device, tmp_path: Path) -> None:
    answer = json.loads(device("add", "p1", *PROBE, "--json").stdout)
    fake = tmp_path / "mosquitto_pub"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    shell = subprocess.run(
        answer["mosquitto_pub"],
        shell=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    arguments = shell.stdout.splitlines()
    options = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert options["-u"] == "p1"
    assert options["-P"] == answer["token"]
    assert options["-p"] == "18830"
    assert options["-t"] == answer["topic"]
    message = json.loads(options["-m"])
    assert message["values"] == {"temperature": 4.1}
    assert isinstance(message["at"], int)


def test_a_device_behind_a_gateway_is_given_no_token_but_the_gateways_line(device) -> None:
    device("add", "g1", "--kind", "gateway", "--enterprise", "e1", "--site", "s1")
    answer = json.loads(device("add", "p1", *PROBE, "--behind", "g1", "--json").stdout)
    assert answer["token"] == ""
    assert "-u g1" in answer["mosquitto_pub"]


def test_what_is_wrong_is_said_in_both_languages_and_nothing_is_stored(device, fresh_database) -> None:
    refused = device("add", "P1", *PROBE)
    assert refused.exit_code == 2
    assert "小写" in refused.stderr
    assert "lower-case" in refused.stderr
    assert device("add", "p1", *PROBE, "--interval", "soon").exit_code == 2
    assert device("add", "p1", *PROBE, "--profile", "door").exit_code == 2
    assert rows_of(fresh_database, "select count(*) from device") == [(0,)]


def test_retire_and_list_and_token(device) -> None:
    first = json.loads(device("add", "p1", *PROBE, "--json").stdout)["token"]
    second = json.loads(device("token", "p1", "--json").stdout)["token"]
    assert first != second
    assert device("retire", "p1").exit_code == 0
    assert device("retire", "p1").exit_code == 2
    (listed,) = json.loads(device("list", "--json").stdout)
    assert listed["device"] == "p1"
    assert listed["retired_at"]
    assert [point["metric"] for point in listed["points"]] == ["temperature", "humidity"]
    assert "p1" in device("list").stdout


def test_import_takes_the_sound_rows_and_names_the_line_of_each_bad_one(
    device, fresh_database, tmp_path: Path
) -> None:
    file = tmp_path / "devices.csv"
    file.write_text(
        "id,kind,enterprise,site,behind,interval,enterprise_name\n"
        "p1,probe,e1,s1,g1,60s,幸福小学\n"
        "g1,gateway,e1,s1,,,幸福小学\n"
        "P2,probe,e1,s1,,,\n"
        "p3,probe,e1,s1,,soon,\n"
        "\n"
        "p4,freezer,e1,s1,,,\n"
        "p1,probe,e1,s1,,,\n",
        encoding="utf-8",
    )
    report = device("import", str(file), "--json")
    answer = json.loads(report.stdout)
    assert report.exit_code == 1
    assert answer["enrolled"] == 2
    assert [(error["line"], error["field"]) for error in answer["errors"]] == [
        (4, "id"),
        (5, "interval"),
        (7, "kind"),
        (8, "id"),
    ]
    assert rows_of(fresh_database, "select id, behind from device order by id") == [
        ("g1", None),
        ("p1", "g1"),
    ]
    assert rows_of(fresh_database, "select name from enterprise") == [("幸福小学",)]


def test_tokens_of_an_import_are_their_owners_alone_and_never_overwritten(device, tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_text("id,kind,enterprise,site\np1,probe,e1,s1\n")
    assert device("import", str(file)).exit_code == 0
    tokens = tmp_path / "devices.csv.tokens.csv"
    assert stat.S_IMODE(tokens.stat().st_mode) == 0o600
    before = tokens.read_text()
    assert len(before.splitlines()[1].split(",")[1]) >= 43
    again = device("import", str(file))
    assert again.exit_code == 2
    assert "--tokens" in again.stderr
    assert tokens.read_text() == before


def test_a_file_of_thousands_is_enrolled_in_batches(device, fresh_database, tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    lines = [f"p{n},probe,e{n % 7},s{n % 20}" for n in range(2_000)]
    file.write_text("id,kind,enterprise,site\n" + "\n".join(lines) + "\n")
    assert device("import", str(file)).exit_code == 0
    assert rows_of(fresh_database, "select count(*), count(distinct change) < 20 from device") == [
        (2000, True)
    ]
    assert rows_of(fresh_database, "select count(*) from point") == [(4000,)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"id,kind\np1,probe\n", "enterprise"),
        (b"id,kind,enterprise,site,colour\n", "colour"),
        (b"", "id"),
        (b"\xff\xff\xff", "UTF-8"),
    ],
)
def test_a_file_that_is_no_table_of_devices_says_what_to_change(
    device, tmp_path: Path, content: bytes, expected: str
) -> None:
    file = tmp_path / "devices.csv"
    file.write_bytes(content)
    refused = device("import", str(file))
    assert refused.exit_code == 2
    assert expected in refused.stderr


def test_without_a_database_the_remedy_is_named(device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDWATCH_DATABASE__PIPELINE_URL", "")
    refused = device("list")
    assert refused.exit_code == 3
    assert "coldwatch up" in refused.stderr
    monkeypatch.setenv("COLDWATCH_DATABASE__PIPELINE_URL", "postgresql://u:pw@127.0.0.1:1/x")
    refused = device("list")
    assert refused.exit_code == 3
    assert "coldwatch status" in refused.stderr
    assert "pw" not in refused.stderr


def test_a_change_holds_from_soon_on_and_the_history_keeps_what_was(device) -> None:
    device("add", "p1", *PROBE, "--interval", "60s")
    changed = device("change", "p1", "--interval", "2m", "--profile", "frozen", "--json")
    assert changed.exit_code == 0, changed.stderr
    first, second = json.loads(device("history", "p1", "--json").stdout)
    assert second == {name: value for name, value in json.loads(changed.stdout).items() if name != "device"}
    assert (first["from"], first["interval_s"], first["profile"]) == (None, 60.0, "chilled")
    assert second["from"].endswith("+08:00")
    assert (second["interval_s"], second["profile"]) == (120.0, "frozen")
    refused = device("change", "p1", "--interval", "2m")
    assert refused.exit_code == 2
    assert "已经是这样" in refused.stderr
    assert device("change", "p1", "--profile", "door").exit_code == 2
    assert device("history", "nobody").exit_code == 2
    assert "没有要改的内容" in device("change", "p1").stderr


def test_a_change_is_told_with_its_time_and_an_asset_where_nothing_else_stands_is_pointed_out(device) -> None:
    device("add", "p1", *PROBE, "--asset", "room-1")
    device("add", "p2", *PROBE, "--asset", "room-2")
    moved = device("change", "p1", "--asset", "room-2")
    assert "no other device" not in moved.stdout
    assert "no other device is at rom-1" in device("change", "p2", "--asset", "rom-1").stdout
    table = device("history", "p2").stdout
    assert "登记起 enrolled" in table
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", table)


def test_places_are_described_and_listed(device, tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_text(
        "id,kind,enterprise,site,enterprise_kind,licence,business_hours,site_state,asset,asset_kind\n"
        "p1,probe,e1,s1,caterer,JY1,06:00-22:00,commissioning,r1,cold_room\n"
        "p2,probe,e1,s1,castle,,,,,\n"
        "p3,probe,e1,s1,,,always,,,\n",
        encoding="utf-8",
    )
    report = json.loads(device("import", str(file), "--json").stdout)
    assert [(error["line"], error["field"]) for error in report["errors"]] == [
        (3, "enterprise_kind"), (4, "business_hours"),
    ]  # fmt: skip
    assert device("place", "e1", "--site", "s1", "--state", "live").exit_code == 0
    refused = device("place", "e1", "--site", "s1", "--state", "asleep")
    assert refused.exit_code == 2
    assert "commissioning, live" in refused.stderr
    (listed,) = json.loads(device("list", "--json").stdout)
    assert (listed["enterprise_kind"], listed["licence"], listed["site_state"]) == ("caterer", "JY1", "live")
    assert (listed["business_hours"], listed["asset_kind"]) == ("06:00-22:00", "cold_room")


def test_an_asset_is_taken_away_and_an_empty_or_double_wish_is_refused(device, fresh_database) -> None:
    assert device("add", "p1", *PROBE, "--asset", "room-1").exit_code == 0
    assert device("change", "p1", "--asset", "").exit_code == 0
    assert rows_of(fresh_database, "select asset from device where id = 'p1'") == [(None,)]
    for wish in (("--profile", ""), ("--behind", "g1", "--direct"), ("--interval", "")):
        assert device("change", "p1", *wish).exit_code == 2, wish


def test_what_cannot_be_kept_is_refused_in_a_sentence(device, tmp_path: Path) -> None:
    file = tmp_path / "nul.csv"
    file.write_bytes(b"id,kind,enterprise,site\nm1,probe,e1,s1\nm\0 2,probe,e1,s1\n")
    report = device("import", str(file), "--json")
    assert report.exit_code == 1
    assert json.loads(report.stdout.splitlines()[-1])["enrolled"] == 1
    refused = device("history", "\udcff")
    assert (refused.exit_code, "UTF-8" in refused.stderr) == (2, True)
