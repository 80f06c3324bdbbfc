"""`python -m towline`: how `up` starts a role, with the interpreter that runs itself."""

from __future__ import annotations

from towline.main import main

main()
