"""`towline fix` makes pods run that cannot, one omission after another, and never trusts more unasked."""

from __future__ import annotations

import json

from demo.command import Outcome, Unexpected
from demo.image import greeting
from demo.installation import until
from demo.outside import PLAIN, SELF_SIGNED
from demo.story import Story, expect
from demo.workload import PLAIN_HTTP, deployment, namespace, pod

TITLE = "What keeps a pod from its image, mended"
REGISTRY = "mended"
RELEASED, BARE = "mending", "mending-bare"
"""A namespace with a credential of the registry, and one without."""
GROUP = "eks.tke.cloud.tencent.com/security-group-id"
ANYWHERE = "0.0.0.0/0"


def tell(story: Story) -> None:
    """A registry of its own, so that all ways to it may be broken."""
    story.towline("instance", "create", REGISTRY)
    story.towline("namespace", "create", REGISTRY, "team")
    image = story.push("team/app:1", "mended", registry=REGISTRY)
    story.apply("default", namespace(RELEASED, release=REGISTRY))
    story.apply("default", namespace(BARE))
    _from_nothing(story, image)
    _the_private_way(story, image)
    _the_image(story, image)
    _registries_outside(story)
    _the_public_way(story, image)
    for name in (RELEASED, BARE):
        story.kubectl("delete", "namespace", name, "--wait=false")


def _from_nothing(story: Story, image: str) -> None:
    story.tell("No link, no name, no credential: fix finds one after the other, and the pod runs.")
    _deploy(story, BARE, "nothing", image)
    outcome = _fix(story, BARE, "deployment/nothing")
    said = outcome.err
    for text in ("create a link from", "resolve to the link's address", "(pull from team only)"):
        if text not in said:
            raise Unexpected(f"`towline fix` did not plan to {text!r}:\n{said}")


def _the_private_way(story: Story, image: str) -> None:
    story.tell("The name no longer leads to the link.")
    story.towline("link", "resolve", "off", REGISTRY)
    _deploy(story, RELEASED, "unnamed", image)
    _fix(story, RELEASED, "deployment/unnamed")

    story.tell("A security group that lets nothing out is opened for this one address.")
    created = story.towline("security-group", "create", "shut", "-o", "json")
    group = json.loads(created.out)["id"]
    _deploy(story, RELEASED, "shut-in", image, annotations={GROUP: group})
    _fix(story, RELEASED, "deployment/shut-in")
    if ANYWHERE in story.towline("security-group", "show", "shut", "-o", "json").out:
        raise Unexpected("the security group was opened for every address")


def _the_image(story: Story, image: str) -> None:
    story.tell("A tag that does not exist is replaced by the one that is named, not by a guess.")
    _deploy(story, RELEASED, "mistagged", f"{image.rpartition(':')[0]}:9")
    _fix(story, RELEASED, "deployment/mistagged", "--tag", "1")


def _registries_outside(story: Story) -> None:
    signed, plain = f"{SELF_SIGNED}/mended/app:1", f"{PLAIN}/mended/app:1"
    for image in (signed, plain):
        story.outside.push(story.layout(greeting("mended")), image)

    story.tell("A certificate that nobody vouches for is pinned, not skipped.")
    _deploy(story, BARE, "pinned", signed)
    _fix(story, BARE, "deployment/pinned")

    story.tell("Plain HTTP is spoken only when a flag says so.")
    _deploy(story, BARE, "plain", plain)
    _fix(story, BARE, "deployment/plain", code=1)
    if PLAIN_HTTP in story.kubectl("-n", BARE, "get", "deployment", "plain", "-o", "json").out:
        raise Unexpected("fix allowed plain HTTP that nobody had asked for")
    _fix(story, BARE, "deployment/plain", "--allow-http")

    story.tell("A pod that nothing makes anew is deleted and made where that is said.")
    story.apply(BARE, pod("alone", signed))
    _fix(story, BARE, "pod/alone", "--recreate")


def _the_public_way(story: Story, image: str) -> None:
    story.tell("No link, and the public endpoint is open: the way out is made, and let in.")
    story.towline("link", "resolve", "off", REGISTRY)
    story.towline("link", "delete", REGISTRY)
    story.towline("public-access", "open", REGISTRY)
    _deploy(story, RELEASED, "outward", image)
    _fix(story, RELEASED, "deployment/outward")

    story.tell("The allowlist loses its entry, and gets back that one and no other.")
    shown = story.towline("public-access", "show", REGISTRY, "-o", "json").out
    address = json.loads(story.towline("egress", "create", "-o", "json").out)["eip"]
    if address not in shown:
        raise Unexpected(f"the allowlist does not have {address}: {shown}")
    story.towline("public-access", "deny", REGISTRY, address)
    _deploy(story, RELEASED, "uninvited", image)
    _fix(story, RELEASED, "deployment/uninvited")
    if ANYWHERE in story.towline("public-access", "show", REGISTRY, "-o", "json").out:
        raise Unexpected("the endpoint was opened to everybody")
    story.towline("egress", "delete")
    story.towline("public-access", "close", REGISTRY)


def _deploy(
    story: Story,
    where: str,
    name: str,
    image: str,
    *,
    annotations: dict[str, str] | None = None,
) -> None:
    story.apply(where, deployment(name, image, 1, annotations=annotations))


def _fix(story: Story, where: str, target: str, *flags: str, code: int = 0) -> Outcome:
    """Mend it, or see it refuse; a pod that was mended runs, and makes room."""
    story.teller.command(f"towline fix {target} -n {where} --yes {' '.join(flags)}".rstrip())
    outcome = story.installation.towline("fix", target, "-n", where, "--yes", *flags)
    story.teller.quote(outcome.text.strip())
    expect(
        outcome.code, code, f"the exit code of `towline fix {target}`, which said {outcome.text}"
    )
    if code == 0:
        kind, _, name = target.partition("/")
        until(f"pod of {target} that runs", lambda: _runs(story, where, kind, name))
        story.installation.kubectl("-n", where, "delete", kind, name).succeeded()
    return outcome


def _runs(story: Story, where: str, kind: str, name: str) -> bool:
    found = story.installation.pods(where, "" if kind == "pod" else f"app={name}")
    own = [one for one in found if kind != "pod" or one["metadata"]["name"] == name]
    return any(one["status"].get("phase") == "Running" for one in own)
