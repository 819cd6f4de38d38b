"""What all shapes of the API share."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, validate

LARGEST_PAGE: Final = 200


class Out(Schema):
    pass


class In(Schema):
    """Unknown names are refused: a misspelt filter or field must not pass unnoticed."""

    class Meta:
        unknown = RAISE


class Instant(fields.AwareDateTime):
    """ISO 8601 with an offset; always UTC in answers."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)


class ProblemItemSchema(Out):
    location = fields.String(data_key="in", metadata={"description": "Part of the request: json, query, path, headers"})
    pointer = fields.String(metadata={"description": "JSON Pointer (RFC 6901) to the value"})
    detail = fields.String()


class ProblemSchema(Out):
    """Problem details, RFC 9457."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    instance = fields.String()
    request_id = fields.String()
    errors = fields.List(fields.Nested(ProblemItemSchema))


class PageQuery(In):
    limit = fields.Integer(load_default=50, strict=False, validate=validate.Range(1, LARGEST_PAGE))
    cursor = fields.String(
        load_default=None, validate=validate.Length(1, 2000), metadata={"description": "`next` of the page before"}
    )


def one_of(enum: Any) -> fields.Field[Any]:
    return fields.String(validate=validate.OneOf([str(item) for item in enum]))


def any_of(inner: fields.Field[Any]) -> fields.List[Any]:
    return fields.List(inner, load_default=[], metadata={"description": "May be repeated; any of them"})


def word() -> fields.Field[Any]:
    return fields.String(validate=validate.Length(max=255))


class Scalar(fields.Raw):
    """Text, number, truth value, null, or a list of texts."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        raise ValidationError("Expected text, a number, true, false, null or a list of texts.")


SCALAR_SCHEMA: Final = {"type": ["string", "number", "boolean", "array"], "items": {"type": "string"}}
