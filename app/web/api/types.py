"""Types that several modules' bodies share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

__all__ = ["Bytes64", "CaseCode", "Digest", "FieldName", "Hex32", "Reason"]

# A SHA-256 or a fingerprint in lower-case hex.
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Digest = Hex32
# Bytes in base64url without padding, as browsers write them.
Bytes64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=16_384)]
CaseCode = Annotated[str, Field(min_length=1, max_length=16)]
FieldName = Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,64}$")]
Reason = Annotated[str, Field(min_length=1, max_length=2000, repr=False)]
