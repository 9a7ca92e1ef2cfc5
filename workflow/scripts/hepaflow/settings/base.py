"""What every group of settings has in common."""

import json

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
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
