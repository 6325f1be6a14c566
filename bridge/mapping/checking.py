"""A mapping's deeper check: what the model alone cannot tell."""

from __future__ import annotations

from bridge.documents import Document, Problem
from bridge.mapping.language import Mapping


def check(document: Document, mapping: Mapping) -> list[Problem]:
    """Everything wrong in a mapping whose form is right."""
    return []
