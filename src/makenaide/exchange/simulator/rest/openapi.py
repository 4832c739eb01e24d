"""The OpenAPI 3.1 description of everything that the face answers, made from the routes themselves."""

from collections.abc import Iterable
from typing import Final

from makenaide.exchange.simulator.rest.route import Guarded, Kind, Open, Parameter, Route

PATH: Final = "/simulator/openapi.json"

Json = dict[str, object]

_ERROR: Final[Json] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["name", "message"],
            "properties": {"name": {"type": ["string", "integer"]}, "message": {"type": "string"}},
        }
    },
}
_REFUSAL: Final[Json] = {
    "description": "Refused; the name says why.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_TOO_MANY: Final[Json] = {
    "description": "Too many calls, in plain text or as an error, by setting.",
    "content": {
        "text/plain": {"schema": {"type": "string"}},
        "application/json": {"schema": {"$ref": "#/components/schemas/Error"}},
    },
}
_BOUNDS: Final = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems")}
_OPEN_REFUSALS: Final = (400, 404, 500)
_GUARDED_REFUSALS: Final = (400, 401, 403, 404, 500, 507)


def document(routes: Iterable[Route]) -> Json:
    """The description of `routes`, in their order."""
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The simulated Upbit",
            "version": "1.6.4",
            "description": "The calls of Upbit's Open API that the simulator answers. Each signed call carries "
            "a token of its own: its nonce is used once, its query_hash is that of the parameters.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route) -> Json:
    guarded = isinstance(route, Guarded)
    operation: Json = {
        "operationId": f"{route.method} {route.path}",
        "tags": [route.group or "simulator"],
        "responses": _responses(route),
    }
    if route.method == "POST":
        if route.parameters:
            operation["requestBody"] = _body(route.parameters)
    elif route.parameters:
        operation["parameters"] = [_in_query(each) for each in route.parameters]
    if guarded:
        operation["security"] = [{"token": []}]
    return operation


def _responses(route: Route) -> Json:
    success = 200 if isinstance(route, Open) else route.success
    answered: Json = {"description": "Answered.", "content": {"application/json": {}}}
    refusals = _OPEN_REFUSALS if isinstance(route, Open) else _GUARDED_REFUSALS
    responses: Json = {str(success): answered}
    responses |= {str(status): _REFUSAL for status in refusals}
    if route.group is not None:
        responses |= {"418": _TOO_MANY, "429": _TOO_MANY}
    return responses


def _in_query(each: Parameter) -> Json:
    name = f"{each.name}[]" if each.array else each.name
    shape: Json = {"name": name, "in": "query", "required": each.required, "schema": _schema(each)}
    return shape | {"style": "form", "explode": True} if each.array else shape


def _body(parameters: tuple[Parameter, ...]) -> Json:
    required = [each.name for each in parameters if each.required]
    schema: Json = {
        "type": "object",
        "properties": {each.name: _schema(each, in_body=True) for each in parameters},
    }
    if required:
        schema["required"] = required
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _schema(each: Parameter, *, in_body: bool = False) -> Json:
    one = _one(each, in_body=in_body)
    low, high = _BOUNDS.get("array" if each.array else each.kind.value, ("minimum", "maximum"))
    whole: Json = {"type": "array", "items": one} if each.array else one
    if each.minimum is not None:
        whole[low] = each.minimum
    if each.maximum is not None:
        whole[high] = each.maximum
    return whole


def _one(each: Parameter, *, in_body: bool) -> Json:
    if each.kind is Kind.NUMBER and in_body:
        return {"type": ["string", "number"], "pattern": r"^[0-9]+(\.[0-9]+)?$"}
    if not each.choices:
        return {"type": each.kind.value}
    choices = [choice == "true" for choice in each.choices] if each.kind is Kind.BOOLEAN else [*each.choices]
    return {"type": each.kind.value, "enum": choices}
