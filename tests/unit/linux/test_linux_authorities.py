"""Whom a pull believes: read once, and again when the files have changed."""

from __future__ import annotations

from pathlib import Path

from tests.certificates import Wish, issue

from towline.linux.handshake import Authorities


def _names(file: Path) -> set[str]:
    """The authorities that a context trusts which is made now."""
    subjects = (found["subject"] for found in Authorities(file).trusted.get_ca_certs())
    return {
        str(name[0][1]) for subject in subjects for name in subject if name[0][0] == "commonName"
    }


def test_pulls_share_what_was_read_once(tmp_path: Path) -> None:
    """Reading the machine's hundreds of authorities takes longer than the rest of a pull."""
    made = issue(tmp_path, Wish(authority=True, common_name="ours"))

    first, second = (Authorities(made.certificate).trusted for _ in range(2))

    assert first is second
    assert "ours" in _names(made.certificate)


def test_an_authority_that_is_replaced_is_not_believed_any_more(tmp_path: Path) -> None:
    """Not by the next pull, whatever was read before."""
    file = tmp_path / "authorities.pem"
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        made = issue(tmp_path / name, Wish(authority=True, common_name=name))
        beside = made.certificate.rename(tmp_path / f"{name}.pem")
        beside.rename(file)
        believed = _names(file)

        assert {name} == believed & {"before", "after"}


def test_an_authority_that_is_added_is_believed_by_the_next_pull(tmp_path: Path) -> None:
    """Without a restart of the agent."""
    first = issue(tmp_path, Wish(authority=True, common_name="first"))
    file = first.certificate.rename(tmp_path / "authorities.pem")
    before = _names(file)
    second = issue(tmp_path, Wish(authority=True, common_name="second"))
    with file.open("ab") as more:
        more.write(second.certificate.read_bytes())

    assert "second" in _names(file) - before
