"""Which of root's powers a container has."""

from __future__ import annotations

import pytest

from towline.kube.capability import USUAL, UnavailableCapability, capabilities

BIND = "CAP_NET_BIND_SERVICE"


@pytest.mark.parametrize(
    ("add", "drop", "expected"),
    [
        pytest.param((), (), USUAL, id="nothing is said"),
        pytest.param((), ("ALL",), (), id="all are dropped"),
        pytest.param((), ("all",), (), id="in small letters"),
        pytest.param((), ("CAP_ALL",), (), id="with the prefix"),
        pytest.param(("NET_BIND_SERVICE",), ("ALL",), (BIND,), id="one is kept of all"),
        pytest.param((BIND,), ("ALL",), (BIND,), id="one with the prefix"),
        pytest.param(("IPC_LOCK",), (), (*USUAL, "CAP_IPC_LOCK"), id="one more"),
        pytest.param(("CHOWN",), (), USUAL, id="one that was there"),
        pytest.param(
            ("CHOWN",), ("ALL", "CAP_CHOWN"), (), id="a name that is dropped stays dropped"
        ),
        pytest.param((), ("NO_SUCH",), USUAL, id="what nobody has can be dropped"),
    ],
)
def test_what_is_added_and_dropped(
    add: tuple[str, ...], drop: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """In containerd's order."""
    assert capabilities(add, drop) == expected


@pytest.mark.parametrize("name", ["ALL", "SYS_ADMIN", "NET_ADMIN", "CAP_SYS_MODULE", "NO_SUCH", ""])
def test_what_reaches_beyond_the_pod_is_not_given(name: str) -> None:
    """Whatever is dropped beside it; what it was called is told."""
    with pytest.raises(UnavailableCapability) as caught:
        capabilities(("CHOWN", name), ("ALL",))

    assert str(caught.value) == name
