"""The kernel mounts our layers, and sees in them what GNU tar would have unpacked."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.images import directory, file, hard_link, special, symlink, tar
from tests.layer_files import made_layers, mounted, sealed, sparse_tars, untarred, walked

from towline.content.erofs import TAR_OFFSET
from towline.content.extract import extract, remove_tree
from towline.content.layer_file import LayerFile
from towline.linux.mounts import mount_overlay, unmount_if_mounted
from towline.oci.digest import Digest
from towline.problem import Problem
from towline.sandbox.lower_layers import lower_layers

pytestmark = pytest.mark.root


class Files:
    """Layer files in a folder, by their digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, diff_id: Digest) -> Path:
        """The file of a layer."""
        return self._folder / diff_id.hex

    def is_mountable(self, diff_id: Digest) -> bool:
        """Whether it shows all its files by itself."""
        return LayerFile.open(self.path(diff_id)).whole

    def add(self, data: bytes) -> Digest:
        """Seal a tar here."""
        sealed(self.path(Digest.of(data)), data)
        return Digest.of(data)


def shown(folder: Path) -> dict[str, tuple[object, ...]]:
    """What is in a tree, without its inodes: overlayfs gives copies others."""
    return {path: facts[:7] for path, facts in walked(folder).items()}


async def stacked(folder: Path, tars: Sequence[bytes]) -> dict[str, tuple[object, ...]]:
    """What a container sees of these layers, lowest first."""
    files = Files(folder)
    lowers = lower_layers(folder / "lowers", files)
    folders = await lowers.folders(tuple(map(files.add, tars)))
    for name in ("upper", "work", "root"):
        (folder / name).mkdir()
    try:
        mount_overlay(folders, folder / "upper", folder / "work", folder / "root")
        return shown(folder / "root")
    finally:
        unmount_if_mounted(folder / "root")
        await lowers.keep_only(tuple)


def many_kinds() -> bytes:
    """A layer with everything that a layer can have, names in order of the directories."""
    members = [
        directory("d", mode=0o2775, uid=1000, gid=2000),
        file("d/setuid", b"x" * 5000, mode=0o4755),
        file("d/empty"),
        file("d/exact", b"y" * 512),
        hard_link("d/again", "d/setuid"),
        symlink("d/short", "setuid"),
        symlink("d/long", "/" + "l" * 900),
        symlink("d/dangling", "../../nowhere"),
        special("d/pipe", tarfile.FIFOTYPE, mode=0o600),
        special("d/zero", tarfile.CHRTYPE, devmajor=1, devminor=5, mode=0o666),
        special("d/disk", tarfile.BLKTYPE, devmajor=259, devminor=70000),
        file("d/" + "n" * 150, b"long name"),
        file("d/ü-ñ-漢", b"utf-8"),
        file("d/attributes", b"1", pax_headers={"SCHILY.xattr.user.note": "a" * 600}),
        directory("many"),
    ]
    members += [file(f"many/file-{number:04}", str(number).encode()) for number in range(700)]
    members.append(directory("many", mtime=1_600_000_000))
    return tar(*members)


def require_all_roads_equal(folder: Path, data: bytes) -> None:
    """A layer mounted, and written by us, is what GNU tar makes of it."""
    layer = sealed(folder / "layer", data)
    expected = walked(untarred(folder / "tar", data, folder / "gnu"))
    extract([layer], folder / "ours")
    try:
        with mounted(layer, folder / "mounted") as seen:
            assert walked(seen) == expected
        assert walked(folder / "ours") == expected
    finally:
        for made in ("gnu", "ours"):
            remove_tree(folder / made)


def test_a_layer_of_every_kind_is_what_tar_would_have_unpacked(tmp_path: Path) -> None:
    """Modes, owners, times, links, devices, attributes and every byte."""
    require_all_roads_equal(tmp_path, many_kinds())


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=made_layers())
def test_a_layer_made_at_random_is_what_tar_would_have_unpacked(
    tmp_path: Path, data: bytes
) -> None:
    """Names that are no text, owners and devices of any size, fractions of seconds."""
    require_all_roads_equal(tmp_path, data)


def test_sparse_files_keep_their_holes(tmp_path: Path) -> None:
    """In each of GNU tar's four formats; holes take no room, however we show them."""
    for _, data in sparse_tars(tmp_path / "sparse"):
        require_all_roads_equal(tmp_path, data)
        extract([tmp_path / "layer"], tmp_path / "holes")

        assert LayerFile.open(tmp_path / "layer").whole
        assert sum(path.stat().st_blocks for path in (tmp_path / "holes").iterdir()) < 2000
        remove_tree(tmp_path / "holes")


async def test_mounted_layers_stack_as_they_merge(tmp_path: Path) -> None:
    """Overlayfs over our layers shows what our own merge of them extracts; also of very many."""
    lower = tar(
        directory("dir"), file("dir/old", b"1"), file("gone", b"2"), directory("both"),
        file("both/low", b"3"), directory("again"), file("again/old"), file("shape"),
    )  # fmt: skip
    upper = tar(
        directory("dir"), file("dir/.wh..wh..opq"), file("dir/new", b"4"), file(".wh.gone"),
        directory("both"), file("both/high", b"5"), file(".wh.again"), directory("again"),
        file("again/new"), directory("shape"), file("shape/in"),
    )  # fmt: skip
    many = [tar(directory("many"), file(f"many/{number}", b"6")) for number in range(120)]

    seen = await stacked(tmp_path, [lower, upper, *many])

    files = Files(tmp_path)
    extract([files.path(Digest.of(data)) for data in (lower, upper, *many)], tmp_path / "ours")
    assert seen == shown(tmp_path / "ours")
    assert len(seen) == 2 + 3 + 2 + 2 + 121


LOW = tar(
    directory("./", mode=0o711), directory("tmp", mode=0o1777, uid=5, mtime=7), file("tmp/a"),
    directory("x"), directory("x/y", mode=0o700), file("x/y/z"),
)  # fmt: skip


@pytest.mark.parametrize(
    "upper",
    [
        pytest.param([tar(file("tmp/b"), file("x/y/more/f"))], id="folders without entries"),
        pytest.param([tar(file("tmp/b")), tar(file("tmp/c"))], id="twice"),
        pytest.param([tar(file(".wh.x")), tar(file("x/y/f"))], id="made anew"),
        pytest.param([tar(directory("x"), file("x/.wh..wh..opq")), tar(file("x/y/f"))], id="hidden"),
        pytest.param([tar(file(".wh..wh..opq"), file("tmp/b"))], id="everything hidden"),
        pytest.param([tar(directory("d"), file("d/.wh.nothing"))], id="nothing to hide"),
        pytest.param([tar(file("tmp/b")), LOW, tar(file("x/.wh.y")), LOW], id="a layer again"),
    ],
)  # fmt: skip
async def test_layers_that_leave_something_out_stack_as_they_merge(
    tmp_path: Path, upper: Sequence[bytes]
) -> None:
    """What overlayfs would show otherwise: folders without entries, whiteouts of nothing, and roots
    that hide.
    """
    seen = await stacked(tmp_path, [LOW, *upper])

    layers = [tmp_path / Digest.of(data).hex for data in (LOW, *upper)]
    extract(layers, tmp_path / "ours")
    assert seen == shown(tmp_path / "ours")


async def test_what_is_put_on_top_of_layers_goes_with_them(tmp_path: Path) -> None:
    """Also what was left when a process was killed in the middle of it."""
    files = Files(tmp_path)
    stack = tuple(map(files.add, (LOW, tar(file("tmp/b")))))
    lowers = lower_layers(tmp_path / "lowers", files)

    first, again = await lowers.folders(stack), await lowers.folders(stack)
    (tmp_path / "lowers" / "layers" / "folders-half.layer").write_bytes(b"half of it")
    await lowers.keep_only(lambda: {stack})
    kept = [place for place in (tmp_path / "lowers" / "layers").iterdir() if place.is_mount()]
    await lowers.keep_only(lambda: ())

    assert first == again
    assert len(first) == 3
    assert set(kept) == set(first)
    assert list((tmp_path / "lowers" / "layers").iterdir()) == []


async def test_a_mounted_hard_link_to_a_lower_layer_is_one_file_with_it(tmp_path: Path) -> None:
    """Such an image is written out; one whose file is missing is refused."""
    lower, upper = tar(file("a", b"1" * 600, mode=0o640)), tar(hard_link("b", "a"))

    seen = await stacked(tmp_path, [lower, upper])

    assert seen["b"] == seen["a"]
    with pytest.raises(Problem, match="no such file or directory"):
        extract([sealed(tmp_path / "alone", upper)], tmp_path / "ours")


def test_a_device_in_a_layer_opens_for_nobody(tmp_path: Path) -> None:
    """Not even for root: pods get their devices from the agent."""
    device = special("null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666)
    layer = sealed(tmp_path / "layer", tar(device))
    with ExitStack() as stack:
        low = stack.enter_context(mounted(layer, tmp_path / "low"))
        for name in ("upper", "work", "root"):
            (tmp_path / name).mkdir()
        mount_overlay([low], tmp_path / "upper", tmp_path / "work", tmp_path / "root")
        stack.callback(unmount_if_mounted, tmp_path / "root")

        assert (tmp_path / "root" / "null").is_char_device()
        with pytest.raises(PermissionError):
            os.open(tmp_path / "root" / "null", os.O_RDONLY)


def test_what_a_container_wrote_is_not_brought_to_the_disk(tmp_path: Path) -> None:
    """Unmounting would wait for everything else that its filesystem has in memory."""
    for name in ("low", "upper", "work", "root"):
        (tmp_path / name).mkdir()
    mount_overlay([tmp_path / "low"], tmp_path / "upper", tmp_path / "work", tmp_path / "root")
    try:
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    finally:
        unmount_if_mounted(tmp_path / "root")

    (line,) = [line for line in mounts if line.split()[4] == str(tmp_path / "root")]
    assert line.endswith("volatile")


def test_the_bytes_of_a_mounted_layer_can_be_hashed_at_any_time(tmp_path: Path) -> None:
    """The tar lies in the file unchanged."""
    data = many_kinds()
    layer = sealed(tmp_path / "layer", data)

    content = layer.read_bytes()[TAR_OFFSET : TAR_OFFSET + len(data)]
    assert Digest.of(content) == Digest.of(data)
