"""Write the pages of docs/ that say what the code says of itself: from docstrings, and what `advisor explain` shows.

As in: python packaging/reference.py
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

import advisor
from advisor import attempt, event, plot, response
from advisor.question import Question, explain, names
from advisor.reasons import BY_NAME as REASONS
from advisor.recommendation import Advice, Estimate, Host, Recommendation, Tally, Terms
from advisor.restrictions import CATALOGUE, TIPS
from advisor.simulation import Simulation

DOCS = Path(__file__).parent.parent / "docs"
MADE = "<!-- Made by `python packaging/reference.py`: change what it is made of, not this page. -->"
CLASSES = (Question, Simulation, Advice, Recommendation, Terms, Estimate, Tally, Host)
PLOTS = (plot.days, plot.changes, plot.answers, plot.visits)
_CODE = re.compile(r"(`[^`]*`)")


def escaped(text: str) -> str:
    """Text in which Markdown sees nothing of its own, but for what stands between backticks."""
    parts = _CODE.split(text)
    return "".join(part if number % 2 else re.sub(r"([<*|\[\]\\])", r"\\\1", part) for number, part in enumerate(parts))


def section(name: str, level: str = "##") -> Iterator[str]:
    """The page of `advisor explain` on one name, as Markdown."""
    _, _, text = explain(name).partition("\n\n")
    body, _, facts = text.rstrip("\n").rpartition("\n\n")
    yield from (f"{level} {name}", "")
    for line in body.splitlines():
        heading = line and not line.startswith(" ") and not line.endswith((".", "`", ":"))
        yield from ("**" + escaped(line) + "**", "") if heading and len(line) < 40 else (escaped(line.strip()),)
    yield from ("", "| | |", "|---|---|")
    for line in facts.splitlines():
        key, _, value = line.partition(" ")
        if key in ("Speaks", "Silent"):
            key, value = " ".join(line.split()[:2]), " ".join(line.split()[2:])
        yield f"| {key} | {escaped(value.strip())} |"
    yield ""


def contents(found: Iterable[str]) -> Iterator[str]:
    """What stands on a page, with a link to each."""
    for name in found:
        yield f"- [`{name}`](#{name}): {escaped(names()[name])}"
    yield ""


def restrictions() -> Iterator[str]:
    """The page on every restriction."""
    others = [name for name in CATALOGUE if name not in TIPS]
    yield from ("# Restrictions", "", "What each catches, whom it hurts, what a log shows of it, and what is gentler.")
    yield from ("`advisor explain NAME` shows one of these in a terminal, `advisor explain --all` shows all.", "")
    yield from ("Advice is given on these:", "", *contents(TIPS))
    yield from ("These are simulated, and some of them advised on once a lookup or a log tells of them:", "")
    yield from contents(others)
    for name in (*TIPS, *others):
        yield from section(name)


def evidence() -> Iterator[str]:
    """The page on every reason to call mail wanted or unwanted."""
    yield from ("# Evidence", "", "Why an attempt is called wanted or unwanted, and what may deceive each reason.")
    yield from ("A reason never testifies on a restriction that looks at the same facts: there it is silent.", "")
    for wanted, title in ((True, "Wanted"), (False, "Unwanted")):
        found = [name for name, one in REASONS.items() if one.wanted is wanted]
        yield from (f"## {title}", "", *contents(found))
        for name in found:
            yield from section(name, "###")


def table(schema: pa.Schema) -> Iterator[str]:
    """The columns of a table, as Markdown."""
    yield from ("| column | type | meaning |", "|---|---|---|")
    for field in schema:
        kind = "time (UTC)" if pa.types.is_timestamp(field.type) else str(field.type)
        yield f"| `{field.name}` | {kind} | {escaped((field.metadata or {})[b'meaning'].decode())} |"
    yield ""


def columns() -> Iterator[str]:
    """The page on every column."""
    yield from ("# Columns", "", "Of the tables that `advisor events` and `advisor attempts` write, and of the store.")
    yield from ("A missing value is missing: the log does not say. `unknown` is Postfix's own word for no name.", "")
    tables: Mapping[str, tuple[pa.Schema, str]] = {
        "Attempts": (attempt.SCHEMA, "One row for each recipient that a client asked for, and what became of it."),
        "Events": (event.SCHEMA, "One row for what one line says. The store is made of these."),
        "Responses": (response.SCHEMA, "One row for each question to the DNS: what `advisor lookup` keeps."),
    }
    for title, (schema, words) in tables.items():
        yield from (f"## {title}", "", words, "", *table(schema))


def signature(found: Callable[..., Any]) -> str:
    """A call as one writes it; what has a default is in brackets, whatever Python calls its type today."""
    words = []
    for one in inspect.signature(found).parameters.values():
        stars = "*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else ""
        words.append(f"{stars}{one.name}" + ("=..." if one.default is not one.empty else ""))
    return f"({', '.join(words)})"


def described(found: Any) -> Iterator[str]:  # noqa: ANN401 - a function or a class
    """A docstring, its paragraphs as Markdown."""
    for line in (inspect.getdoc(found) or "").splitlines():
        yield escaped(line.strip())
    yield ""


def python() -> Iterator[str]:
    """The page on what a program of one's own calls."""
    yield from ("# In Python", "", "Each command is a function of the same name in `advisor`.")
    yield "`**options` are the fields of [`Question`](#question), by name; tables are pandas frames of these"
    yield from ("[columns](columns.md). [Use it from Python](howto/python.md) has examples.", "")
    for name in advisor.__all__:
        found = getattr(advisor, name)
        call = "" if isinstance(found, type) else signature(found)
        yield from (f"## advisor.{name}", "", f"`{name}{call}`", "", *described(found))
    yield from ("## advisor.plot", "", "Each takes an Axes of matplotlib, draws into it, and gives it back.", "")
    for one in PLOTS:
        yield from (f"### plot.{one.__name__}", "", f"`plot.{one.__name__}{signature(one)}`", "", *described(one))
    yield from ("## What they give back", "")
    for kind in CLASSES:
        fields = ", ".join(f"`{name}`" for name in inspect.signature(kind).parameters)
        yield from (f"### {kind.__name__}", "", *described(kind), f"Fields: {fields}.", "")


def pages() -> dict[str, str]:
    """The pages by their names in docs/."""
    found: Mapping[str, Callable[[], Iterator[str]]] = {
        "restrictions.md": restrictions,
        "evidence.md": evidence,
        "columns.md": columns,
        "python.md": python,
    }
    return {name: "\n".join([MADE, *lines()]).rstrip("\n") + "\n" for name, lines in found.items()}


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")
