"""Holds bodies and frames against the exchange's own specifications (OpenAPI, AsyncAPI).

Stricter than the specification in one point: a field that it does not declare is a mistake of ours, unless
the schema says that there may be others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

SPECS = Path(__file__).resolve().parents[2] / ".." / "shared" / "kalshi"
METHODS = ("get", "post", "put", "patch", "delete")

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z"
_FORMATS: dict[str, str] = {
    "date-time": _TIME,
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
# How the exchange writes its numbers (protocol section 3), which the schemas say only in prose.
_NAMED_PATTERNS: dict[str, str] = {
    "FixedPointDollars": r"-?\d+\.\d{4}(\d{2})?",
    "FixedPointCount": r"-?\d+\.\d{2}",
}
_BITS = {"int32": 31, "int64": 63}


def _is_a(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


class Spec:
    """One of the exchange's specification files."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self._schemas = document["components"]["schemas"]

    # -- schemas --------------------------------------------------------------------------------------------
    def check(self, value: Any, name: str) -> None:
        """Raises AssertionError naming the place where ``value`` breaks schema ``name``."""
        self.check_schema(value, {"$ref": f"#/components/schemas/{name}"}, name)

    def check_schema(self, value: Any, schema: Any, at: str) -> None:
        """Raises AssertionError naming the place where ``value`` breaks ``schema``."""
        for part in schema.get("allOf", ()):
            self.check_schema(value, {**part, "nullable": schema.get("nullable")}, at)
        name = schema.get("$ref", "").rsplit("/", 1)[-1]
        schema = self.resolved(schema)
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        if value is None and (schema.get("nullable") or "null" in types):
            return
        assert not types or any(_is_a(value, one) for one in types), f"{at}: {value!r} is no {types}"
        _check_value(value, schema, _NAMED_PATTERNS.get(name), at)
        if isinstance(value, dict):
            self._check_object(value, schema, at)
        if isinstance(value, list):
            for index, item in enumerate(value):
                self.check_schema(item, schema.get("items", {}), f"{at}[{index}]")

    def resolved(self, schema: Any) -> Any:
        """A schema with what its reference says, where it is one; its own words come first."""
        if "$ref" not in schema:
            return schema
        target = self._schemas[schema["$ref"].rsplit("/", 1)[1]]
        return {**target, **{key: one for key, one in schema.items() if key != "$ref"}}

    def _check_object(self, value: Any, schema: Any, at: str) -> None:
        for name in schema.get("required", ()):
            assert name in value, f"{at}.{name} is missing"
        declared, others = schema.get("properties"), schema.get("additionalProperties")
        if declared is None and others is None:
            return
        for name, item in value.items():
            if name in (declared or {}):
                self.check_schema(item, declared[name], f"{at}.{name}")
            else:
                assert others, f"{at}.{name} is not declared"
                if isinstance(others, dict):
                    self.check_schema(item, others, f"{at}.{name}")

    # -- operations (OpenAPI) -------------------------------------------------------------------------------
    def operations(self) -> Iterator[tuple[str, str, Any]]:
        """(METHOD, path, operation) of all of them; paths are without the server's prefix."""
        for path, methods in self.document["paths"].items():
            for method in METHODS:
                if method in methods:
                    yield method.upper(), path, methods[method]

    def parameters(self, operation: Any) -> Iterator[Any]:
        """The parameters of an operation, references resolved."""
        for one in operation.get("parameters", ()):
            if "$ref" in one:
                one = self.document["components"]["parameters"][one["$ref"].rsplit("/", 1)[1]]
            yield one

    def check_answer(self, operation: Any, status: int, body: Any) -> None:
        """A success of an operation; ``body`` is the decoded JSON, None where nothing was sent."""
        at = f"{operation['operationId']} {status}"
        assert str(status) in operation["responses"], f"{at} is not documented"
        content = operation["responses"][str(status)].get("content", {})
        if not content:
            assert body is None, f"{at} has no body, not {body!r}"
            return
        self.check_schema(body, content["application/json"]["schema"], at)

    # -- frames (AsyncAPI) ----------------------------------------------------------------------------------
    def check_frame(self, frame: Any) -> None:
        """One message of the server: it must fit a schema that is declared for its ``type``."""
        fitting = self._frames().get(frame["type"])
        assert fitting, f"no message of type {frame['type']!r} is declared"
        faults = []
        for schema in fitting:
            try:
                self.check_schema(frame, schema, frame["type"])
            except AssertionError as fault:
                faults.append(str(fault))
            else:
                return
        raise AssertionError(f"{'; '.join(faults)}: {frame}")

    @cache  # noqa: B019 - a test run has two of these, and they live as long as it does
    def _frames(self) -> dict[str, list[Any]]:
        by_type: dict[str, list[Any]] = {}
        for schema in self._schemas.values():
            kind = schema.get("properties", {}).get("type", {})
            if "const" in kind:
                by_type.setdefault(kind["const"], []).append(schema)
        return by_type


def _check_value(value: Any, schema: Any, pattern: str | None, at: str) -> None:
    """What a schema demands of a value beside its type."""
    if "enum" in schema:
        assert value in schema["enum"], f"{at}: {value!r} not in {schema['enum']}"
    if "const" in schema:
        assert value == schema["const"], f"{at}: {value!r}"
    form = schema.get("format", "")
    pattern = schema.get("pattern") or pattern or _FORMATS.get(form)
    if pattern and isinstance(value, str):
        assert re.fullmatch(pattern, value), f"{at}: {value!r} is not of the form {form or pattern}"
    if isinstance(value, int | float):
        assert value >= schema.get("minimum", value), f"{at}: {value} is too low"
        assert value <= schema.get("maximum", value), f"{at}: {value} is too high"
        assert form not in _BITS or abs(value) < 1 << _BITS[form], f"{at}: {value} is no {form}"
    if isinstance(value, list):
        assert len(value) >= schema.get("minItems", 0), f"{at}: too few"
        assert len(value) <= schema.get("maxItems", len(value)), f"{at}: too many"


@cache
def spec(name: str) -> Spec:
    """``openapi`` or ``asyncapi``; the test is skipped where the file is not there."""
    path = SPECS / f"{name}.yaml"
    if not path.exists():
        pytest.skip(f"the exchange's {name}.yaml is not beside the repository (../shared/kalshi)")
    return Spec(yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
