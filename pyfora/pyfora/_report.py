"""What a job did, for people: how long it took, and which executors worked for it."""

from dataclasses import dataclass

from ufora_core.protocol.parts import ExecutorUse


@dataclass(frozen=True, slots=True)
class Report:
    """The account of one job that has ended."""

    #: Where the block stands, or what was called.
    title: str
    #: From the job's arrival in the cluster to its end.
    seconds: float
    #: One entry for each executor that ran part of it.
    executors: tuple[ExecutorUse, ...]

    @property
    def cores(self) -> int:
        """Number of executors that ran user code."""
        return sum(each.busy_seconds > 0 for each in self.executors)

    @property
    def busy_seconds(self) -> float:
        """Seconds of running user code, of all executors together."""
        return sum(each.busy_seconds for each in self.executors)

    def __str__(self) -> str:
        cores = f"{self.cores} core{'' if self.cores == 1 else 's'}"
        lines = [f"{self.title}: {self.seconds:.3f} s on {cores}, {self.busy_seconds:.3f} s busy"]
        for each in self.executors:
            lines.append(
                f"  {each.worker} executor {each.executor}: {each.busy_seconds:.3f} s, "
                f"{each.items:,} items in {each.ranges:,} ranges"
            )
        return "\n".join(lines)
