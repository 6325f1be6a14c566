"""The stand-in for 智慧岚山政务服务平台 (call exchange), written from its interface contract alone.

Contract: docs/contracts/government. This package imports nothing of huying's other rooms.
"""

from sandbox.government.platform import GovernmentPlatform

__all__ = ["GovernmentPlatform"]
