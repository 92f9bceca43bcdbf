from __future__ import annotations

import re

import pytest

from tests.deploy.files import DEPLOY, ROOT

INSTRUCTION = re.compile(r"^([A-Z]+)\s+(.*)$", re.MULTILINE)


def instructions() -> list[tuple[str, str]]:
    """The Containerfile's instructions in order, continued lines joined, comments gone."""
    text = (DEPLOY / "Containerfile").read_text()
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^#.*\n", "", text))
    return [(match[1], match[2]) for match in INSTRUCTION.finditer(joined)]


def arguments(name: str) -> list[str]:
    """What every instruction of that name is given."""
    return [argument for instruction, argument in instructions() if instruction == name]


def final_stage() -> list[tuple[str, str]]:
    """The instructions that make the image; those before it only build."""
    everything = instructions()
    start = max(index for index, (name, _) in enumerate(everything) if name == "FROM")
    return everything[start:]


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    """An orchestrator that refuses root by number accepts the image."""
    users = [argument for name, argument in final_stage() if name == "USER"]

    assert users == ["10001:10001"]


def test_the_builder_stays_behind() -> None:
    """The finished image is a stage of its own and takes only the environment from the builder."""
    assert len(arguments("FROM")) == 2
    assert [argument for name, argument in final_stage() if name == "COPY"] == [
        "--from=build /opt/testimony /opt/testimony"
    ]


def test_the_image_has_what_cleans_office_files() -> None:
    """Debian's mat2, and bubblewrap to shut it in."""
    final = " ".join(argument for name, argument in final_stage() if name == "RUN")

    assert re.search(r"apt-get install -y --no-install-recommends bubblewrap mat2\b", final)


def test_nothing_is_fetched_from_a_url() -> None:
    """Packages come from lock files; no instruction adds a file from elsewhere."""
    assert arguments("ADD") == []
    assert not re.search(r"https?://|curl|wget", " ".join(argument for _, argument in instructions()))


def test_every_package_is_checked_against_its_hash() -> None:
    """Packages are installed from a lock file with hashes, or a wheel made here without an index."""
    installs = re.findall(r"pip install ([^&]*)", " ".join(arguments("RUN")))

    assert len(installs) == 3
    assert all("--require-hashes" in options or "--no-index" in options for options in installs)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"])
def test_lock_files_have_hashes_and_name_no_place(lock: str) -> None:
    """Each package is pinned, carries hashes, and says nothing of where it was found."""
    lines = (ROOT / lock).read_text().splitlines()
    packages = [line for line in lines if line and line[0].isalnum()]

    assert packages
    assert all("==" in line and line.endswith("\\") for line in packages)
    assert "://" not in "".join(lines)
    assert not [line for line in lines if line.lstrip().startswith(("--index", "--extra", "--find", "-e"))]


def test_the_builder_sees_no_secret() -> None:
    """.dockerignore shuts out everything and lets in names that cannot hold keys or settings."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]

    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == {"app", "migrations", "pyproject.toml", "requirements.lock", "requirements-build.lock", "LICENSE"}


def test_what_the_builder_copies_is_let_in() -> None:
    """Every file that an instruction copies is one that .dockerignore lets in."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    copied = {word for argument in arguments("COPY") if "--from" not in argument for word in argument.split()[:-1]}

    assert copied <= allowed
