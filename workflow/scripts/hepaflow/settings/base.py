"""What every group of settings has in common."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class SettingsModel(BaseModel):
    """Immutable settings that refuse unknown keys, infinities and values of another type."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    def canonical(self) -> str:
        """Return the settings as JSON with sorted keys: equal settings give equal text."""
        return json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))

    def as_json(self) -> dict[str, Any]:
        """Return the settings as JSON has them, complete but for nulls.

        Null is what was before a key came in: so a new key, which is null by default, changes no settings' text.
        """
        return self.model_dump(mode="json", exclude_none=True)
