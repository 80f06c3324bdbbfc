"""Image caches on the command line: made, shown and deleted."""

from __future__ import annotations

import pytest
from tests.cloud_commands import Run, parsed

from towline.problem import Problem

IMAGE = "demo.tencentcloudcr.com/team/app:1"


def test_an_image_cache_is_made_shown_and_deleted(towline: Run) -> None:
    """It is Ready when the command returns, which says how pods take it."""
    towline("vpc create office 10.0.0.0/16")
    towline("subnet create pods 10.0.1.0/24")
    said = towline(f"image-cache create {IMAGE} --name app -u user -p key --days 3 --http all")
    shown = parsed(towline("image-cache show app -o json"))
    listed = towline("image-cache list").splitlines()
    towline("image-cache delete app")

    assert shown["status"] == "Ready"
    assert (shown["images"], shown["size"]) == ([IMAGE], "20 GiB")
    assert shown["expires"] != "never"
    assert shown["id"] in said
    assert listed[0].split()[:3] == ["NAME", "ID", "STATUS"]
    assert parsed(towline("image-cache list -o json")) == []
    with pytest.raises(Problem, match="no-such-image-cache"):
        towline("image-cache show app")
