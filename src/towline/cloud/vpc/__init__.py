"""The network product, `vpc` 2017-03-12: VPCs and subnets."""
