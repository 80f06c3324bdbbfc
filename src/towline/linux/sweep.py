"""Complete removal: after it the machine holds nothing of an installation but its data.

Only what bears the installation's marks is touched, each process by its number. It may be run at
any time, after any crash, and again.
"""

from __future__ import annotations

import shutil

from towline.linux import network_namespace
from towline.linux.cgroups import Cgroups
from towline.linux.host_wire import HostWire
from towline.linux.ledger import Ledger
from towline.linux.mounts import unmount_below
from towline.linux.oci_runtime import state_folder
from towline.linux.runtime_process import end_runtime_processes

_CONMONS_GRACE = 2.0


def sweep(ledger: Ledger) -> None:
    """Remove processes, mounts, control groups, namespaces and the ledger; blocks until they are
    gone.

    The agent must have ended before. Layers and records stay.
    """
    cgroups = Cgroups.of_machine()
    cgroups.end(ledger.cgroup)
    end_runtime_processes(state_folder(ledger.folder), grace=_CONMONS_GRACE)
    cgroups.end(ledger.cgroup)  # a monitor may have been about to start one more
    unmount_below(ledger.folder)
    cgroups.end(ledger.ropes_cgroup)  # nobody is left who could read what they have not brought
    HostWire(ledger.names).remove()
    for name in network_namespace.names(ledger.names.prefix):
        network_namespace.delete(name)
    if ledger.folder.exists():
        shutil.rmtree(ledger.folder)
    ledger.path.unlink(missing_ok=True)
