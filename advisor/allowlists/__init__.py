"""One kind of map a file, each named as on the command line; the catalogue finds them."""

from importlib import import_module
from pkgutil import iter_modules

from advisor.exemption import Map

_FOUND: list[Map] = [import_module(f"{__name__}.{file.name}").MAP for file in iter_modules(__path__)]
MAPS: dict[str, Map] = {found.name: found for found in _FOUND}
"""Every kind of map, by name."""
