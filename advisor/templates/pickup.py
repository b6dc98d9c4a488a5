"""pickup(8): mail from this machine."""

from advisor.template import template

TEMPLATES = (template("pickup", "{queue_id}: uid={uid} from=<{sender}>", where={"uid": r"\d+"}),)
