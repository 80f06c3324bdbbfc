"""The records that a diagnosis reads, as the agent has them."""

from __future__ import annotations

from towline.diagnosis.survey import Records
from towline.resource import kind
from towline.resource.credential import Credential
from towline.resource.instance import Namespace
from towline.resource.repository import Repository
from towline.sandbox.network import records
from towline.store.collection import Collection
from towline.store.store import Store


class PullRecords:
    """What the installation has written down of networks, registries and who may pull."""

    def __init__(self, store: Store) -> None:
        self._network = records.Records(store)
        self._namespaces = Collection(store, kind.NAMESPACE, Namespace)
        self._repositories = Collection(store, kind.REPOSITORY, Repository)
        self._credentials = Collection(store, kind.CREDENTIAL, Credential)

    def read(self) -> Records:
        """All of it at this moment."""
        return Records(
            network=self._network.model(),
            namespaces=self._namespaces.list(),
            repositories=self._repositories.list(),
            credentials=self._credentials.list(),
        )
