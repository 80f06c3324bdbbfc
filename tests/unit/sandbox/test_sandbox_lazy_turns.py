"""Who is busy with which layers."""

from __future__ import annotations

from towline.oci.digest import Digest
from towline.sandbox.lazy.turns import Turns

LAYER = Digest.of(b"a layer")


def test_a_turn_that_begins_within_another_lasts_to_its_own_end() -> None:
    """The end of the earlier one neither frees the layer nor breaks the later one."""
    turns = Turns()
    earlier, later = turns.taken([LAYER]), turns.taken([LAYER])
    earlier.__enter__()
    later.__enter__()
    earlier.__exit__(None, None, None)
    waited_for = turns.others([LAYER])
    later.__exit__(None, None, None)

    assert waited_for is not None
    assert waited_for.is_set()
    assert turns.others([LAYER]) is None
