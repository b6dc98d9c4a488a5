"""A state: whether a restriction is on, where, and what there is to say of that."""

from dataclasses import dataclass
from typing import Literal

Word = Literal["off", "warn", "enforced", "no effect", "risky"]


@dataclass(frozen=True)
class State:
    """Whether a restriction is on: in which parameters, and its positions there, counted from 1.

    `no effect`: main.cf has it, but it is never asked; `risky`: it does harm beside what it is for. `says` tells why
    and what to do, each a sentence that names the parameter (advisor.effect).
    """

    word: Word
    parameters: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()
    says: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.word} in {', '.join(self.parameters)}" if self.parameters else self.word
