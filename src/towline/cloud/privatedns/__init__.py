"""The `privatedns` product: names that mean something only inside the VPCs that a zone is bound to."""
