"""One reason a file; the catalogue finds them."""

from importlib import import_module
from pkgutil import iter_modules

from advisor.reason import Reason

_FOUND: list[Reason] = [getattr(import_module(f"{__name__}.{file.name}"), file.name) for file in iter_modules(__path__)]
REASONS: tuple[Reason, ...] = tuple(sorted(_FOUND, key=lambda found: (not found.decisive, not found.wanted)))
"""Every reason: the user's own labels first, then those for wanted mail. DKIM, SPF or DMARC passing and having retried
are none by themselves: spammers sign and bots retry."""

BY_NAME: dict[str, Reason] = {found.name: found for found in REASONS}
"""The same by name. File and function share the name, or this does not load."""
