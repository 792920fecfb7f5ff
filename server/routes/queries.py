"""Query parameters: those that a route knows, each once.

Others would be left out without a word, and a misspelt `board` would mean the first one.
"""

from typing import Any

from litestar import Litestar, Request
from litestar.routes import HTTPRoute

from server.errors import RequestError


class Queries:
    """What each route of the interface knows; the page may be asked for with anything."""

    def __init__(self) -> None:
        self._known: dict[object, set[str]] = {}  # by handler

    def learn(self, app: Litestar) -> None:
        """Look at what the routes declare."""
        for route in app.routes:
            if isinstance(route, HTTPRoute) and route.path.startswith("/api/"):
                for handler in route.route_handlers:
                    model = handler.create_kwargs_model(route.path_parameters)
                    parameters = model.expected_query_params
                    self._known[handler] = {parameter.field_alias for parameter in parameters}

    async def check(self, request: Request[Any, Any, Any]) -> None:  # else it gets a thread
        """Refuse what the route does not know, and what it cannot know which of to take."""
        known = self._known.get(request.route_handler)
        if known is None:
            return
        names = [name for name, _ in request.query_params.multi_items()]
        for name in names:
            if name not in known:
                there_are = ", ".join(sorted(known)) or "none"
                raise RequestError(f"query: {name!r} is not known here; there are {there_are}")
            if names.count(name) > 1:
                raise RequestError(f"query: {name!r} is there twice; give it once")
