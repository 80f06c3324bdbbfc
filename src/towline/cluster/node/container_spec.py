"""How a container is to be run: its part of the pod, with everything looked up and expanded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towline.cluster.node.expansion import expand
from towline.cluster.node.privileges import privileges, user
from towline.cluster.node.provider import (
    ContainerId,
    ContainerSpec,
    Image,
    Limits,
    Mount,
    ScratchVolume,
    VolumeFiles,
)
from towline.cluster.node.references import Unresolved
from towline.kube import quantity
from towline.kube.pod import Container, Pod, VolumeMount

Volumes = Mapping[str, VolumeFiles | ScratchVolume]


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What was looked up for one run."""

    image: Image
    attempt: int
    values: Mapping[str, str]
    """The variables."""
    volumes: Volumes


def container_spec(pod: Pod, container: Container, given: Ingredients) -> ContainerSpec:
    """The run; raises `Unresolved` for what cannot be had here."""
    _refuse_unknown(pod, container)
    return ContainerSpec(
        id=ContainerId(pod.metadata.uid, container.name, given.attempt),
        image=given.image,
        command=_expanded(container.command, given.values),
        args=_expanded(container.args, given.values),
        env=tuple(given.values.items()),
        working_dir=container.working_dir or None,
        user=user(pod, container, given.image),
        privileges=privileges(pod, container),
        limits=_limits(container),
        mounts=tuple(_mount(one, given) for one in container.volume_mounts),
        tty=container.tty,
        read_only_root=bool(container.security_context.read_only_root_filesystem),
    )


def _refuse_unknown(pod: Pod, container: Container) -> None:
    """What would run differently than it was asked for is not run at all."""
    if pod.spec.host_network or pod.spec.host_pid or pod.spec.host_ipc:
        raise Unresolved("the namespaces of the host are not available in a serverless cluster")
    if not pod.spec.host_users:
        raise Unresolved("hostUsers: false is not available in a serverless cluster")
    if pod.spec.share_process_namespace:
        raise Unresolved("shareProcessNamespace is not available in a serverless cluster")
    probes = (container.liveness_probe, container.readiness_probe, container.startup_probe)
    if any(probe is not None and probe.grpc is not None for probe in probes):
        raise Unresolved("gRPC probes are not available; use exec, httpGet or tcpSocket")


def _expanded(words: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...] | None:
    return tuple(expand(word, values) for word in words) or None


def _limits(container: Container) -> Limits:
    limits = container.resources.limits
    cpu, memory = limits.get("cpu"), limits.get("memory")
    return Limits(
        None if cpu is None else max(int(quantity.value(str(cpu)) * 1000), 1),
        None if memory is None else int(quantity.value(str(memory))),
    )


def _mount(wanted: VolumeMount, given: Ingredients) -> Mount:
    source = given.volumes.get(wanted.name)
    if source is None:
        raise Unresolved(f'cannot find volume "{wanted.name}" to mount into container')
    sub_path = wanted.sub_path or expand(wanted.sub_path_expr, given.values)
    if sub_path.startswith("/") or ".." in sub_path.split("/"):
        raise Unresolved(f'subPath "{sub_path}" must stay inside the volume')
    return Mount(wanted.mount_path, source, wanted.read_only, sub_path)
