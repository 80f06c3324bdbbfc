"""The network is whole; the pod has not the right to the image, or the image is not there."""

from __future__ import annotations

import time

from bench.situation.ground import BARE, KEYED, Ground
from bench.situation.situation import Broken, Situation
from demo.installation import until
from demo.story import DOMAIN, REGISTRY


def _none(ground: Ground) -> Broken:
    return Broken(image=ground.image, namespace=BARE, names=(REGISTRY, BARE, "team"))


def _missing_secret(ground: Ground) -> Broken:
    return Broken(image=ground.image, namespace=BARE, names=("lost", BARE), secrets=("lost",))


def _other_host(ground: Ground) -> Broken:
    secret = ground.secret("somebody", "secret", "registry.example")
    names = (secret, "registry.example", DOMAIN)
    return Broken(image=ground.image, namespace=BARE, names=names, secrets=(secret,))


def _wrong_user(ground: Ground) -> Broken:
    secret = ground.secret("somebody", "secret")
    names = (secret, "somebody", REGISTRY)
    return Broken(image=ground.image, namespace=BARE, names=names, secrets=(secret,))


def _wrong_password(ground: Ground) -> Broken:
    username = ground.account("team")["username"]
    secret = ground.secret(username, "secret")
    names = (secret, username)
    return Broken(image=ground.image, namespace=BARE, names=names, secrets=(secret,))


def _other_namespace(ground: Ground) -> Broken:
    made = ground.account("elsewhere")
    secret = ground.secret(made["username"], made["password"])
    names = (secret, made["username"], "elsewhere", "team")
    return Broken(image=ground.image, namespace=BARE, names=names, secrets=(secret,))


def _disabled(ground: Ground) -> Broken:
    made = ground.account("team")
    ground.registry_call("ModifyServiceAccount", Name=made["username"], Disable=True)
    secret = ground.secret(made["username"], made["password"])
    names = (secret, made["username"])
    return Broken(image=ground.image, namespace=BARE, names=names, secrets=(secret,))


def _expired(ground: Ground) -> Broken:
    made = ground.account("team")
    soon = int(time.time() * 1000) + 1500
    ground.registry_call("ModifyServiceAccount", Name=made["username"], ExpiresAt=soon)
    secret = ground.secret(made["username"], made["password"])
    until("end of the credential", lambda: time.time() * 1000 > soon)
    names = (secret, made["username"])
    return Broken(image=ground.image, namespace=BARE, names=names, secrets=(secret,))


def _no_namespace(ground: Ground) -> Broken:
    return Broken(image=f"{DOMAIN}/teem/app:1", namespace=KEYED, names=(REGISTRY, "teem", "team"))


def _no_tag(ground: Ground) -> Broken:
    repository = ground.image.rpartition(":")[0]
    return Broken(image=f"{repository}:late-st", namespace=KEYED, names=("late-st", "1"))


def _no_repository(ground: Ground) -> Broken:
    return Broken(image=f"{DOMAIN}/team/nothing:1", namespace=KEYED, names=("team/nothing",))


MISSING, WRONG, SCOPE = "auth.missing-credential", "auth.wrong-credential", "authz"
SITUATIONS = (
    Situation(name="no credential", code=MISSING, make=_none),
    Situation(name="the Secret is not there", code=MISSING, make=_missing_secret),
    Situation(name="the Secret is for another host", code=MISSING, make=_other_host),
    Situation(name="wrong key: no such user", code=WRONG, make=_wrong_user),
    Situation(name="wrong key: another password", code=WRONG, make=_wrong_password),
    Situation(name="key for another namespace", code=SCOPE, make=_other_namespace),
    Situation(name="credential disabled", code=WRONG, make=_disabled),
    Situation(name="credential expired", code="auth.expired-credential", make=_expired),
    Situation(name="no such namespace", code=SCOPE, make=_no_namespace, fixable=False),
    Situation(name="wrong tag", code="manifest.tag-unknown", make=_no_tag, flags=("--tag", "1")),
    Situation(name="no such repository", code="manifest", make=_no_repository, fixable=False),
)
