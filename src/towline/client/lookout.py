"""From where an image's registry is looked at before there is a pod to look from.

Mostly that is this machine. A registry in the data centre is reached from inside the VPCs alone; who may
open sockets in a VPC's router (root, on the agent's machine) looks from there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path

from towline.diagnosis.plane import Plane
from towline.linux import network_namespace
from towline.linux.ledger import Ledger
from towline.linux.namespace_socket import SocketMaker
from towline.network.address import DATA_CENTRE
from towline.probe.here import this_machine
from towline.probe.vantage import Resolver, Vantage

Lookout = Callable[[Plane | None], Vantage]
"""The place to look from, by what the control plane knows of the way."""


def from_here(environment: Mapping[str, str], authorities: Path | None) -> Lookout:
    """This machine, whatever the registry."""
    return lambda _: this_machine(environment, time.time, authorities)


def from_inside(environment: Mapping[str, str], authorities: Path, ledger: Path) -> Lookout:
    """The pod's VPC where only that leads to the registry and this process may enter it."""
    here = from_here(environment, authorities)

    def lookout(plane: Plane | None) -> Vantage:
        router = _router(plane, ledger)
        if plane is None or router is None:
            return here(plane)
        return Vantage(
            name=plane.vpc_id,
            sockets=SocketMaker(router),
            resolver=Resolver(hosts=f"{plane.address} {plane.host}"),
            clock=time.time,
            ca_file=authorities,
        )

    return lookout


def _router(plane: Plane | None, ledger: Path) -> Path | None:
    """The namespace of the VPC's router, if it is needed and can be used."""
    if plane is None or not plane.address or os.geteuid() != 0:
        return None
    marks = Ledger.read(ledger) if ip_address(plane.address) in DATA_CENTRE else None
    if marks is None:
        return None
    name = marks.names.router(plane.vpc_id)
    return network_namespace.path_of(name) if network_namespace.stands(name) else None
