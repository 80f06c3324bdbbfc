"""What the cloud has to be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the gateway listens, whose keys it accepts, and how new instances are named."""

    address: str
    port: int
    access_keys_file: Path
    clusters: Path
    """Where each cluster has a folder of its own, with the kubeconfig that its users are given."""
    domain_suffix: str = "tencentcloudcr.com"
    region: str = "ap-guangzhou"
