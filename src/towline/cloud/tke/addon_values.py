"""The values of the registry add-on, in the form that the cloud's own takes them.

`{"global": {"imagePullSecretsCrs": [{"name": "demo", "namespaces": "*", "serviceAccounts": "*",
"type": "docker", "dockerServer": "demo.tencentcloudcr.com"}]}}`: one entry for each instance. What
would be said in vain is refused: a login, since the add-on issues its own; service accounts by other
names than `default`; entries for nodes' host files, since private links have names.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import msgspec

from towline.cloud.context import Resources
from towline.cloud.refusal import Refusal
from towline.resource.addon import RegistryRelease
from towline.resource.instance import Instance

DEFAULT_VALUES = '{"global":{"imagePullSecretsCrs":[],"hosts":[]}}'


class _PullSecret(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    docker_server: str
    name: str = ""
    namespaces: str = "*"
    service_accounts: str = "*"
    type: str = "docker"
    docker_username: str = ""
    docker_password: str = ""


class _Global(msgspec.Struct, frozen=True, rename="camel"):
    image_pull_secrets_crs: tuple[_PullSecret, ...] = ()
    hosts: tuple[msgspec.Raw, ...] = ()


class _Values(msgspec.Struct, frozen=True):
    global_: _Global = msgspec.field(name="global", default=_Global())


def decoded(raw: str) -> str:
    """The JSON of `RawValues`, which come in base64; the defaults when there are none."""
    try:
        text = base64.b64decode(raw, validate=True).decode()
        return text or DEFAULT_VALUES
    except (binascii.Error, ValueError) as error:
        raise Refusal("InvalidParameter", f"RawValues is not JSON in base64: {error}.") from error


def encoded(values: str) -> str:
    """JSON as the API tells it."""
    return base64.b64encode(values.encode()).decode()


def releases_of(resources: Resources, values: str) -> tuple[RegistryRelease, ...]:
    """What the values ask for; refused when it cannot be done."""
    try:
        read = msgspec.json.decode(values, type=_Values).global_
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal("InvalidParameter", f"The values cannot be understood: {error}.") from error
    if read.hosts:
        raise Refusal("UnsupportedOperation", "`hosts` has no use here: link the VPC instead.")
    releases = tuple(_release(resources, one) for one in read.image_pull_secrets_crs)
    if len({one.instance_id for one in releases}) < len(releases):
        raise Refusal("InvalidParameter", "An instance has one entry in imagePullSecretsCrs.")
    return releases


def _release(resources: Resources, entry: _PullSecret) -> RegistryRelease:
    if entry.docker_username or entry.docker_password:
        raise Refusal(
            "UnsupportedOperation",
            "The add-on issues its own logins; leave dockerUsername and dockerPassword out.",
        )
    if entry.type != "docker" or entry.service_accounts not in ("", "*", "default"):
        raise Refusal(
            "UnsupportedOperation", "type is `docker`, and serviceAccounts `*` or `default` here."
        )
    instance = _instance(resources.instances.list(), entry.docker_server)
    namespaces = tuple(filter(None, (one.strip() for one in entry.namespaces.split(","))))
    return RegistryRelease(
        instance_id=instance.id,
        instance_name=instance.name,
        namespaces=() if "*" in namespaces else namespaces,
        every_account=entry.service_accounts != "default",
    )


def _instance(instances: Sequence[Instance], server: str) -> Instance:
    for instance in instances:
        if server in (instance.domain, instance.vpc_domain):
            return instance
    raise Refusal("InvalidParameter", f"No registry instance has the domain `{server}`.")
