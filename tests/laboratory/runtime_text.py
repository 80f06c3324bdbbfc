"""What a runtime says when it pulls in a situation: our own engine's words, in containerd's form."""

from __future__ import annotations

from tests.laboratory.laboratory import Laboratory, Site

from towline.linux.wire import Patience, SocketWire
from towline.oci.platform import Platform
from towline.oci.reference import Reference
from towline.pull.attempt import Attempt, PullFailed
from towline.pull.flow import pull
from towline.pull.progress import NoProgress

PATIENCE = Patience(dial=2.0, handshake=2.0, idle=2.0)
NOBODY = "127.0.0.1"
"""Whom Go asks when there is no name server."""


async def said(lab: Laboratory, site: Site) -> tuple[str, Attempt | None]:
    """The event that the kubelet would write, and our own record; both nothing when it works."""
    situation = site.situation
    if situation.said:
        words = situation.said.format_map(site.words)
        if words.startswith("failed to "):
            packed = f'failed to pull and unpack image "{site.image}": {words}'
            words = (
                f'Failed to pull image "{site.image}": rpc error: code = Unknown desc = {packed}'
            )
        return words, None
    servers = site.name_servers or (NOBODY,)
    wire = SocketWire(lab.land.path, servers, lab.ca_file, patience=PATIENCE)
    try:
        await pull(
            Reference.parse(site.image),
            site.policy,
            site.keyring,
            wire=wire,
            layers=site.store,
            platform=Platform.parse(situation.platform),
            progress=NoProgress(),
        )
    except PullFailed as failed:
        return f'Failed to pull image "{site.image}": {failed}', failed.attempt
    finally:
        wire.close()
    return "", None
