"""What all tests share: the option that makes a skipped test a failure, and the logs."""

import gzip
import os
import shutil
from collections.abc import Generator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from advisor import marks
from advisor.recommendation import Terms

# The same examples in every run, so that a red run is about the change; `make test-long` looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("steady")

ROOT = Path(__file__).parent.parent
LAB = ROOT / "sample_logs" / "lab"
MONTH = ROOT / "sample_logs" / "maillog-20261101.gz"
BOLD = Terms(max_harm=0.6, confidence=0.5, decided=10)
"""Terms under which the month's few wanted clients are enough to enforce something."""
TODAY = date(2026, 11, 22)
"""The day on which the tests think they run."""


def write(path: Path, data: bytes, modified: date = TODAY) -> Path:
    """Write a log that was last written to at noon of a day."""
    path.write_bytes(data)
    seconds = datetime(modified.year, modified.month, modified.day, 12, tzinfo=UTC).timestamp()
    os.utime(path, (seconds, seconds))
    return path


@pytest.fixture(scope="module", params=["compiled", "numpy"])
def way(request: pytest.FixtureRequest) -> Generator[str, None, None]:
    """Both fast ways of reading a block: with the compiled scanner, and without it."""
    if marks.scanner is None:
        pytest.skip("the scanner was not compiled (tests/packages.sh)")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "numpy":
            patch.setattr(marks, "scanner", None)
        yield request.param


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure, as in CI")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.config.getoption("--no-skips"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may be skipped here: {report.longrepr}"
    return report


def real(program: str) -> str:
    """The path of a real part; the test is skipped where it is missing, which CI does not allow."""
    found = shutil.which(program, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        pytest.skip(f"{program} is not installed (tests/packages.sh)")
    return found


def lab_log(name: str) -> bytes:
    """The text of a lab log, unpacked."""
    return gzip.decompress((LAB / f"{name}.maillog-20261122.gz").read_bytes())
