"""cleanup(8): message ids."""

from advisor.template import template

TEMPLATES = (template("message_id", "{queue_id}: message-id=<{message_id}>"),)
