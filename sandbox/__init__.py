"""Where county staff rehearse: stand-in platforms as real servers on loopback.

This room imports nothing of huying's other rooms, so that one misreading of a contract cannot sit on both sides.
"""
