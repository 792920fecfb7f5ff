"""The OpenAPI document, taken at its word: what it allows never ends in a 500."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server.settings import Settings
from tests.server.serving import Running, serve_in_thread

ENDLESS = ("/api/events", "/api/log/stream")
CHECKS = "status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture(scope="module")
def document(idle_server: Running) -> dict[str, Any]:
    found: dict[str, Any] = idle_server.client.get("/schema").json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_route_documents_its_errors_as_problems_with_an_example(
    document: dict[str, Any],
) -> None:
    for method, path, operation in operations(document):
        errors = {int(s): r for s, r in operation["responses"].items() if int(s) >= 400}
        assert {400, 401, 403, 421, 500} <= errors.keys(), (method, path)
        if method in {"post", "delete"}:
            assert {408, 413, 415} <= errors.keys(), (method, path)
        for status, response in errors.items():
            (content,) = response["content"].items()
            assert content[0] == "application/problem+json"
            for example in content[1]["examples"].values():
                assert example["value"]["status"] == status
                assert example["value"]["type"].startswith("/errors/")


def test_every_route_says_what_it_is_for(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert operation["description"], (method, path)
    source = document["components"]["schemas"]["Inject"]["properties"]["source"]
    assert "FPB_INJECT" in source["examples"][0]


def test_every_body_has_examples_that_the_server_understands(
    idle_server: Running, document: dict[str, Any]
) -> None:
    seen = 0
    for method, path, operation in operations(document):
        if method == "post" and path != "/api/connect" and "batch" not in path:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            assert schema["examples"], path
            for example in schema["examples"]:
                if example.get("kind") != "batch":  # it would begin: it brings its boards
                    status = idle_server.client.post(path, json=example).status_code
                    assert status in {200, 409}, (path, example)  # no board is connected
                    seen += 1
    assert seen > 10


def test_document_is_served_as_a_page_too_without_a_script(
    idle_server: Running, document: dict[str, Any]
) -> None:
    answer = idle_server.client.get("/schema/page")
    assert answer.headers["content-type"].startswith("text/html")
    for method, path, _ in operations(document):
        assert f"<h2>{method.upper()} {path}</h2>" in answer.text
    assert "FPB_INJECT" in answer.text
    assert "/errors/board-busy" in answer.text
    assert "<script" not in answer.text


def test_every_parameter_is_described(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (method, path, parameter["name"])


@pytest.mark.slow
def test_nothing_that_the_document_allows_is_a_500_or_undocumented(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with serve_in_thread(Settings()) as running:
        excluded = [option for path in ENDLESS for option in ("--exclude-path", path)]
        options = [
            "--checks",
            CHECKS,
            "--max-examples",
            "10",
            "--phases",
            "examples,fuzzing",
            *excluded,
        ]
        program = str(Path(sys.executable).with_name("schemathesis"))
        done = subprocess.run(
            [program, "run", f"{running.url}/schema", *options],
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
            cwd=tmp_path,
        )
    assert done.returncode == 0, done.stdout
    # Each unexpected exception is logged as an error, and nothing else is.
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
