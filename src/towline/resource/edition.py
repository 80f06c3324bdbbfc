"""The editions of a registry instance and what each allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edition:
    """The quotas of one edition."""

    namespaces: int
    repositories: int
    links: int
    service_accounts: int


EDITIONS = {
    "basic": Edition(namespaces=50, repositories=1000, links=5, service_accounts=10),
    "standard": Edition(namespaces=100, repositories=3000, links=10, service_accounts=20),
    "premium": Edition(namespaces=500, repositories=5000, links=20, service_accounts=100),
}
