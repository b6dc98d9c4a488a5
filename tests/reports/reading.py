"""What a person reads in each rendering, without its markup."""

import email
import re
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import cast

SILENT = {"style", "title"}


class _Words(HTMLParser):
    def __init__(self, *, alts: bool) -> None:
        super().__init__()
        self._alts = alts
        self.words: list[str] = []
        self._tags: list[str] = []
        self._goes_on = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "wbr":  # where a line may end; the word goes on
            self._goes_on = True
            return
        self._tags.append(tag)
        self.words.append(" ".join(value or "" for name, value in attrs if name == "alt" and self._alts))

    def handle_endtag(self, tag: str) -> None:
        while self._tags and self._tags.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._tags or self._tags[-1] not in SILENT:
            self.words.append(self.words.pop() + data if self._goes_on else data)
        self._goes_on = False


def flat(text: str) -> str:
    return " ".join(text.split())  # a no-break space is a blank to split()


def of_page(page: str, *, alts: bool = False) -> str:
    reader = _Words(alts=alts)
    reader.feed(page)
    return flat(" ".join(reader.words))


def message(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=default)


def part(data: bytes, kind: str) -> str:
    body = message(data).get_body((kind,))
    assert body is not None
    return cast(str, body.get_content())


def numbers(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.,:])\d[\d,]*(?:\.\d+)?(?![\w:])", text))


def sums(text: str) -> list[tuple[int, list[int]]]:
    """Each `12 lines = 7 events + 5 ignored` in a text."""
    number = r"\d[\d,]*"
    found = re.findall(rf"({number}) [a-z ]+? = ({number}(?: [a-z ]+? \+ {number})+)", text)
    return [
        (int(whole.replace(",", "")), [int(part.replace(",", "")) for part in re.findall(number, parts)])
        for whole, parts in found
    ]
