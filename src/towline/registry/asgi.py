"""The names of ASGI, the interface between a server and the registry.

https://asgi.readthedocs.io . The data plane is written against it directly: a framework's routing,
request and response objects cost as much as all the rest of answering with a manifest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
