"""How the cloud says no."""

from __future__ import annotations


class Refusal(Exception):
    """An error of the API: one of the codes of the product, and a sentence for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
