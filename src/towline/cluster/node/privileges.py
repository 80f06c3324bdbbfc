"""What a container's processes may do: the security contexts of a pod as one answer, or a refusal.

The rules are those of the kubelet's `pkg/kubelet/kuberuntime/security_context.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from towline.cluster.node import texts
from towline.cluster.node.provider import Image, Privileges
from towline.cluster.node.references import Unresolved
from towline.kube.capability import UnavailableCapability, capabilities
from towline.kube.pod import Capabilities, Container, Pod, SecurityContext

_NUMBER = re.compile(r"[+-]?[0-9]+")
_NOT_CONFINED = "Unconfined"


def privileges(pod: Pod, container: Container) -> Privileges:
    """What the processes may do besides what their user may; raises `Unresolved`."""
    context = container.security_context.within(pod.spec.security_context)
    for refused in _refused(context):
        raise Unresolved(refused)
    wanted = context.capabilities or Capabilities()
    try:
        given = capabilities(wanted.add, wanted.drop)
    except UnavailableCapability as error:
        raise Unresolved(
            f"capability {error} is not available in a serverless cluster: it reaches beyond the pod"
        ) from error
    group = context.fs_group
    return Privileges(
        capabilities=given,
        may_gain=context.allow_privilege_escalation is not False,
        groups=(*(() if group is None else (group,)), *(context.supplemental_groups or ())),
        volumes_group=group,
    )


def user(pod: Pod, container: Container, image: Image) -> str | None:
    """Who they are, as `ContainerSpec.user` says it; raises `Unresolved` for root unasked for."""
    context = container.security_context.within(pod.spec.security_context)
    if context.run_as_non_root:
        _refuse_root(pod, container, context.run_as_user, image)
    chosen = "" if context.run_as_user is None else str(context.run_as_user)
    if context.run_as_group is not None:
        return f"{chosen}:{context.run_as_group}"
    return chosen or None


def _refuse_root(pod: Pod, container: Container, asked: int | None, image: Image) -> None:
    """The kubelet's `verifyRunAsNonRoot`: a name may be anybody's, so only a number will do."""
    of_image = image.user.partition(":")[0]
    known = _NUMBER.fullmatch(of_image or "0")
    if asked == 0:
        raise Unresolved(texts.root_user_message(pod.full_name, container.name))
    if asked is None and known is None:
        raise Unresolved(texts.named_user_message(of_image, pod.full_name, container.name))
    if asked is None and int(of_image or "0") == 0:
        raise Unresolved(texts.root_image_message(pod.full_name, container.name))


def _refused(context: SecurityContext) -> Iterator[str]:
    """What would be run without."""
    if context.privileged:
        yield "privileged containers are not available in a serverless cluster"
    confined = {
        "seccompProfile": context.seccomp_profile,
        "appArmorProfile": context.app_armor_profile,
    }
    for field, profile in confined.items():
        if profile and profile.get("type") != _NOT_CONFINED:
            yield f"{field} must be {_NOT_CONFINED} or left out in a serverless cluster"
    absent: Mapping[str, Any] = {
        "seLinuxOptions": context.se_linux_options,
        "sysctls": context.sysctls,
        "procMount": context.proc_mount not in {None, "Default"},
        "supplementalGroupsPolicy": context.supplemental_groups_policy not in {None, "Merge"},
    }
    for field, asked in absent.items():
        if asked:
            yield f"{field} is not available in a serverless cluster"
