"""What is wrong with a layer is seen in its bytes, even when only the first of them are there."""

from __future__ import annotations

import gzip

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from tests.images import file, tar

from towline.diagnosis.observation import LayerProblem
from towline.oci.digest import Digest
from towline.oci.media_type import OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD
from towline.probe.layer_content import judge, packing

TAR = tar(file("a", bytes(range(256)) * 200), file("b", b"second"))
GOOD, OTHER = Digest.of(TAR), Digest.of(b"other")


@pytest.mark.parametrize(
    ("content", "media_type", "diff_id", "problem"),
    [
        pytest.param(gzip.compress(TAR), OCI_LAYER_GZIP, GOOD, None, id="gzip"),
        pytest.param(zstandard.compress(TAR), OCI_LAYER_ZSTD, GOOD, None, id="zstd"),
        pytest.param(TAR, OCI_LAYER, GOOD, None, id="plain"),
        pytest.param(TAR, OCI_LAYER_GZIP, GOOD, None, id="plain-called-gzip"),
        pytest.param(gzip.compress(TAR), "text/x", GOOD, None, id="not-a-layer-type"),
        pytest.param(
            gzip.compress(TAR[:5120]) + gzip.compress(TAR[5120:]),
            OCI_LAYER_GZIP,
            GOOD,
            None,
            id="members",
        ),
        pytest.param(
            gzip.compress(TAR)[:-20],
            OCI_LAYER_GZIP,
            GOOD,
            LayerProblem.BAD_COMPRESSION,
            id="cut-before-it-was-pushed",
        ),
        pytest.param(
            b"not gzip at all" * 50,
            OCI_LAYER_GZIP,
            GOOD,
            LayerProblem.BAD_COMPRESSION,
            id="nothing-like-gzip",
        ),
        pytest.param(
            gzip.compress(b"no tar" * 200), OCI_LAYER_GZIP, None, LayerProblem.BAD_TAR, id="no-tar"
        ),
        pytest.param(
            gzip.compress(TAR), OCI_LAYER_GZIP, OTHER, LayerProblem.OTHER_DIFF_ID, id="other-digest"
        ),
    ],
)
def test_a_whole_layer_is_judged_by_what_it_unpacks_to(
    content: bytes, media_type: str, diff_id: Digest | None, problem: LayerProblem | None
) -> None:
    """Compression, archive, digest, in this order."""
    assert judge(content, media_type, diff_id, whole=True) is problem


@given(st.integers(min_value=1, max_value=len(gzip.compress(TAR))))
def test_the_beginning_of_a_good_layer_is_never_held_against_it(cut: int) -> None:
    """Wherever it is cut, and however it is packed."""
    for content, kind in ((gzip.compress(TAR), OCI_LAYER_GZIP), (TAR, OCI_LAYER)):
        assert judge(content[:cut], kind, None, whole=False) is None


@given(st.binary(max_size=2048))
def test_any_bytes_can_be_judged(content: bytes) -> None:
    """Nothing that a registry sends ends a probe."""
    for media_type in (OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD):
        judge(content, media_type, GOOD, whole=True)
        judge(content, media_type, None, whole=False)
    assert packing(content) in {"", "gzip", "zstd", "tar", "other"}
