"""The container service's product: serverless clusters, their nodes and their add-ons."""
