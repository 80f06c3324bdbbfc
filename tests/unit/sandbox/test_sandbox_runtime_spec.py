"""The config that a runtime is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from towline.cluster.node.provider import (
    ContainerId,
    ContainerSpec,
    Image,
    Limits,
    PodIdentity,
    Privileges,
)
from towline.kube.capability import USUAL
from towline.oci.image_config import ImageConfig
from towline.oci.platform import Platform
from towline.sandbox.pod_files import pod_files
from towline.sandbox.runtime_spec import Bind, Surroundings, runtime_spec
from towline.sandbox.user import User

CONFIG = ImageConfig(Platform("linux", "amd64"), (), command=("run",))
IMAGE = Image("r.example/app:latest", "sha256:" + "0" * 64, 1)


def made(open_files: int = 4096, **changes: object) -> dict[str, Any]:
    """The config of a container, as the runtime reads it."""
    spec = ContainerSpec(ContainerId("uid", "main", 0), IMAGE, **changes)  # type: ignore[arg-type]  # by name
    binds = (Bind("/etc/hosts", Path("/pod/hosts")), Bind("/key", Path("/pod/key"), read_only=True))
    around = Surroundings(
        Path("/root"), "web", Path("/run/netns/x"), "/group", 100, open_files, binds
    )
    document = runtime_spec(spec, CONFIG, User(5, 6, (6, 7)), around)
    config: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
    return config


def test_limits_become_a_quota_and_a_bound() -> None:
    """Half a processor, and bytes as they are."""
    limits = Limits(cpu_millicores=500, memory_bytes=1 << 20)
    resources = made(limits=limits)["linux"]["resources"]

    assert resources["cpu"] == {"shares": 512, "quota": 50_000, "period": 100_000}
    assert resources["memory"] == {"limit": 1 << 20}
    assert resources["pids"] == {"limit": 100}


def test_who_is_given_no_limits_has_none_and_is_the_first_to_be_killed() -> None:
    """As the kubelet's best effort."""
    config = made()

    assert "memory" not in config["linux"]["resources"]
    assert "cpu" not in config["linux"]["resources"]
    assert config["process"]["oomScoreAdj"] == 1000
    assert made(limits=Limits(memory_bytes=1))["process"]["oomScoreAdj"] == 0


def test_the_smallest_share_is_one_that_the_kernel_takes() -> None:
    """One millicore is less than it can count."""
    cpu = made(limits=Limits(cpu_millicores=1))["linux"]["resources"]["cpu"]

    assert (cpu["quota"], cpu["shares"]) == (1000, 2)


def test_files_are_as_many_as_the_machine_gives() -> None:
    """And never more than is sane."""
    few, many = (made(open_files=number)["process"]["rlimits"] for number in (4096, 2**40))

    assert few == [{"type": "RLIMIT_NOFILE", "soft": 4096, "hard": 4096}]
    assert many[0]["hard"] == 1_048_576


def test_only_the_network_is_a_namespace_of_the_pod() -> None:
    """All others are the container's own."""
    namespaces = made()["linux"]["namespaces"]

    assert {each["type"] for each in namespaces} == {"pid", "mount", "ipc", "uts", "network"}
    assert [each for each in namespaces if "path" in each] == [
        {"type": "network", "path": "/run/netns/x"}
    ]


def test_binds_come_after_what_they_lie_in() -> None:
    """Read-only where they should be."""
    mounts = made()["mounts"]

    assert [mount["destination"] for mount in mounts[-2:]] == ["/etc/hosts", "/key"]
    assert [mount["options"][-1] for mount in mounts[-2:]] == ["rw", "ro"]


def test_the_user_is_said_in_numbers() -> None:
    """With all groups."""
    assert made()["process"]["user"] == {"uid": 5, "gid": 6, "additionalGids": [6, 7]}


def test_groups_are_the_users_and_the_pods() -> None:
    """Each once."""
    process = made(privileges=Privileges(groups=(9, 7)))["process"]

    assert process["user"]["additionalGids"] == [6, 7, 9]


def test_powers_are_those_of_the_privileges() -> None:
    """The usual ones, with more to gain, when nothing else was asked for."""
    asked = made(privileges=Privileges(capabilities=("CAP_CHOWN",), may_gain=False))["process"]
    usual = made()["process"]

    assert set(map(tuple, asked["capabilities"].values())) == {("CAP_CHOWN",)}
    assert asked["noNewPrivileges"]
    assert set(map(tuple, usual["capabilities"].values())) == {USUAL}
    assert not usual["noNewPrivileges"]


def test_the_pods_files_are_the_kubelets() -> None:
    """Letter for letter."""
    pod = PodIdentity("uid", "demo", "web-1", "subnet-1", "web-host", {})
    files = pod_files(pod, "10.0.0.9", ("183.60.83.19", "183.60.82.98"))

    assert files["hostname"] == b"web-host\n"
    assert files["hosts"].endswith(b"\nfe00::2\tip6-allrouters\n10.0.0.9\tweb-host\n")
    assert files["resolv.conf"].decode() == (
        "nameserver 183.60.83.19\nnameserver 183.60.82.98\n"
        "search demo.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
    )
