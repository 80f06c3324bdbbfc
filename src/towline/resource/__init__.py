"""The words of the cloud: instances, links, VPCs, subnets, credentials, as they are stored. No I/O."""
