"""The files that every container of a pod finds in `/etc`, as the kubelet writes them."""

from __future__ import annotations

from collections.abc import Sequence

from towline.cluster.node.provider import PodIdentity
from towline.sandbox.pod_folder import RESOLVERS

CLUSTER_DOMAIN = "cluster.local"
_HOSTS = """# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""  # pkg/kubelet/kubelet_pods.go, managedHostsFileContent


def pod_files(pod: PodIdentity, address: str, nameservers: Sequence[str]) -> dict[str, bytes]:
    """Name to content, `RESOLVERS` last: with it a pod's opening is complete."""
    texts = {
        "hosts": f"{_HOSTS}{address}\t{pod.hostname}\n",
        "hostname": f"{pod.hostname}\n",
        RESOLVERS: _resolver(pod.namespace, nameservers),
    }
    return {name: text.encode() for name, text in texts.items()}


def _resolver(namespace: str, nameservers: Sequence[str]) -> str:
    """The policy `ClusterFirst`: pkg/kubelet/network/dns/dns.go."""
    servers = "".join(f"nameserver {server}\n" for server in nameservers)
    domains = f"{namespace}.svc.{CLUSTER_DOMAIN} svc.{CLUSTER_DOMAIN} {CLUSTER_DOMAIN}"
    return f"{servers}search {domains}\noptions ndots:5\n"
