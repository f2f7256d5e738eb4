"""The JSON schema of config.yaml, for editors that complete and check while one types."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from mm.config.model import Config
from mm.config.show import for_json, plain_data


def json_schema() -> str:
    """JSON text, the same for the same models; committed as ``config.schema.json``."""
    schema = Config.model_json_schema(schema_generator=_Numbers)
    return json.dumps({"$schema": GenerateJsonSchema.schema_dialect, **schema}, indent=2) + "\n"


class _Numbers(GenerateJsonSchema):
    """Writes exact defaults as numbers; pydantic would write text."""

    def encode_default(self, dft: Any) -> Any:
        return for_json(plain_data(dft))
