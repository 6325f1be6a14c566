"""A rehearsal of all platforms: what officials do on their own screens, and how to judge what came of it.

The judge is always the platforms' own databases. Nothing here may know the bridge.
"""
