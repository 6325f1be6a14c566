"""A mapping's deeper check: what the model alone cannot tell, all at once, each with file, line, key and remedy.

Only real mistakes are problems: what would be refused, lost or never reached once records flow. This module must not
know a platform.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.documents import Document, Problem
from bridge.mapping.field_checks import check_fields
from bridge.mapping.flow_checks import check_flow
from bridge.mapping.language import Mapping


def check(document: Document, mapping: Mapping) -> list[Problem]:
    """Everything wrong in a mapping whose form is right, in the order of lines. Empty: it may be compiled."""
    return sorted(set(_all(document, mapping)))


def _all(document: Document, mapping: Mapping) -> Iterator[Problem]:
    yield from check_fields(document, mapping)
    yield from check_flow(document, mapping)
