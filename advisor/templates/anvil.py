"""anvil(8): connection counts and rates."""

from advisor.template import template

_MONTH = "[A-Z][a-z]{2}"
_TEXT = r"max (?:connection count \d+|[a-z]+ rate \d+/\d+s) for \(.+\) at [A-Z][a-z]{2} %s \d\d:\d\d:\d\d"

TEMPLATES = (
    template("statistics", "statistics: {text:         }", where={"text": _TEXT % r"\d\d"}),
    template("statistics", "statistics: {text:          }", where={"text": _TEXT % r" \d"}),
)
