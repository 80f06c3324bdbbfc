"""`nodes/proxy`: what a node's kubelet answers, passed on to who may ask it.

Only to read. It is how the command line comes to what a kubelet knows and no object says, with the
same path on a cluster of ours and on any other.
"""

from __future__ import annotations

from urllib.parse import quote

from towline.cluster.api.address import Address
from towline.cluster.api.call import Answer, Call, Reply, Stream
from towline.cluster.api.kubelets import Complaint, Kubelets, passed_on

PROXY = "proxy"
_BEFORE_PATH = 5  # api, v1, nodes, the node's name, proxy


class NodeProxy:
    """Answers `nodes/proxy`."""

    def __init__(self, kubelets: Kubelets) -> None:
        self._kubelets = kubelets

    async def get(self, call: Call, address: Address) -> Reply:
        """The kubelet's own answer, whatever it is; raises refusals when there is none."""
        path = "/".join(quote(part, safe="") for part in call.path[_BEFORE_PATH:])
        try:
            answer = await self._kubelets.ask(address.name, path, call.query)
        except Complaint as complaint:
            return Answer(complaint.code, complaint.text.encode(), "text/plain")
        return Stream(passed_on(answer), answer.content_type)
