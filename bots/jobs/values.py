"""How the engine writes values: as JSON, and an error as its name and code alone."""

import json
from typing import Any, Final

from dbos import Serializer

_ERROR: Final = "error!"


class JsonValues(Serializer):
    """Arguments, results and errors of workflows. Whoever reads them runs no code."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            return json.dumps({_ERROR: type(data).__name__, "code": str(data)[:80]})
        return json.dumps(data)

    def deserialize(self, serialized_data: str) -> Any:
        value = json.loads(serialized_data)
        if isinstance(value, dict) and _ERROR in value:
            return RuntimeError(f"{value[_ERROR]}: {value.get('code', '')}")
        return value

    def name(self) -> str:
        return "kankei_json"
