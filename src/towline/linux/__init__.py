"""The kernel, spoken to plainly: namespaces, links, routes, nftables, mounts, the OCI runtime."""
