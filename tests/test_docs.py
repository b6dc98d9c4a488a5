"""What is written is true: the README's commands run and print what it shows, and every page says what it must."""

import json
import os
import re
import shlex
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import advisor
from advisor.cli import app
from advisor.restrictions import CATALOGUE
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {
    str(path.relative_to(ROOT / "docs")): path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md")
}
HOW_TO = sorted(name for name in PAGES if name.startswith("howto/"))
HEADINGS = ("What it catches", "Who it hurts", "What the log shows", "Gentler")
FILLERS = {"unknown", "none", "todo", "tbd", "n/a", "see above"}


def blocks(language: str, page: str = README) -> list[str]:
    """A page's code blocks in one language; the README's."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands() -> dict[str, typer.core.TyperCommand]:
    found: dict[str, typer.core.TyperCommand] = getattr(typer.main.get_command(app), "commands", {})
    return found


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder where samples are as in the project's root, where `advisor` is a command, and that may fill up."""
    (tmp_path / "tests").mkdir()
    for samples in ("sample_logs", "tests/systems"):
        (tmp_path / samples).symlink_to(ROOT / samples)
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "advisor"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m advisor "$@"\n')
    command.chmod(0o755)
    return tmp_path


def run(command: str | list[str], desk: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell line, or a program, at the desk."""
    home = {"HOME": str(desk), "XDG_STATE_HOME": str(desk), "TZ": "UTC", "LC_ALL": "C.UTF-8", "COLUMNS": "80"}
    path = {"PATH": f"{desk / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    line = ["sh", "-c", command] if isinstance(command, str) else command
    return subprocess.run(line, cwd=desk, env=home | path, capture_output=True, text=True, check=False, timeout=120)


def shown_in(shown: list[str], printed: list[str]) -> str | None:
    """The first line of an excerpt that is not printed in its place; `...` stands for lines left out."""
    at = 0
    anywhere = False
    for line in shown:
        if line == "...":
            anywhere = True
        elif line in printed[at:] if anywhere else printed[at : at + 1] == [line]:
            at = printed.index(line, at) + 1
            anywhere = False
        else:
            return line
    return None


def print_what_is_shown(block: str, desk: Path) -> None:
    """Run the commands of a block, one after the other, and compare."""
    for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = session.splitlines()
        done = run(command, desk)
        assert (done.returncode, done.stderr) == (0, ""), command
        wrong = shown_in(shown, done.stdout.splitlines())
        assert wrong is None, f"{command}: a line is shown that is not printed there: {wrong!r}"


@pytest.mark.parametrize("block", blocks("console"))
def test_readme_commands_run_and_print_what_is_shown(block: str, desk: Path) -> None:
    print_what_is_shown(block, desk)


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if blocks("(?:console|python)", page)])
def test_the_commands_of_a_page_run_and_print_what_is_shown(name: str, desk: Path) -> None:
    for block in blocks("console", PAGES[name]):
        print_what_is_shown(block, desk)
    for block in blocks("python", PAGES[name]):
        done = run([sys.executable, "-c", block], desk)
        assert (done.returncode, done.stderr) == (0, ""), block
        assert done.stdout, block


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if blocks("sh", page)])
def test_commands_that_are_not_run_here_are_commands_of_ours(name: str) -> None:
    """Those for a server: each `advisor` in them is one that we have, with options that it takes."""
    lines = [line.partition(" #")[0] for block in blocks("sh", PAGES[name]) for line in block.splitlines()]
    found = [line for line in lines if line.strip()]
    assert found
    for words in re.findall(r"(?:^|&& |sudo )(?:\S*/)?advisor ([^>|&#\n]+)", "\n".join(found), re.MULTILINE):
        command, *rest = shlex.split(words)
        if not command.startswith("-"):
            commands()[command].make_context(command, rest)


@pytest.mark.parametrize("name", HOW_TO)
def test_a_how_to_is_short_and_shows_something(name: str) -> None:
    page = PAGES[name]

    assert page.startswith("# How do I ")
    assert blocks("(?:console|python)", page)
    assert len(page.splitlines()) <= 80


def test_links_of_the_pages_lead_somewhere() -> None:
    for name, page in PAGES.items():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page):
            assert "://" in target or (ROOT / "docs" / name).parent.joinpath(target).exists(), f"{name}: {target}"


def test_links_within_a_page_lead_to_a_heading() -> None:
    for name, page in PAGES.items():
        heads = {
            re.sub(r"[^\w -]", "", head).strip().lower().replace(" ", "-")
            for head in re.findall("^#+ (.*)$", page, re.M)
        }
        for target in re.findall(r"\]\(#([^)]+)\)", page):
            assert target in heads, f"{name}: #{target}"


def test_the_index_names_every_page() -> None:
    linked = set(re.findall(r"\]\(([^)#]+\.md)\)", PAGES["README.md"]))

    assert {name for name in PAGES if name != "README.md"} <= linked


def test_the_reference_is_what_the_code_says() -> None:
    spec = spec_from_file_location("reference", ROOT / "packaging" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    reference = module_from_spec(spec)
    spec.loader.exec_module(reference)

    for name, text in reference.pages().items():
        assert PAGES[name] == text, f"docs/{name}: python packaging/reference.py"


def test_the_reference_has_every_page_of_explain() -> None:
    done = CliRunner().invoke(app, ["explain", "--all"])
    shown = re.findall(r"^(\S+)\n=+$", done.stdout, re.MULTILINE)

    assert len(shown) > len(CATALOGUE)
    heads = set(re.findall(r"^###? (\S+)$", PAGES["restrictions.md"] + PAGES["evidence.md"], re.MULTILINE))
    assert set(shown) <= heads


def test_readme_explains_numbers_that_the_report_shows(desk: Path) -> None:
    printed = " ".join(run("advisor report sample_logs/ --config sample_logs/main.cf", desk).stdout.split())
    explained = re.findall(r"`(\d[^`]* wanted|of \d[^`]* wanted|\d[^`]*\(at most[^`]*)`", README)

    assert explained
    assert [number for number in explained if number not in printed] == []


def test_readme_shows_every_command() -> None:
    shown = set(re.findall(r"^\$ advisor (\w+)", README, re.MULTILINE))

    assert shown == set(commands())


@pytest.mark.parametrize("block", blocks("python"))
def test_readme_python_runs(block: str, desk: Path) -> None:
    done = run([sys.executable, "-c", block], desk)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_readme_names_every_key_of_the_json(desk: Path) -> None:
    done = run("advisor report sample_logs/ --config sample_logs/main.cf --format json", desk)
    report = json.loads(done.stdout)
    section = README.partition("--format json")[2].partition("\n## ")[0]
    first, second = section.split("| key of a restriction |")

    assert keys(first) == set(report)
    assert keys(second) == set(report["restrictions"][0])


def keys(table: str) -> set[str]:
    """The names in the first column of a table."""
    return {name for row in re.findall(r"^\|([^|]*)\|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}


def test_readme_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert "://" in target or (ROOT / target).exists(), target


def test_commands_are_the_public_functions() -> None:
    assert set(commands()) == set(advisor.__all__) - {"AdvisorError"}


def test_public_names_are_there() -> None:
    for name in advisor.__all__:
        assert callable(getattr(advisor, name)), name
        assert getattr(advisor, name).__doc__, name


def test_every_command_and_option_has_a_help_text() -> None:
    for name, command in commands().items():
        assert command.help, name
        for option in command.params:
            assert getattr(option, "help", None), f"{name} {option.name}"


@pytest.mark.parametrize("name", CATALOGUE)
def test_restriction_page_says_what_it_must(name: str) -> None:
    page = CATALOGUE[name].page
    parts = dict(
        zip(HEADINGS, re.split("|".join(rf"^{head}$" for head in HEADINGS), page, flags=re.M)[1:], strict=True)
    )

    assert page.partition("\n")[0].endswith(".")
    assert re.findall(r"^\S.*$", page, re.MULTILINE)[1:] == [*HEADINGS]
    for head, text in parts.items():
        said = " ".join(text.split())
        assert said, f"{head} is empty"
        assert said.rstrip(".").lower() not in FILLERS, f"{head}: {said}"


def test_excerpts_are_compared_in_order() -> None:
    printed = ["a", "b", "c", "d"]

    assert shown_in(["a", "...", "d"], printed) is None
    assert shown_in(["...", "b", "c"], printed) is None
    assert shown_in(["a", "c"], printed) == "c"
    assert shown_in(["...", "c", "...", "b"], printed) == "b"
