"""The story's images, made on this machine: Debian's static busybox, a shell's worth of links, a greeting.

Also the images that no runtime should accept.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.images import MadeImage, busybox_tar, directory, file, image, symlink, tar, write_layout

ENVIRONMENT = ["PATH=/bin"]


def greeting(words: str) -> MadeImage:
    """An image in two layers that says these words."""
    upper = tar(directory("etc"), file("etc/greeting", f"{words}\n".encode()))
    return image(busybox_tar(), upper, Cmd=["sh", "-c", "cat /etc/greeting"], Env=ENVIRONMENT)


def heavy(words: str, megabytes: int) -> MadeImage:
    """The same, with a layer of bytes that do not compress: its transfer can be interrupted."""
    noise = tar(file("noise", random.Random(words).randbytes(megabytes * 1024 * 1024)))
    upper = tar(directory("etc"), file("etc/greeting", f"{words}\n".encode()))
    return image(busybox_tar(), noise, upper, Env=ENVIRONMENT)


def climbing() -> MadeImage:
    """A layer with a member that leads out of the root file system."""
    return image(busybox_tar(), tar(file("../../../../tmp/towline-escaped", b"out")))


def linked_outside() -> MadeImage:
    """A layer that writes through an absolute symbolic link to the host's /tmp."""
    return image(busybox_tar(), tar(symlink("out", "/tmp"), file("out/towline-escaped", b"out")))


def lay_out(folder: Path, made: MadeImage) -> Path:
    """The image as an OCI layout in a new folder."""
    write_layout(folder, made)
    return folder
