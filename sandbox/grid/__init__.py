"""A stand-in for the 东港区 grid platform, written from docs/contracts/grid alone, for rehearsals and tests.

Must not know the bridge: nothing of adapters, mappings, bridge or schemas is read here.
"""

from sandbox.grid.platform import GridPlatform

__all__ = ["GridPlatform"]
