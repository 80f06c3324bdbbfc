"""Image references are read as the kubelet and containerd read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.oci.reference import InvalidReference, Reference, is_repository_name, is_tag

HEX = "a" * 64
COMPONENT = st.from_regex(r"[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}", fullmatch=True)
HOSTS = st.from_regex(r"[a-z][a-z0-9]{0,5}\.[a-z]{2,4}(:[0-9]{2,5})?", fullmatch=True)
TAGS = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1.36", "docker.io/library/busybox:1.36"),
        ("team/app", "docker.io/team/app:latest"),
        ("index.docker.io/busybox", "docker.io/library/busybox:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("10.16.100.174:5000/busybox:latest", "10.16.100.174:5000/busybox:latest"),
        ("demo.tencentcloudcr.com/ns/app:v1", "demo.tencentcloudcr.com/ns/app:v1"),
        ("[fd00::1]:5000/a", "[fd00::1]:5000/a:latest"),
        (f"h.io/a/b:v1@sha256:{HEX}", f"h.io/a/b@sha256:{HEX}"),
        ("Host/app", "Host/app:latest"),
    ],
    ids=lambda value: value[:30],
)
def test_a_short_name_gets_its_host_and_tag(text: str, normalized: str) -> None:
    """The full name is what every message prints."""
    assert str(Reference.parse(text)) == normalized


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("h.io/a:", "invalid reference format"),
        ("h.io/a:b:c", "invalid reference format"),
        ("h.io/a@sha256:12", "invalid reference format"),
        ("h.io/a@md5:" + "0" * 32, "invalid reference format"),
        ("h.io/../a", "invalid reference format"),
        ("https://h.io/a", "invalid reference format"),
        (
            "h.io/Team/app",
            "invalid reference format: repository name (Team/app) must be lowercase",
        ),
        (HEX, f"invalid repository name ({HEX}), cannot specify 64-byte hexadecimal strings"),
        ("h.io/" + "a" * 255, "repository name must not be more than 255 characters"),
    ],
    ids=lambda value: value[:30] or "empty",
)
def test_a_bad_reference_is_refused_in_the_words_of_distribution(text: str, reason: str) -> None:
    """Kubernetes shows these words, and people search for them."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)

    assert caught.value.reason == reason


@given(host=HOSTS, parts=st.lists(COMPONENT, min_size=1, max_size=4), tag=TAGS)
def test_a_full_name_is_read_back_as_it_was_written(host: str, parts: list[str], tag: str) -> None:
    """Parsing and printing are inverse on full names."""
    repository = "/".join(parts)

    reference = Reference.parse(f"{host}/{repository}:{tag}")

    assert str(reference) == f"{host}/{repository}:{tag}"
    assert (reference.host, reference.repository, reference.target) == (host, repository, tag)
    assert is_repository_name(repository)
    assert is_tag(tag)


@given(st.text(max_size=80))
def test_any_text_is_either_a_reference_that_prints_to_itself_or_refused(text: str) -> None:
    """Nothing crashes the parser, and what it prints is a fixed point."""
    try:
        once = Reference.parse(text)
    except InvalidReference:
        return

    assert Reference.parse(str(once)) == once


def test_docker_hub_is_asked_at_its_real_host() -> None:
    """docker.io is a name, not a registry."""
    assert Reference.parse("busybox").host == "registry-1.docker.io"
