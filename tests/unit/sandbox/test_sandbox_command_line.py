"""What a container runs: the image's words and the pod's, joined by Kubernetes' rules."""

from __future__ import annotations

import signal

import pytest

from towline.cluster.node.provider import ContainerId, ContainerSpec, Image
from towline.oci.image_config import ImageConfig
from towline.oci.platform import Platform
from towline.sandbox.command_line import command_line, environment, working_dir
from towline.sandbox.stop_signal import stop_signal

IMAGE = Image("r.example/app:latest", "sha256:" + "0" * 64, 1)
AMD64 = Platform("linux", "amd64")
CONFIG = ImageConfig(AMD64, (), entrypoint=("/entry",), command=("default",))
Words = tuple[str, ...] | None


def spec(command: Words = None, args: Words = None, **changes: object) -> ContainerSpec:
    """A container of a pod."""
    return ContainerSpec(
        ContainerId("uid", "main", 0), IMAGE, command, args, **changes  # type: ignore[arg-type]  # by name
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "args", "expected"),
    [
        (None, None, ("/entry", "default")),
        (None, ("mine",), ("/entry", "mine")),
        (("/mine",), None, ("/mine",)),
        (("/mine",), ("too",), ("/mine", "too")),
        ((), (), ("/entry", "default")),
    ],
    ids=["nothing", "args", "command", "both", "empty"],
)
def test_a_command_drops_the_images_arguments(
    command: Words, args: Words, expected: tuple[str, ...]
) -> None:
    """The table of "Define a Command and Arguments for a Container"."""
    assert command_line(spec(command, args), CONFIG) == expected


def test_there_may_be_nothing_to_run() -> None:
    """Neither the image nor the pod says what."""
    assert command_line(spec(), ImageConfig(AMD64, ())) == ()


def test_later_variables_take_the_place_of_earlier_ones() -> None:
    """Default, image, host name, pod: each name once, where it first stood."""
    config = ImageConfig(AMD64, (), env=(("PATH", "/image"), ("A", "1"), ("B", "")))
    wanted = spec(env=(("A", "2"), ("HOSTNAME", "mine"), ("C", "x=y")))

    assert environment(wanted, config, "web", "/root") == (
        "PATH=/image", "A=2", "B=", "HOSTNAME=mine", "C=x=y", "HOME=/root",
    )  # fmt: skip


def test_a_terminal_has_a_type_unless_somebody_says_otherwise() -> None:
    """And a home that is said stays."""
    config = ImageConfig(AMD64, (), env=(("HOME", "/image"),))

    assert "TERM=xterm" in environment(spec(tty=True), config, "web", "/")
    said = environment(spec(tty=True, env=(("TERM", "dumb"),)), config, "web", "/")
    assert "TERM=dumb" in said
    assert "HOME=/image" in said


@pytest.mark.parametrize(
    ("pods", "images", "expected"),
    [(None, "", "/"), (None, "/srv", "/srv"), ("/pod", "/srv", "/pod"), (None, "srv/x", "/srv/x")],
    ids=["root", "image", "pod", "relative"],
)
def test_it_starts_where_pod_or_image_say(pods: str | None, images: str, expected: str) -> None:
    """As an absolute path: runtimes refuse others."""
    config = ImageConfig(AMD64, (), working_dir=images)

    assert working_dir(spec(working_dir=pods), config) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", signal.SIGTERM),
        ("SIGQUIT", signal.SIGQUIT),
        ("quit", signal.SIGQUIT),
        ("3", signal.SIGQUIT),
        ("SIGRTMIN+3", signal.SIGRTMIN + 3),
        ("RTMAX-1", signal.SIGRTMAX - 1),
        ("SIGNONSENSE", signal.SIGTERM),
        ("SIG_BLOCK", signal.SIGTERM),
        ("999", signal.SIGTERM),
        ("RTMAX+5", signal.SIGTERM),
        ("²", signal.SIGTERM),
    ],
)
def test_a_stop_signal_is_read_as_images_spell_it(text: str, expected: int) -> None:
    """And what is none is SIGTERM."""
    assert stop_signal(text) == expected
