"""Every platform of the sandbox, each in the form that the rehearsal knows. A new one is added here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.forms import city, enforcement, government, grid, open311, petition
from sandbox.forms.form import Form

FORMS: Mapping[str, Form] = {
    one.FORM.slug: one.FORM for one in (grid, government, petition, city, enforcement, open311)
}
