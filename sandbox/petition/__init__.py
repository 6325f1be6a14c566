"""A stand-in for 五莲县7900000问政投诉平台, written from docs/contracts/petition alone: its exchange database and its batch.

Must not know the bridge: nothing of adapters, mappings, bridge or schemas is read here.
"""

from sandbox.petition.platform import PetitionPlatform

__all__ = ["PetitionPlatform"]
