"""What is changed about a drill's devices while they send, by the command line and by the table of limits."""

import os
import subprocess
import sys

from psycopg2 import connect

from schemas.registry import KNOWN_AFTER_US
from tests.faults import checker
from tests.faults.drill import Drill

CHANGED = {
    "gw0-d8": ("--interval", "4s"),
    "gw0-d16": ("--profile", "chilled"),
    "gw1-d6": ("--profile", "demo-frozen", "--interval", "10s"),
    "gw1-d14": ("--asset", "room-2"),
}
"""By device; those that leave their limits now and then."""
AS_MADE = {
    ("gw0-d8", 4_000_000, "demo", ""),
    ("gw0-d16", 2_000_000, "chilled", ""),
    ("gw1-d6", 10_000_000, "demo-frozen", ""),
    ("gw1-d14", 2_000_000, "demo", "room-2"),
}
NEW_LIMIT = """
insert into profile (name, version, metric, effective_from, low, high, low_inclusive, dwell_us, hysteresis,
                     hysteresis_samples, silence_intervals, clock_ahead_us, refused_quiet_us, source, clause, evidence)
select name, 2, metric, clock_timestamp() + make_interval(secs => %s), low, 9, low_inclusive, dwell_us, hysteresis,
       hysteresis_samples, silence_intervals, clock_ahead_us, refused_quiet_us, source, clause, evidence
from profile where name = 'demo' and metric = 'temperature' and version = 1
"""


def make(drill: Drill) -> None:
    """Returns when all is written; it holds a few seconds later."""
    for device, options in CHANGED.items():
        subprocess.run(
            [sys.executable, "-m", "coldwatch", "device", "change", device, *options],
            env=os.environ | {"COLDWATCH_HOME": str(drill.home)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    connection = connect(drill.settings.database.owner_url.get_secret_value())
    with connection, connection.cursor() as cursor:
        cursor.execute(NEW_LIMIT, (KNOWN_AFTER_US / 1e6,))
    connection.close()


def held(database_url: str) -> set[tuple[object, ...]]:
    """Interval, profile and asset of the devices that were changed, as they are now."""
    with checker.asking(database_url) as cursor:
        cursor.execute(
            "select distinct on (device) device, interval_us, profile, coalesce(asset, '') from v_device_fact"
            " where device = any(%s) order by device, effective_from desc",
            (list(CHANGED),),
        )
        return set(cursor.fetchall())
