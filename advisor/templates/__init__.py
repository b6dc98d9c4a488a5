"""The frequent lines of each program, spelled out: one file each, named as in advisor.programs, whose short cut it is.

What a template reads must be what the program's families read, field by field; tests compare the two on every log.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from advisor import programs
from advisor.family import Family
from advisor.scan import Scan
from advisor.template import Template


def templates(families: tuple[Family, ...]) -> tuple[Template, ...]:
    """The templates of the program with these families."""
    return _BY_FAMILIES.get(id(families), ())


@cache
def _scan(number: int) -> Scan:
    return Scan(_BY_FAMILIES.get(number, ()))


def scan_of(families: tuple[Family, ...]) -> Scan:
    """The same for the compiled scanner."""
    return _scan(id(families))


def _find() -> dict[int, tuple[Template, ...]]:
    found: dict[int, tuple[Template, ...]] = {}
    for file in iter_modules(__path__):
        program = import_module(f"advisor.programs.{file.name}")
        spelled = import_module(f"{__name__}.{file.name}").TEMPLATES
        known = programs.POSTFIX if program.POSTFIX else programs.OTHERS
        found |= {id(known[name]): spelled for name in program.PROGRAMS}
    return found


_BY_FAMILIES = _find()
