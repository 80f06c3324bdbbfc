"""Every action there is, by product and version. What is not here answers `InvalidAction`."""

from __future__ import annotations

from towline.cloud.cam import access_key
from towline.cloud.gateway import Catalogue
from towline.cloud.own import audit, door, pull_plane, pull_token, trace
from towline.cloud.privatedns import product as privatedns
from towline.cloud.sts import session
from towline.cloud.tcr import product as tcr
from towline.cloud.tke import product as tke
from towline.cloud.vpc import product as vpc

CATALOGUE: Catalogue = {
    ("tcr", "2019-09-24"): tcr.ACTIONS,
    ("tke", "2018-05-25"): tke.ACTIONS,
    ("vpc", "2017-03-12"): vpc.ACTIONS,
    ("privatedns", "2020-10-28"): privatedns.ACTIONS,
    ("cam", "2019-01-16"): access_key.ACTIONS,
    ("sts", "2018-08-13"): session.ACTIONS,
    ("towline", "2026-08-01"): {
        **door.ACTIONS,
        **audit.ACTIONS,
        **trace.ACTIONS,
        **pull_token.ACTIONS,
        **pull_plane.ACTIONS,
    },
}
