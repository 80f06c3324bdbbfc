"""Towline: a private registry, a serverless cluster that pulls from it, and the network between."""
