"""anvil(8): connection counts and rates."""

from advisor.template import template

_TEXT = (
    r"max (?:cache size \d+|(?:connection count \d+|[a-z]+ rate \d+/\d+s) for \(.+\)) "
    r"at [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
)

TEMPLATES = (template("statistics", "statistics: {text:*}", where={"text": _TEXT}),)
