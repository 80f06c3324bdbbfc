"""Every pod that cannot pull its image is told why, and what to change: by events, and when asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from demo.command import Unexpected
from demo.image import greeting
from demo.installation import until
from demo.outside import PLAIN, SELF_SIGNED
from demo.story import DOMAIN, REGISTRY, Story
from demo.workload import PLAIN_HTTP, SKIP_VERIFY, deployment, namespace, pod

TITLE = "Why a pull fails: the cause, the object and the cure, without being asked"
KEYLESS, KEYED = "keyless", "keyed"
"""Namespaces: without a credential, and with one that was released into it."""
RESOLV_CONF = "eks.tke.cloud.tencent.com/resolv-conf"


@dataclass(frozen=True, slots=True)
class Fault:
    """A pod that one thing is wrong with."""

    name: str
    image: str
    code: str
    says: str
    """What the event names."""
    namespace: str = KEYED
    annotations: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    warned: bool = False
    """Whether `kubectl apply` warns of it already."""


def tell(story: Story) -> None:
    """One fault after another, each named by its code and its object."""
    story.link()
    image = story.push("team/diagnosed:1", "to be diagnosed")
    story.outside.push(story.layout(greeting("outside")), f"{SELF_SIGNED}/outside/app:2")
    story.outside.push(story.layout(greeting("outside")), f"{PLAIN}/outside/app:2")
    story.apply("default", namespace(KEYLESS))
    story.apply("default", namespace(KEYED, release=REGISTRY))
    for secret, server in (("stranger", "registry.example"), ("stale", DOMAIN)):
        login = ("--docker-username=somebody", "--docker-password=secret")
        create = ("create", "secret", "docker-registry", secret, f"--docker-server={server}")
        story.kubectl("-n", KEYED, *create, *login)

    story.tell("The link is there, and its private name resolution is switched off.")
    story.towline("link", "resolve", "off", REGISTRY)
    _diagnosed(
        story, Fault("unresolved", image, "net.timeout.public-ip", f"resolution of {DOMAIN} is off")
    )
    story.towline("link", "resolve", "on", REGISTRY)

    story.tell("With a way to the registry, each of these has one thing wrong.")
    faults = _faults(image)
    for fault in faults:
        _begin(story, fault)
    misplaced = deployment(
        "misplaced", f"{SELF_SIGNED}/outside/app:2", 1, own_annotations={SKIP_VERIFY: SELF_SIGNED}
    )
    story.apply(KEYED, misplaced)
    for fault in faults:
        _is_told(story, fault)
    _owner_is_told(story)
    for fault in faults:
        story.remove_pod(fault.namespace, fault.name)
    story.kubectl("-n", KEYED, "delete", "deployment", "misplaced")


def _faults(image: str) -> tuple[Fault, ...]:
    return (*_of_right(image), *_of_name(image), *_of_trust())


def _of_right(image: str) -> tuple[Fault, ...]:
    """Nothing to show, or not the right thing: `kubectl apply` warns of it already."""
    missing = "auth.missing-credential"
    return (
        Fault("nokey", image, missing, "brings no credential", namespace=KEYLESS, warned=True),
        Fault("lostkey", image, missing, "the Secret lost", secrets=("lost",), warned=True),
        Fault(
            "otherkey",
            image,
            missing,
            "is for registry.example",
            secrets=("stranger",),
            warned=True,
        ),
        Fault(
            "stalekey",
            image,
            "auth.wrong-credential",
            "knows no user somebody",
            secrets=("stale",),
            warned=True,
        ),
    )


def _of_name(image: str) -> tuple[Fault, ...]:
    """Something that is not there, or is not found."""
    nowhere = f"{DOMAIN}/teem/app:1"
    scope, tag = "authz.insufficient-scope", "manifest.tag-unknown"
    own = {RESOLV_CONF: f"nameserver {PLAIN.partition(':')[0]}"}
    return (
        Fault("nowhere", nowhere, scope, "has no namespace teem", warned=True),
        Fault("mistagged", f"{image}0", tag, "nearest tags are 1", warned=True),
        Fault("deaf", image, "dns", RESOLV_CONF, annotations=own),
    )


def _of_trust() -> tuple[Fault, ...]:
    """Registries of others, which the pod has to say something about."""
    outside, unknown = f"{SELF_SIGNED}/outside/app:2", "tls.unknown-authority"
    host = SELF_SIGNED.partition(":")[0]
    portless = {SKIP_VERIFY: host}
    return (
        Fault("stranger", outside, unknown, f"{SELF_SIGNED}=", warned=True),
        Fault("portless", outside, unknown, f"names {host} and not", annotations=portless),
        Fault("plain", f"{PLAIN}/outside/app:2", "tls.http-server", PLAIN_HTTP, warned=True),
    )


def _begin(story: Story, fault: Fault) -> None:
    manifest = pod(fault.name, fault.image, annotations=fault.annotations, secrets=fault.secrets)
    if fault.warned:
        _is_foreseen(story, fault, manifest)
    story.apply(fault.namespace, manifest)


def _is_foreseen(story: Story, fault: Fault, manifest: str) -> None:
    """The API warns before there is a pod. It says nothing rather than be late, so ask until it has
    had the time.
    """
    dry = ("-n", fault.namespace, "create", "--dry-run=server", "-f", "-")
    story.teller.command(f"kubectl {' '.join(dry)}   # pod/{fault.name}")
    heard: list[str] = []

    def warned() -> bool:
        heard.append(story.installation.kubectl(*dry, stdin=manifest).succeeded().err.strip())
        return f"({fault.code})" in heard[-1]

    until(f"warning of {fault.code} for pod {fault.name}", warned)
    story.teller.quote(heard[-1])


def _diagnosed(story: Story, fault: Fault) -> None:
    _begin(story, fault)
    _is_told(story, fault)
    story.remove_pod(fault.namespace, fault.name)


def _is_told(story: Story, fault: Fault) -> None:
    """By an event, and by the command when it is asked."""
    told = _event(story, fault.namespace, fault.name)
    story.teller.quote(told)
    if not told.startswith(fault.code) or fault.says not in told:
        raise Unexpected(f"{fault.name}: {fault.code} with {fault.says!r} was not told: {told!r}")
    asked = story.towline("why", f"pod/{fault.name}", "-n", fault.namespace, "-o", "json")
    code = json.loads(asked.out)["code"]
    if not code.startswith(fault.code):
        raise Unexpected(f"{fault.name}: `towline why` says {code} instead of {fault.code}")


def _owner_is_told(story: Story) -> None:
    """An annotation in the wrong place is named with the workload that it stands on."""
    (made,) = story.installation.pods(KEYED, "app=misplaced")
    told = _event(story, KEYED, made["metadata"]["name"])
    story.teller.quote(told)
    if "stands on deployment/misplaced itself" not in told:
        raise Unexpected(f"the misplaced annotation was not told: {told!r}")


def _event(story: Story, namespace: str, name: str) -> str:
    """What the pod's `Diagnosed` event says, as soon as there is one."""
    found: list[str] = []

    def told() -> bool:
        listed = story.installation.kubectl(
            *("-n", namespace, "get", "events", "-o", "json"),
            f"--field-selector=reason=Diagnosed,involvedObject.name={name}",
        )
        found[:] = [each["message"] for each in json.loads(listed.succeeded().out)["items"]]
        return bool(found)

    until(f"diagnosis of pod {name}", told)
    return found[-1]
