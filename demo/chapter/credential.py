"""Whoever may not pull is told one thing, whatever the reason is: authorization failed."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request

from demo.command import Unexpected
from demo.story import DOMAIN, REGISTRY, Story
from demo.workload import namespace

TITLE = "No credential, a wrong key, another namespace's key, no such namespace"
NAMESPACE = "strangers"
REFUSED = (
    "pull access denied, repository does not exist or may require authorization: "
    "server message: insufficient_scope: authorization failed"
)


def tell(story: Story) -> None:
    """Four ways not to be let in, and one text."""
    story.link()
    image = story.push("team/secret:1", "for those who may")
    story.towline("namespace", "create", REGISTRY, "elsewhere")
    story.apply("default", namespace(NAMESPACE))

    story.tell("Without any credential.")
    _refused(story, "none", image)

    story.tell("With a wrong key.")
    _store(story, "wrong", "nobody", "not-the-password")
    _refused(story, "wrong", image, "wrong")

    _token_of_a_wrong_key(story)

    story.tell("With a key for another namespace of the registry.")
    made = story.towline(
        "credential", "create", REGISTRY, "--namespace", "elsewhere", "-o", "json"
    ).out
    login = json.loads(made)
    _store(story, "other", login["username"], login["password"])
    _refused(story, "other", image, "other")

    story.tell("With a good key, for a namespace that does not exist.")
    login = json.loads(story.towline("credential", "create", REGISTRY, "-o", "json").out)
    _store(story, "good", login["username"], login["password"])
    _refused(story, "ghost", f"{DOMAIN}/ghost/app:1", "good")

    story.tell("With the good key and the right name: it runs.")
    story.run_pod(NAMESPACE, "good", image, secrets=("good",))
    story.runs(NAMESPACE, "good")


def _token_of_a_wrong_key(story: Story) -> None:
    """As Harbor does: asked with a scope it gets a token without access, as `docker login` asks 401."""
    story.tell("That key gets a token without access; but `docker login` with it is refused.")
    door = story.installation.instance(REGISTRY)["loopback"]
    service = f"{door}/service/token?service={DOMAIN}"
    scoped = _status(f"{service}&scope=repository:team/secret:pull")
    if (scoped, _status(service)) != (200, 401):
        raise Unexpected(f"with a scope {scoped}, without one {_status(service)}")


def _status(url: str) -> int:
    login = base64.b64encode(b"nobody:not-the-password").decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {login}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code


def _store(story: Story, name: str, username: str, password: str) -> None:
    story.kubectl(
        *("-n", NAMESPACE, "create", "secret", "docker-registry", name),
        f"--docker-server={DOMAIN}",
        f"--docker-username={username}",
        f"--docker-password={password}",
    )


def _refused(story: Story, name: str, image: str, *secrets: str) -> None:
    story.run_pod(NAMESPACE, name, image, secrets=secrets)
    story.fails(NAMESPACE, name, "code = Unknown", REFUSED, "ErrImagePull")
    story.remove_pod(NAMESPACE, name)
