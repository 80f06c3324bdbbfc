"""Explains pulls from where they are made: the pod's own network, names, annotations and credentials.

Whether the cause is proved depends on two witnesses: a probe that goes the way of the pull, and the
records of this installation, which say what is lacking where the probe sees nothing but silence.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

from towline.cluster.node.provider import Case, Finding, PodIdentity
from towline.diagnosis.diagnose import diagnose
from towline.diagnosis.facts import Facts
from towline.diagnosis.plane import Plane
from towline.diagnosis.pod_credential import with_pod
from towline.diagnosis.survey import Asked, Records, survey
from towline.diagnosis.survey_credential import LoginShown
from towline.linux.namespace_socket import SocketMaker
from towline.network.attachment import own_nameservers
from towline.oci.platform import Platform
from towline.oci.reference import InvalidReference, Reference
from towline.probe.probe import probe
from towline.probe.target import Target
from towline.probe.vantage import DNS_PORT, Resolver, Vantage
from towline.problem import Problem
from towline.pull.policy import RegistryPolicy
from towline.pull.wire import Transport
from towline.resource.credential import digest_of_secret
from towline.sandbox.pod_folder import PodFolders
from towline.sandbox.pod_namespaces import PodNamespaces
from towline.sandbox.settings import SandboxSettings


class PodDoctor:
    """Implements `towline.cluster.node.provider.Doctor` for the pods of one sandbox."""

    def __init__(
        self,
        network: PodNamespaces,
        settings: SandboxSettings,
        records: Callable[[], Records],
    ) -> None:
        self._network = network
        self._settings = settings
        self._records = records
        self._folders = PodFolders(settings.folder / "pods")
        self._platform = Platform.of_machine(os.uname().machine)

    async def examine(self, case: Case) -> Finding:
        """See `Doctor`."""
        facts = await self._facts(case)
        return Finding(diagnose(facts), facts)

    async def _facts(self, case: Case) -> Facts:
        identity = self._identity(case.uid)
        policy = RegistryPolicy.from_annotations(identity.annotations)
        target = Target(case.pod.image, self._platform, case.keyring, policy)
        seen = await probe(target, self._vantage(identity))
        plane = self._plane(case, identity, policy)
        pod = replace(
            case.pod,
            annotations=identity.annotations,
            ip=self._network.standing().get(case.uid, ""),
            vpc_id=plane.vpc_id if plane else "",
            subnet_id=identity.subnet_id,
            platform=str(self._platform),
        )
        return Facts(
            image=case.pod.image,
            text=case.text,
            attempt=case.attempt,
            seen=seen,
            pod=pod,
            plane=with_pod(plane, pod) if plane else None,
        )

    def _identity(self, uid: str) -> PodIdentity:
        record = self._folders.of(uid).record
        if record is None or uid not in self._network.standing():
            raise Problem(
                "pod-not-standing",
                cause=f"the pod {uid} has no network to look from",
                remedy="see with `kubectl describe pod` whether it is being made or removed",
            )
        return record.identity

    def _vantage(self, identity: PodIdentity) -> Vantage:
        servers = own_nameservers(identity.annotations) or self._network.nameservers(identity.uid)
        return Vantage(
            name=f"pod {identity.namespace}/{identity.name}",
            sockets=SocketMaker(self._network.namespace_path(identity.uid)),
            resolver=Resolver(tuple((one, DNS_PORT) for one in servers)),
            clock=time.time,
            ca_file=self._settings.ca_file,
            proxies=RegistryPolicy.from_annotations(identity.annotations).proxies,
            store=self._settings.layers,
        )

    def _plane(self, case: Case, identity: PodIdentity, policy: RegistryPolicy) -> Plane | None:
        try:
            reference = Reference.parse(case.pod.image)
        except InvalidReference:
            return None
        plain = policy.transport(reference.domain) is Transport.PLAIN
        asked = Asked(
            reference=reference,
            subnet_id=identity.subnet_id,
            source=self._network.standing().get(case.uid, ""),
            resolver=next(iter(own_nameservers(identity.annotations)), ""),
            plain_http=plain,
            login=_shown(case),
            now=int(time.time() * 1000),
        )
        return survey(self._records(), asked)


def _shown(case: Case) -> LoginShown | None:
    """The credential that the pull is made with: the first that is for the image."""
    logins = case.keyring.lookup(case.pod.image)
    if not logins:
        return None
    return LoginShown(logins[0].username, digest_of_secret(logins[0].password))
