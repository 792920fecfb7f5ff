"""The OpenAPI document as a page to read: no script, and nothing from elsewhere."""

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

Node = dict[str, Any]


class SchemaPage(OpenAPIRenderPlugin):
    """Renders the document; Litestar's own pages load their scripts from other hosts."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Node) -> bytes:
        del request
        title = escape(f"{openapi_schema['info']['title']} {openapi_schema['info']['version']}")
        sections = "".join(
            _section(method, path, operation)
            for path, methods in openapi_schema["paths"].items()
            for method, operation in methods.items()
        )
        return (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
            f'<h1>{title}</h1><p><a href="openapi.json">OpenAPI document</a></p>{sections}</html>'
        ).encode()


def _section(method: str, path: str, operation: Node) -> str:
    body: Node = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    parameters = "".join(
        f"<li><code>{escape(one['name'])}</code> ({escape(one['in'])}):"
        f" {escape(one.get('description', ''))}</li>"
        for one in operation.get("parameters", [])
    )
    examples = "".join(_pre(value) for value in body.get("schema", {}).get("examples", []))
    answers = "".join(_answers(operation["responses"]))
    return (
        f"<h2>{method.upper()} {escape(path)}</h2><p>{escape(operation.get('description', ''))}</p>"
        f"<ul>{parameters}</ul>{examples}<dl>{answers}</dl>"
    )


def _answers(responses: Node) -> Iterator[str]:
    for status, response in sorted(responses.items()):
        yield f"<dt>{escape(status)}</dt><dd>{escape(response.get('description', ''))}"
        contents: Node = response.get("content") or {}
        for content in contents.values():
            examples: Node = content.get("examples") or {}
            yield from (_pre(example["value"]) for example in examples.values())
        yield "</dd>"


def _pre(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2))}</pre>"
