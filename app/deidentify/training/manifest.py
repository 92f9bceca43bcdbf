"""The manifest of the models: hashes of the files and thresholds of the modes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

MODELS: Final = Path(__file__).parents[1] / "models"


def read(models: Path) -> dict[str, Any]:
    """The manifest, or an empty one."""
    file = models / "manifest.json"
    if not file.exists():
        return {"files": {}, "thresholds": {}}
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def save(models: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest."""
    (models / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
