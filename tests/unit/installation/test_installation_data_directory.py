"""An installation's secrets are made once, kept from others, and renewed before they end."""

from __future__ import annotations

import json
import socket
import stat
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from towline.installation import door
from towline.installation.certificate import CERTIFICATE_LIFE, Identity, server_identity
from towline.installation.credentials import USERS, provide, tokens
from towline.installation.data_directory import DataDirectory, chosen_root
from towline.installation.kubeconfig import render
from towline.problem import Problem

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLUSTER_SIGNED = ("apiserver", "kubelet", "apiserver-kubelet-client")


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    """A directory that holds everything `provide` makes."""
    made = DataDirectory(tmp_path / "data")
    provide(made, "registry.test", NOW)
    return made


def contents(data: DataDirectory) -> dict[Path, bytes]:
    """Every file of the installation."""
    return {path: path.read_bytes() for path in data.root.rglob("*") if path.is_file()}


def certificate_in(path: Path) -> x509.Certificate:
    """The certificate in a file."""
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_second_start_changes_nothing(data: DataDirectory) -> None:
    """Otherwise every kubeconfig that was handed out would be void."""
    before = contents(data)

    provide(data, "registry.test", NOW + timedelta(days=1))

    assert contents(data) == before


def provide_with_others(data: DataDirectory, start: Barrier) -> None:
    """What each role does first; all of them in the same moment."""
    start.wait()
    provide(data, "registry.test", NOW)


def test_roles_that_start_at_once_agree_on_one_authority(tmp_path: Path) -> None:
    """Each certificate fits its key, and the authority has signed them all."""
    data, spawn = DataDirectory(tmp_path / "together"), get_context("spawn")
    start = spawn.Barrier(4)
    roles = [spawn.Process(target=provide_with_others, args=(data, start)) for _ in range(4)]
    for role in roles:
        role.start()
    for role in roles:
        role.join()
        role.close()

    authority = certificate_in(data.authority)
    for name in CLUSTER_SIGNED:
        certificate_in(data.certificate_of(name)).verify_directly_issued_by(authority)
    for name in (*CLUSTER_SIGNED, "registry", "ca", "registry-ca"):
        root = data.root if name.endswith("ca") else data.root / "keys"
        key = load_pem_private_key(data.key_of(name).read_bytes(), None)
        assert certificate_in(root / f"{name}.crt").public_key() == key.public_key()


def test_the_registrys_authority_signs_for_the_registry_alone(data: DataDirectory) -> None:
    """Who gets hold of the key that the registry has can be nobody to the cluster."""
    authority, registry = certificate_in(data.authority), certificate_in(data.registry_authority)

    certificate_in(data.certificate_of("registry")).verify_directly_issued_by(registry)
    for name in CLUSTER_SIGNED:
        certificate_in(data.certificate_of(name)).verify_directly_issued_by(authority)
    assert data.key_of("registry-ca").read_bytes() != data.key_of("ca").read_bytes()


def test_pulls_believe_both_authorities(data: DataDirectory) -> None:
    """One file, which is right again when one of them is replaced."""
    data.key_of("registry-ca").unlink()

    provide(data, "registry.test", NOW)

    believed = x509.load_pem_x509_certificates(data.pull_authorities.read_bytes())
    assert believed == [certificate_in(data.authority), certificate_in(data.registry_authority)]


def test_an_installation_of_one_authority_gets_the_second(data: DataDirectory) -> None:
    """As earlier versions made it: the registry's certificate is signed anew, nothing else is."""
    for made in (data.registry_authority, data.key_of("registry-ca"), data.pull_authorities):
        made.unlink()
    old = Identity(data.authority.read_bytes(), data.key_of("ca").read_bytes())
    signed = server_identity(old, ["*.registry.test"], NOW)
    data.certificate_of("registry").write_bytes(signed.certificate)
    data.key_of("registry").write_bytes(signed.key)
    before = contents(data)

    provide(data, "registry.test", NOW)

    certificate = certificate_in(data.certificate_of("registry"))
    certificate.verify_directly_issued_by(certificate_in(data.registry_authority))
    registry = {data.certificate_of("registry"), data.key_of("registry")}
    after = contents(data)
    assert {path for path in before if after[path] != before[path]} == registry


def test_nobody_else_can_read_what_is_secret(data: DataDirectory) -> None:
    """All but the authorities' certificates is for the owner alone."""
    open_files = {path for path in contents(data) if stat.S_IMODE(path.stat().st_mode) & 0o077 != 0}

    assert open_files == {data.authority, data.registry_authority, data.pull_authorities}
    assert stat.S_IMODE(data.root.stat().st_mode) == 0o700


def test_certificates_are_renewed_before_they_end(data: DataDirectory) -> None:
    """The authority stays, so clients need not be told."""
    before = contents(data)

    provide(data, "registry.test", NOW + CERTIFICATE_LIFE - timedelta(days=1))

    after = contents(data)
    assert after[data.certificate_of("apiserver")] != before[data.certificate_of("apiserver")]
    assert after[data.authority] == before[data.authority]


def test_a_lost_authority_is_replaced_with_all_it_signed(data: DataDirectory) -> None:
    """A certificate of the old authority would satisfy nobody."""
    before = contents(data)
    data.key_of("ca").unlink()

    provide(data, "registry.test", NOW)

    after = contents(data)
    for name in CLUSTER_SIGNED:
        assert after[data.certificate_of(name)] != before[data.certificate_of(name)]
    assert after[data.certificate_of("registry")] == before[data.certificate_of("registry")]


def test_every_user_has_a_token_of_its_own(data: DataDirectory) -> None:
    """Nobody speaks with another's."""
    found = tokens(data)

    assert set(found) == set(USERS)
    assert len(set(found.values())) == len(USERS)


def test_doors_are_remembered(data: DataDirectory) -> None:
    """A restart keeps every address; each role has one of its own."""
    first = door.choose(data.doors)

    assert door.choose(data.doors) == first
    assert len({door.port_of(each) for each in first.values()}) == len(first)


def test_a_port_that_somebody_took_is_given_up(data: DataDirectory) -> None:
    """The other roles keep theirs."""
    first = door.choose(data.doors)
    with socket.create_server(("127.0.0.1", door.port_of(first["cluster"]))):
        second = door.choose(data.doors)

    assert second["cluster"] != first["cluster"]
    assert second["cloud"] == first["cloud"]
    assert door.choose(data.doors) == second


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_a_role_that_was_moved_stays_there(data: DataDirectory) -> None:
    """As `towline cloud serve --port` does."""
    door.choose(data.doors)
    port = free_port()

    assert door.settle(data.doors, "cloud", port) == port
    assert door.settle(data.doors, "cloud", None) == port
    assert door.choose(data.doors)["cloud"] == f"http://127.0.0.1:{port}"


def test_a_role_that_moves_in_first_has_doors_for_the_others(data: DataDirectory) -> None:
    """They look for each other's before all of them run."""
    door.settle(data.doors, "cluster", free_port())

    assert set(door.remembered(data.doors)) == set(door.DOORS)


def test_a_role_leaves_those_that_run_their_doors(data: DataDirectory) -> None:
    """Also when it is the first to need one of its own."""
    port = free_port()
    data.doors.write_text(json.dumps({"cloud": f"http://127.0.0.1:{port}"}))
    with socket.create_server(("127.0.0.1", port)):
        door.settle(data.doors, "cluster", None)

    assert door.remembered(data.doors)["cloud"] == f"http://127.0.0.1:{port}"


def test_two_roles_never_remember_one_port(data: DataDirectory) -> None:
    """Who was asked for by name gets it."""
    port = door.port_of(door.choose(data.doors)["cloud"])

    assert door.settle(data.doors, "cluster", port) == port
    assert door.port_of(door.remembered(data.doors)["cloud"]) != port


def test_a_port_that_cannot_be_had_is_not_remembered(data: DataDirectory) -> None:
    """Otherwise the next start would fail as well, with nobody asking for the port."""
    before = door.choose(data.doors)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=rf"nobody can listen on 127.0.0.1:{port}"):
            door.settle(data.doors, "cluster", port)

    assert door.remembered(data.doors) == before


@pytest.mark.parametrize("port", ["99999", "-1", "0", "x", ""])
def test_a_remembered_port_that_is_none_is_chosen_anew(data: DataDirectory, port: str) -> None:
    """The other roles keep theirs."""
    before = door.choose(data.doors)
    damaged = before | {"cluster": f"https://127.0.0.1:{port}"}
    data.doors.write_text(json.dumps(damaged))

    assert door.choose(data.doors) == before


def test_a_damaged_doors_file_says_what_to_do(data: DataDirectory) -> None:
    """It is not silently replaced: other programs may know the old ports."""
    data.doors.write_bytes(b"{")

    with pytest.raises(Problem, match="doors-unreadable"):
        door.choose(data.doors)


def test_a_kubeconfig_holds_server_authority_and_token(data: DataDirectory) -> None:
    """What clientcmd needs, and no more."""
    config = json.loads(render("https://127.0.0.1:6443", b"CA", "t0ken", "admin"))

    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:6443"
    assert config["users"][0]["user"] == {"token": "t0ken"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"TOWLINE_DATA": "/a"}, Path("/a"), id="named"),
        pytest.param({"XDG_STATE_HOME": "/s"}, Path("/s/towline"), id="state-home"),
        pytest.param({}, Path.home() / ".local/state/towline", id="default"),
    ],
)
def test_the_environment_chooses_the_directory(environment: dict[str, str], expected: Path) -> None:
    """In this order."""
    assert chosen_root(environment) == expected


def test_a_place_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    """A file is in the way."""
    (tmp_path / "file").write_text("")

    with pytest.raises(Problem, match="data-directory-unusable"):
        DataDirectory(tmp_path / "file" / "data").create()
