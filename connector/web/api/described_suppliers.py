"""What passes between us and suppliers, in the API's description: webhooks we send, and the door for theirs."""

from __future__ import annotations

from typing import Any, Final

from connector.schemas import suppliers as schemas

PATH: Final = "/api/v1/webhooks/suppliers/{supplier}"
_PROBLEM: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_ERRORS: Final = {
    400: "The body is not JSON, or not strict JSON; `detail` tells line and column",
    401: "Signature or timestamp do not fit, or there is no such supplier",
    404: "No handoff of this supplier has this id",
    409: "The handoff cannot make this move now, or the message id was used for other content",
    411: "No Content-Length",
    413: "The body is too large",
    415: "The body is not application/json, or is compressed",
    422: "Members or a status that are not understood; `errors` has a pointer for each",
    429: "Too many messages; see Retry-After",
    503: "The store cannot answer now; see Retry-After",
}


def describe(spec: dict[str, Any]) -> None:
    """Adds to an OpenAPI 3.1 description, in place."""
    parts = spec["components"]["schemas"]
    parts["SupplierMessage"] = _part(schemas.message())
    parts["SupplierAnswer"] = _part(schemas.answer())
    spec.setdefault("webhooks", {}).update(schemas.webhooks())
    spec["paths"][PATH] = {"post": _inbound()}
    spec["tags"].append({"name": "suppliers", "description": "Signed messages, both ways (docs/suppliers.md)"})


def _part(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "$schema"}


def _inbound() -> dict[str, Any]:
    taken = {"type": "object", "required": ["message", "type", "handoff_id", "known"], "properties": {
        "message": {"type": "string"}, "type": {"type": "string"}, "handoff_id": {"type": "string"},
        "known": {"type": "boolean", "description": "Whether we know the type; others are only recorded."}}}
    answers: dict[str, Any] = {"202": {
        "description": "Taken, durably; a repeat gets the same answer",
        "content": {"application/json": {"schema": taken}}}}
    for status, text in _ERRORS.items():
        answers[str(status)] = {"description": text, "content": _PROBLEM}
    return {
        "summary": "Message of a supplier about a handoff",
        "description": "Signed after Standard Webhooks: the signature decides before anything is read. The same "
                       "message id with the same body counts once.",
        "tags": ["suppliers"], "security": [],
        "parameters": [{"in": "path", "name": "supplier", "required": True, "schema": {"type": "string"}},
                       *schemas.headers()],
        "requestBody": {"required": True, "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/SupplierAnswer"}}}},
        "responses": answers,
    }
