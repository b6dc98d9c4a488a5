"""What is built from this tree is whole: a wheel, and a source distribution from which the same wheel can be built."""

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from packaging.requirements import Requirement

from tests.conftest import MONTH, ROOT, real

SHIPPED = (".py", ".c", ".pyi", ".jinja", ".js")


def run(*words: str, cwd: Path, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tracked() -> list[Path]:
    """The files of a checkout, and those that are about to become some."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(name) for name in done.stdout.split("\0") if name]


@pytest.fixture(scope="module")
def built() -> Iterator[Path]:
    """A folder with a wheel that was built from a source distribution, which was built from a checkout."""
    with TemporaryDirectory() as name:
        checkout, out = Path(name, "checkout"), Path(name, "dist")
        for path in tracked():
            if (ROOT / path).is_file() and path.parts[0] not in ("sample_logs", "tests", "benchmarks", "notebooks"):
                (checkout / path).parent.mkdir(parents=True, exist_ok=True)
                (checkout / path).write_bytes((ROOT / path).read_bytes())
        out.mkdir()
        code = "from setuptools import build_meta; print(build_meta.build_sdist({!r}))"
        source = out / run("-c", code.format(str(out)), cwd=checkout).split()[-1]
        with tarfile.open(source) as archive:
            archive.extractall(Path(name, "source"), filter="data")
        (unpacked,) = Path(name, "source").iterdir()
        options = ("--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check")
        run("-m", "pip", "wheel", *options, "--wheel-dir", str(out), str(unpacked), cwd=unpacked)
        yield out


def test_the_wheel_holds_what_the_package_holds(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("advisor/")}

    wanted = {str(path) for path in tracked() if path.parts[0] == "advisor" and path.suffix in SHIPPED}
    assert {name for name in wanted - held if not name.endswith((".c", ".pyi"))} == set()
    assert not any(name.startswith("tests/") for name in held)


def test_the_source_has_its_licence_and_its_manual_page(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}

    assert {"LICENSE", "README.md", "pyproject.toml", "advisor/scanner.c", "packaging/advisor.1"} <= held


def test_what_is_installed_reports(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    options = ("--no-deps", "--quiet", "--disable-pip-version-check", "--target", str(tmp_path / "site"))
    run("-m", "pip", "install", *options, str(wheel), cwd=tmp_path)
    there = {"PYTHONPATH": str(tmp_path / "site")}
    assert run("-c", "import advisor; print(advisor.__file__)", cwd=tmp_path, **there).startswith(str(tmp_path))

    command = subprocess.run([tmp_path / "site/bin/advisor", "--version"], env=there, capture_output=True, check=True)
    assert command.stdout.startswith(b"advisor ")

    page = tmp_path / "report.html"
    run("-m", "advisor", "report", str(MONTH), "-o", str(page), cwd=tmp_path, **there)

    assert 'id="board-data"' in page.read_text()


def needed(name: str) -> dict[str, Distribution]:
    """What a distribution needs here, and what that needs, by name."""
    found: dict[str, Distribution] = {}
    left = [Requirement(text) for text in distribution(name).requires or ()]
    while left:
        one = left.pop()
        if one.name not in found and (one.marker is None or one.marker.evaluate({"extra": ""})):
            found[one.name] = distribution(one.name)
            left += [Requirement(text) for text in found[one.name].requires or ()]
    return found


def packed(one: Distribution, folder: Path) -> None:
    """Put what is installed here back into a wheel, so that pip need not ask anybody for it."""
    # py2-none-any may stand before py3-none-any.
    *_, tag = (line.split()[1] for line in (one.read_text("WHEEL") or "").splitlines() if line.startswith("Tag:"))
    own = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json")
    files = [
        path for path in one.files or () if ".." not in path.parts and path.suffix != ".pyc" and path.name not in own
    ]
    (info,) = {path.parts[0] for path in files if path.parts[0].endswith(".dist-info")}
    with zipfile.ZipFile(folder / f"{info.removesuffix('.dist-info')}-{tag}.whl", "w") as wheel:
        for path in files:
            wheel.write(path.locate(), path)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD")))


@pytest.fixture
def empty() -> Iterator[Path]:
    """A folder that is gone at once, for what fills it is large."""
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.mark.long
@pytest.mark.integration
def test_pipx_installs_it_into_an_empty_home(built: Path, empty: Path) -> None:
    pipx, (wheel,) = real("pipx"), built.glob("*.whl")
    wheels = empty / "wheels"
    wheels.mkdir()
    for one in needed("maillog-advisor").values():
        packed(one, wheels)
    home = {"HOME": str(empty), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}

    command = [pipx, "install", "--python", sys.executable, str(wheel)]
    done = subprocess.run(
        command, env=home | offline, cwd=empty, check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr

    page = empty / "report.html"
    advisor = [str(empty / ".local/bin/advisor"), "report", str(MONTH), "-o", str(page)]
    done = subprocess.run(advisor, env=home, cwd=empty, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert 'id="board-data"' in page.read_text()
