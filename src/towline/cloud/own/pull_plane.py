"""DescribePullPlane: what the control plane knows of one pull, before it is tried or after it failed.

For whoever has no records of their own: the Kubernetes API, which warns of images that cannot work,
and the command line, which explains why one did not. A credential is told by its user name and the
digest of its secret; neither the secret nor anything of the image's content is ever asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from towline.cloud.action import Action, Answer, AnyAction, Parameters
from towline.cloud.context import Context, Resources
from towline.cloud.own.trace import network_model, origin
from towline.cloud.refusal import Refusal
from towline.diagnosis.plane import Plane
from towline.diagnosis.survey import Asked, Records, survey
from towline.diagnosis.survey_credential import LoginShown
from towline.network.model import NetworkModel
from towline.oci.reference import InvalidReference, Reference


class DescribePullPlane(Parameters, frozen=True, kw_only=True):
    """Which pull it is about."""

    image: str
    source: str = ""
    """A pod by its name (`<namespace>/<name>`), uid, interface or private address; or a subnet by
    its id. Without one, nothing is said of the network."""
    vpc_id: str = ""
    """Where the source is; needed only when several VPCs have one."""
    resolver: str = ""
    plain_http: bool = False
    username: str = ""
    """Empty for an anonymous pull."""
    secret_sha256: str = msgspec.field(default="", name="SecretSha256")


class PullPlane(Answer, frozen=True, kw_only=True):
    """The facts, in the words of `towline.diagnosis.plane`."""

    plane: Plane


async def describe_pull_plane(context: Context, asked: DescribePullPlane) -> PullPlane:
    """Say what the records say."""
    records = _records(context.resources)
    subnet_id, address = _start(records.network, asked)
    question = Asked(
        reference=_reference(asked.image),
        subnet_id=subnet_id,
        source=address,
        resolver=asked.resolver,
        plain_http=asked.plain_http,
        login=LoginShown(asked.username, asked.secret_sha256) if asked.username else None,
        now=context.milliseconds(),
    )
    return PullPlane(plane=survey(records, question))


ACTIONS: Mapping[str, AnyAction] = {
    "DescribePullPlane": Action(DescribePullPlane, describe_pull_plane),
}


def _records(resources: Resources) -> Records:
    return Records(
        network=network_model(resources),
        namespaces=resources.namespaces.list(),
        repositories=resources.repositories.list(),
        credentials=resources.credentials.list(),
    )


def _start(model: NetworkModel, asked: DescribePullPlane) -> tuple[str, str]:
    if not asked.source:
        return "", ""
    subnet, address = origin(model, asked.source, asked.vpc_id)
    return subnet.id, address


def _reference(image: str) -> Reference:
    try:
        return Reference.parse(image)
    except InvalidReference as error:
        raise Refusal("InvalidParameterValue", f"`Image`: {error.reason}.") from error
