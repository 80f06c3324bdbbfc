"""Names inside an instance: which namespace and repository a request means."""

from __future__ import annotations

from towline.cloud.context import Resources
from towline.cloud.refusal import Refusal
from towline.oci.digest import Digest, InvalidDigest
from towline.oci.reference import is_repository_name, is_tag
from towline.resource.instance import Instance, Namespace

MAX_LENGTH = 200  # characters of a repository's name without its namespace


def namespace_in(resources: Resources, instance: Instance, name: str) -> Namespace:
    """The namespace of an instance with this name; refused when there is none."""
    namespace = resources.namespaces.get(instance.id, name)
    if namespace is None:
        raise missing(f"The namespace {name} does not exist.")
    return namespace


def full_name(namespace: str, repository: str) -> str:
    """A repository's name with its namespace; refused when it cannot be one."""
    name = f"{namespace}/{repository}"
    if not is_repository_name(name) or len(repository) > MAX_LENGTH:
        raise Refusal(
            "InvalidParameter.ErrorTcrInvalidParameter",
            f"`{repository}` is no repository name: up to {MAX_LENGTH} of a-z, 0-9 and single"
            " . _ - / between them.",
        )
    return name


def check_tag(tag: str) -> str:
    """The tag; refused when it cannot be one."""
    if not is_tag(tag):
        raise Refusal(
            "InvalidParameter.ErrorTcrInvalidParameter",
            f"`{tag}` is no tag: up to 128 of a-z, A-Z, 0-9, . _ and -, not . or - in front.",
        )
    return tag


def check_reference(reference: str) -> str:
    """A tag or a digest; refused when it cannot be either."""
    if ":" not in reference:
        return check_tag(reference)
    try:
        return str(Digest.parse(reference))
    except InvalidDigest as error:
        raise Refusal("InvalidParameter.ErrorTcrInvalidParameter", error.cause) from error


def missing(message: str) -> Refusal:
    """What is said of something that an instance does not have."""
    return Refusal("ResourceNotFound.TcrResourceNotFound", message)
