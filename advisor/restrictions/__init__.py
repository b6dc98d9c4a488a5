"""One restriction a file, named as in postconf(5); the catalogue finds them."""

from importlib import import_module
from pkgutil import iter_modules

from advisor.restriction import Restriction

_FOUND: list[Restriction] = [
    getattr(import_module(f"{__name__}.{file.name}"), file.name) for file in iter_modules(__path__)
]
CATALOGUE: dict[str, Restriction] = {found.name: found for found in _FOUND}
"""Every restriction that is simulated, by name. File and function share the name, or this does not load."""

TIPS: tuple[str, ...] = tuple(
    found.name for found in sorted(CATALOGUE.values(), key=lambda found: found.tip) if found.tip
)
"""Those we advise on, in the order of the tips."""
