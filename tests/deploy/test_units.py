from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.web.server import STOP_SECONDS
from tests.deploy.files import DEPLOY, program, run

UNITS = DEPLOY / "systemd"
LASTING = ("testimony-web.service", "testimony-worker.service")
TIMED = ("testimony-keystore-rotate", "testimony-sweep")
SERVICES = (*LASTING, *(f"{name}.service" for name in TIMED))
# systemd rates from 0 (closed) to 10 (open). Network and the state folder, which these need, cost about one.
MOST_EXPOSED = 1.5
# The drop-in that lets a web node clean office files costs so much more.
OFFICE = "testimony-web.service.d"
MOST_EXPOSED_WITH_OFFICE = 2.2
REQUIRED = {
    "User=testimony",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "LimitCORE=0",
    "MemorySwapMax=0",
    "CapabilityBoundingSet=",
    "SystemCallFilter=@system-service",
    "MemoryDenyWriteExecute=yes",
    "UMask=0077",
}


def lines(name: str) -> list[str]:
    """A unit, line by line."""
    return (UNITS / name).read_text().splitlines()


def startable(folder: Path, *, office: bool = False) -> list[str]:
    """Copies of the units that start a program this machine has, since systemd looks for it."""
    if office:
        shutil.copytree(UNITS / OFFICE, folder / OFFICE)
    for name in (*SERVICES, *(f"{name}.timer" for name in TIMED)):
        unit = UNITS / name
        text = unit.read_text().replace("ExecStart=/opt/testimony/bin/testimony", "ExecStart=/bin/true")
        (folder / unit.name).write_text(text)
    return [str(path) for path in sorted(folder.iterdir()) if path.is_file()]


def test_the_units_are_these() -> None:
    """No unit is there that no test looks at."""
    assert {unit.name for unit in UNITS.iterdir()} == {*SERVICES, *(f"{name}.timer" for name in TIMED), OFFICE}


@pytest.mark.parametrize("office", [False, True], ids=["plain", "with office files"])
def test_systemd_understands_every_unit(tmp_path: Path, *, office: bool) -> None:
    """Its own check finds no unknown key and no value it would ignore."""
    analyze = program("systemd-analyze")

    verdict = run(analyze, "verify", "--man=no", *startable(tmp_path, office=office))

    assert (verdict.returncode, verdict.stdout, verdict.stderr) == (0, "", "")


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_rates_every_service_as_closed(name: str, tmp_path: Path) -> None:
    """Its own rating of what a service could still reach stays below the limit."""
    analyze = program("systemd-analyze")
    startable(tmp_path)

    threshold = f"--threshold={MOST_EXPOSED * 10:.0f}"
    verdict = run(analyze, "security", "--offline=yes", "--no-pager", threshold, tmp_path / name)

    assert verdict.returncode == 0, verdict.stdout


def test_cleaning_office_files_opens_little(tmp_path: Path) -> None:
    """What the drop-in lets in is what systemd counts, and no more."""
    analyze = program("systemd-analyze")
    startable(tmp_path, office=True)

    threshold = f"--threshold={MOST_EXPOSED_WITH_OFFICE * 10:.0f}"
    verdict = run(analyze, "security", "--offline=yes", "--no-pager", threshold, tmp_path / LASTING[0])

    assert verdict.returncode == 0, verdict.stdout
    assert "Service may create user namespaces" in verdict.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_what_it_gives_up(name: str) -> None:
    """The lines that keep plaintext out of swap and core dumps, and a taken-over process in its place."""
    assert set(lines(name)) >= REQUIRED


@pytest.mark.parametrize("name", SERVICES)
def test_database_urls_are_credentials(name: str) -> None:
    """The URLs hold passwords, so they come as files for this unit alone."""
    assert "LoadCredential=TESTIMONY_DATABASE_URL:/etc/testimony/secrets/database_url" in lines(name)
    assert "LoadCredential=TESTIMONY_KEYSTORE_URL:/etc/testimony/secrets/keystore_url" in lines(name)


@pytest.mark.parametrize(
    ("name", "own", "shared"),
    [
        ("testimony-web.service", "web", ("audit", "intake", "kk", "public")),
        ("testimony-worker.service", "worker", ("audit", "kk", "public")),
    ],
)
def test_each_service_sees_its_own_keys_only(name: str, own: str, shared: tuple[str, ...]) -> None:
    """Custody is empty for the service but for its own folder and those that it shares, all read-only."""
    custody = "/var/lib/testimony/custody"
    unit = lines(name)

    assert f"TemporaryFileSystem={custody}:ro,mode=0755" in unit
    assert [line for line in unit if line.startswith("Bind")] == [
        "BindReadOnlyPaths=" + " ".join(f"{custody}/{group}" for group in (own, *shared))
    ]
    assert f"Environment=TESTIMONY_CUSTODY=file:{custody}/{own}#{own}" in unit


@pytest.mark.parametrize("name", LASTING)
def test_requests_under_way_have_time_at_a_stop(name: str) -> None:
    """The stop waits longer than the program itself does, and asks its first process only."""
    [seconds] = [line.partition("=")[2] for line in lines(name) if line.startswith("TimeoutStopSec=")]

    assert int(seconds) > STOP_SECONDS
    assert "KillMode=mixed" in lines(name)


@pytest.mark.parametrize("name", TIMED)
def test_what_operators_leave_lasts(name: str) -> None:
    """Backup and the mark of a restore lie in the state folder, with the operator's keys inside it."""
    unit = lines(f"{name}.service")

    assert "StateDirectory=testimony" in unit
    assert "Environment=TESTIMONY_CUSTODY=file:/var/lib/testimony/custody/operator#operator" in unit


@pytest.mark.parametrize(("name", "when"), [(TIMED[0], "*-*-* 03:30:00"), (TIMED[1], "hourly")])
def test_timers_are_regular_and_made_up_for(name: str, when: str) -> None:
    """The rotation is daily, the sweep hourly; after a time switched off both run as soon as the machine is back."""
    timer = lines(f"{name}.timer")

    assert f"OnCalendar={when}" in timer
    assert "Persistent=yes" in timer
    assert f"Unit={name}.service" in timer
