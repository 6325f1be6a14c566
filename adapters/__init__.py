"""How to TALK to each platform: wires, not meanings. Adapters import `schemas` and this room's port, nothing else."""
