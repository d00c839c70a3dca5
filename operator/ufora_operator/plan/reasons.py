"""Every reason that a condition or an Event may give. ``docs/operator.md`` says what to do about
each of them."""

from enum import StrEnum


class Reason(StrEnum):
    """Why something is as it is, in one word for tools; the message beside it is for people."""

    # The spec.
    VALID = "Valid"
    INVALID_SPEC = "InvalidSpec"
    NAME_CONFLICT = "NameConflict"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    DELETING = "Deleting"

    # How things stand.
    READY = "Ready"
    STARTING = "Starting"
    SETTLED = "Settled"
    NO_TROUBLE = "NoTrouble"
    NOT_ASKED_YET = "NotAskedYet"
    MANAGER_NOT_READY = "ManagerNotReady"
    MANAGER_UNREACHABLE = "ManagerUnreachable"
    FACTS_TOO_OLD = "FactsTooOld"
    NO_WORKERS = "NoWorkers"

    # What is under way.
    SCALING_UP = "ScalingUp"
    SCALING_DOWN = "ScalingDown"
    REPLACING_MANAGER = "ReplacingManager"
    ROLLING_OUT = "RollingOut"
    ROLLOUT_STALLED = "RolloutStalled"
    ROTATING_TOKEN = "RotatingToken"

    # Workers that leave.
    NOT_BLOCKED = "NotBlocked"
    DRAINING = "Draining"
    DRAIN_TIMED_OUT = "DrainTimedOut"
    DRAIN_FORCED = "DrainForced"
    SCALED_DOWN = "ScaledDown"
    REPLACING_WORKER = "ReplacingWorker"

    # Suspension and idleness.
    NOT_SUSPENDED = "NotSuspended"
    SUSPENDING = "Suspending"
    SUSPENDED = "Suspended"
    IDLE_SUSPENDED = "IdleSuspended"
    JOBS_UNFINISHED = "JobsUnfinished"
    RESUMING = "Resuming"
    NOBODY_THERE = "NobodyThere"
    IN_USE = "InUse"
    IDLE_DELETED = "IdleDeleted"

    # Releases.
    SAME_RELEASE = "SameRelease"
    RELEASES_DIFFER = "ReleasesDiffer"

    # Trouble.
    IMAGE_UNAVAILABLE = "ImageUnavailable"
    CRASHING = "Crashing"
    OUT_OF_MEMORY = "OutOfMemory"
    UNSCHEDULABLE = "Unschedulable"
    CONFIG_MISSING = "ConfigMissing"
    QUOTA_EXCEEDED = "QuotaExceeded"
    FORBIDDEN = "Forbidden"
    CLAIM_PENDING = "ClaimPending"
    NOT_REGISTERED = "NotRegistered"
    POD_FAILED = "PodFailed"
    POD_NOT_READY = "PodNotReady"
    APPLY_REFUSED = "ApplyRefused"
    RECONCILE_FAILED = "ReconcileFailed"
