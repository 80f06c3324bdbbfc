"""The words of the cloud: instances, links, VPCs, subnets and credentials, as stored. No I/O."""
