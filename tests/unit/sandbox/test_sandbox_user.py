"""Users and groups of an image, whoever made its lists."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from towline.sandbox.user import Accounts, UnknownUser, User, chosen_user

ACCOUNTS = Accounts(
    "root:x:0:0:root:/root:/bin/sh\n# web:x:1:1\n\nbroken:x:no:1\n"
    "web:x:1000:2000:Web:/srv/web:/bin/sh\n",
    "root:x:0:\nweb:x:2000:\nlogs:x:77:other,web\nbroken:x:?:web\nshort:x\n",
)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", User(0, 0, (0,), "/root")),
        ("web", User(1000, 2000, (2000, 77), "/srv/web")),
        ("1000", User(1000, 2000, (2000, 77), "/srv/web")),
        ("web:logs", User(1000, 77, (77,), "/srv/web")),
        ("web:5", User(1000, 5, (5, 77), "/srv/web")),
        ("4242", User(4242, 0, (0,))),
        ("4242:4343", User(4242, 4343, (4343,))),
        (":77", User(0, 77, (77,), "/root")),
    ],
)
def test_names_and_numbers_are_resolved(wanted: str, expected: User) -> None:
    """A number needs no entry, and takes what its entry says if there is one."""
    assert ACCOUNTS.find(wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("nobody", "no users found"),
        ("broken", "no users found"),
        ("-1", "no users found"),
        ("2147483648", "no users found"),
        ("1000:nothing", "no groups found"),
        ("1000:-1", "no groups found"),
    ],
)
def test_who_is_not_listed_is_unknown(wanted: str, text: str) -> None:
    """In containerd's words."""
    with pytest.raises(UnknownUser, match=text):
        ACCOUNTS.find(wanted)


@pytest.mark.parametrize(
    ("asked", "of_image", "chosen"),
    [
        pytest.param(None, "web:logs", "web:logs", id="nothing"),
        pytest.param("7", "web:logs", "7", id="a user"),
        pytest.param("0:5", "web", "0:5", id="a user and a group"),
        pytest.param(":5", "1000", "1000:5", id="a group, of an image with a user"),
        pytest.param(":5", "web:logs", "web:5", id="a group, of an image with both"),
        pytest.param(":5", "", ":5", id="a group, of an image with neither"),
    ],
)
def test_what_the_pod_does_not_say_of_the_user_the_image_says(
    asked: str | None, of_image: str, chosen: str
) -> None:
    """Another group does not make another user, and least of all root."""
    assert chosen_user(asked, of_image) == chosen


@given(st.text(), st.text(), st.text(max_size=30))
def test_no_list_can_do_more_than_name_numbers(passwd: str, group: str, wanted: str) -> None:
    """Whatever is in it, the numbers are ones that the kernel takes."""
    try:
        found = Accounts(passwd, group).find(wanted)
    except UnknownUser:
        return

    assert all(0 <= each < 2**31 for each in (found.uid, found.gid, *found.groups))
    assert found.groups[0] == found.gid


def test_lists_are_read_inside_the_root_only(tmp_path: Path) -> None:
    """A link that leads out of it leads to the same path inside."""
    root, outside = tmp_path / "root", tmp_path / "passwd"
    (root / "etc").mkdir(parents=True)
    outside.write_text("web:x:666:666::/:\n")
    (root / "etc" / "passwd").symlink_to(f"../..{outside}")
    assert Accounts.below(root) == Accounts()
    inside = root / str(outside).lstrip("/")
    inside.parent.mkdir(parents=True)
    inside.write_text("web:x:1:1::/:\n")

    assert Accounts.below(root).find("web").uid == 1


def test_what_is_no_plain_file_is_no_list(tmp_path: Path) -> None:
    """A pipe or a folder keeps nobody waiting."""
    (tmp_path / "etc").mkdir()
    os.mkfifo(tmp_path / "etc" / "passwd")
    (tmp_path / "etc" / "group").mkdir()

    assert Accounts.below(tmp_path) == Accounts()
