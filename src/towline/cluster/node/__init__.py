"""A virtual node: the kubelet's decisions, over a Provider that makes pods real."""
