"""All situations, in the order of a pull. The story of a diagnosis' code is every situation of it."""

from __future__ import annotations

from tests.laboratory import (
    situations_content,
    situations_healthy,
    situations_name,
    situations_right,
    situations_secure,
)
from tests.laboratory.situation import Situation

SITUATIONS: tuple[Situation, ...] = (
    *situations_name.SITUATIONS,
    *situations_secure.SITUATIONS,
    *situations_right.SITUATIONS,
    *situations_content.SITUATIONS,
    *situations_healthy.SITUATIONS,
)
