"""The container registry product, `tcr` 2019-09-24: instances, namespaces, credentials, links."""
