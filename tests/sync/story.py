"""A call with a past, told to a platform that never heard of it. The judge is what that platform holds."""

from __future__ import annotations

from tests.sync.world import World


class Story:
    """A call that one side records, accepts and dispatches before the other side ever hears of it: one push of a
    creation and two operations. `told` is what the target must hold at the end, each once and in order."""

    def __init__(self, world: World, target: str) -> None:
        self.world, self.target = world, target
        self.origin = "grid" if target == "government" else "government"

    def happens(self, title: str) -> None:
        if self.origin == "grid":
            number = self.world.grid_call(title=title)
            for stage, dept in (("06", "DG001"), ("07", "DG004")):
                self.world.at("grid", "officials/move", {"eventId": number, "stage": stage, "operator": "王测试", "dept": dept,
                                                         "opinion": f"办理{stage}"})  # fmt: skip
        else:
            number = self.world.government_call(title=title)
            for action, dept in (("ACCEPT", "LS001"), ("DISPATCH", "LS104")):
                self.world.at("government", "clerks/act", {"callNo": number, "action": action, "operator": "王测试",
                                                           "deptCode": dept, "opinion": f"办理{action}"})  # fmt: skip
        self.world.poll(self.origin)

    def told(self, title: str) -> list[list[str]]:
        """Per copy on the target: the codes of its history."""
        if self.target == "government":
            return [[e["action"] for e in c["timeline"]] for c in self.world.government_calls() if c["title"] == title]
        return [[p["stage"] for p in e["processes"]] for e in self.world.grid_events() if e["title"] == title]

    def numbers_told(self, title: str) -> int:
        """How often the origin was told the copy's number."""
        if self.origin == "grid":
            (event,) = [e for e in self.world.grid_events() if e["title"] == title]
            return sum("编号" in p["opinion"] for p in event["processes"])
        (call,) = [c for c in self.world.government_calls() if c["title"] == title]
        return sum("编号" in (e["opinion"] or "") for e in call["timeline"])

    @property
    def right(self) -> list[str]:
        return ["CREATE", "ACCEPT", "DISPATCH"] if self.target == "government" else ["05", "06", "07"]
