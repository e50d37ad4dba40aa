"""What runs and what happened: an execution, and a row for each of its steps, which is also its event log."""

from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q
from django.db.models.lookups import Exact
from django.utils import timezone

from executions.states import FINAL, UNFINISHED, ExecutionStatus, StepStatus, WaitingFor
from workflows.fields import DocumentField
from workflows.models import Workflow, WorkflowVersion
from workspaces.fields import UUID7Key
from workspaces.models import Workspace

HELD_SINCE = datetime(5000, 1, 1, tzinfo=UTC)
"""`wake_at` of what a limit holds is behind this."""

UNSUCCESSFUL = (ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT, ExecutionStatus.CANCELLED)


class Apart(models.Func):
    """A column as it is, in an index of its own queries.

    By an index of all executions by time PostgreSQL would look for those of one workflow too, if that has had many: it
    doesn't know that they may be old. So it is one of `GREATEST(column, column)`, and who wants it writes that.
    """

    arity = 1
    template = "%(expressions)s"

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="GREATEST(%(expressions)s, %(expressions)s)")


class _Condition(models.Lookup):
    """That of a partial index, word for word: SQLite takes no parameter for what the index has in writing."""

    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left}{self.rhs[connection.vendor]}", parameters


class _RarelyExact(Exact):
    """Tells SQLite that few rows pass, so that without statistics too it takes the index that has this column.

    PostgreSQL needs no condition beside it: it sees for itself that the index has all of these.
    """

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        column, _ = self.process_lhs(compiler, connection)
        sql, parameters = self.as_sql(compiler, connection)
        return f"{column}{_IN} AND unlikely({sql})", parameters


_IN = " IN ({})".format(", ".join(f"'{status}'" for status in UNSUCCESSFUL))
_IS_UNSUCCESSFUL = _Condition(F("status"), {"sqlite": _IN, "postgresql": _IN})
_IS_SIMULATION = _Condition(F("is_simulation"), {"sqlite": " = 1", "postgresql": ""})


class ExecutionQuerySet(models.QuerySet["Execution"]):
    def due(self, now: datetime) -> Self:
        """What needs somebody at `now`: new work, timers, retries, and what a dead process left behind."""
        return self.filter(wake_at__lte=now).order_by("wake_at")

    def held(self) -> Self:
        """What a limit holds: PENDING, and due only once it is admitted."""
        return self.filter(wake_at__gte=HELD_SINCE)

    def admitted(self) -> Self:
        """All others that haven't ended."""
        return self.filter(wake_at__lt=HELD_SINCE)

    def unfinished(self) -> Self:
        return self.filter(wake_at__isnull=False)

    def in_time(self, *, among_all: bool = False) -> Self:
        """With `moment`, their creation, as an index has it: those of a workflow and a workspace, or that of all."""
        return self.alias(moment=Apart("created_at") if among_all else F("created_at"))

    def unsuccessful(self, status: str, workspace_id: UUID | None = None) -> Self:
        """Those of one of the UNSUCCESSFUL statuses, of all or of a workspace, by the index that has nothing else."""
        if workspace_id is None:
            return self.filter(_IS_UNSUCCESSFUL, Exact(Apart("status"), status))
        return self.filter(_RarelyExact(F("status"), status), workspace=workspace_id)

    def simulations(self) -> Self:
        return self.filter(_IS_SIMULATION)

    def with_context(self) -> Self:
        """With all that its representation reads, but for the version's definition, which may be large."""
        return self.select_related("version", "workflow").defer("version__definition").prefetch_related("steps")

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")


class Execution(models.Model):
    """A run of one version of a workflow. Written by `executions.engine.journal` alone.

    `wake_at`: when it next needs somebody; NULL if and only if it has ended. `epoch`: the fencing number, one more
    with every claim and with every cancel. `position`: the latest in its order of events. `claims`: how often it was
    claimed since an attempt last ended. `idempotency_key` is what its starter sent along, once per workflow, and
    `request_digest` the SHA-256 of what it was to start with. `resumed_from` is the execution that this one goes on
    with, `first` the one at the head of all these, by which its steps' idempotency keys go; both may have been deleted.
    """

    id = UUID7Key()
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="executions", db_index=False)
    workflow = models.ForeignKey(Workflow, models.CASCADE, related_name="executions", db_index=False)
    version = models.ForeignKey(WorkflowVersion, models.PROTECT, related_name="executions", db_index=False)
    status = models.CharField(
        max_length=9, choices=[(status, status.capitalize()) for status in ExecutionStatus], default="PENDING"
    )
    trigger_type = models.CharField(max_length=64, default="manual")
    triggered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="executions", db_index=False
    )
    trigger_data = DocumentField(null=True)
    variables = DocumentField(default=dict)
    error = DocumentField(null=True)
    is_simulation = models.BooleanField(default=False)
    timeout_ms = models.BigIntegerField(null=True)
    idempotency_key = models.CharField(max_length=255, null=True)  # noqa: DJ001 (NULL: none, and unique otherwise)
    request_digest = models.CharField(max_length=64, null=True)  # noqa: DJ001 (NULL along with the key)
    resumed_from = models.UUIDField(null=True)
    first = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    wake_at = models.DateTimeField(null=True)
    waiting_for = models.CharField(max_length=5, null=True, choices=[(reason, reason) for reason in WaitingFor])  # noqa: DJ001 (NULL: it waits for nothing)
    epoch = models.BigIntegerField(default=0)
    claims = models.PositiveIntegerField(default=0)
    position = models.BigIntegerField(default=0)
    total_steps = models.PositiveIntegerField(default=0)
    successful_steps = models.PositiveIntegerField(default=0)
    failed_steps = models.PositiveIntegerField(default=0)
    skipped_steps = models.PositiveIntegerField(default=0)

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        # Beyond what the role in the workspace allows; nobody adds, changes or deletes one by hand.
        default_permissions = ()
        permissions: ClassVar = [("cancel_execution", "Can cancel executions that he may see")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="execution_due_until_it_ends",
                condition=Q(status__in=UNFINISHED, wake_at__isnull=False, completed_at=None)
                | Q(status__in=FINAL, wake_at=None, completed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="execution_steps_within_total",
                condition=Q(total_steps__gte=F("successful_steps") + F("failed_steps") + F("skipped_steps")),
            ),
            models.UniqueConstraint(
                fields=["workflow", "idempotency_key"],
                name="execution_once_per_idempotency_key",
                condition=Q(idempotency_key__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["resumed_from"],
                name="execution_resumed_once",
                condition=Q(resumed_from__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["wake_at"], name="execution_due", condition=Q(wake_at__isnull=False)),
            models.Index(fields=["workspace", "wake_at"], name="execution_due_in", condition=Q(wake_at__isnull=False)),
            models.Index(fields=["workflow", "wake_at"], name="execution_due_of", condition=Q(wake_at__isnull=False)),
            models.Index(fields=["workflow", "created_at"], name="execution_of_workflow"),
            models.Index(fields=["workflow", "status", "created_at"], name="execution_by_status"),
            models.Index(fields=["workflow", "status", "started_at"], name="execution_by_status_start"),
            models.Index(fields=["workflow", "trigger_type", "created_at"], name="execution_by_trigger"),
            models.Index(fields=["workflow", "started_at"], name="execution_by_start"),
            models.Index(fields=["workspace", "created_at"], name="execution_of_workspace"),
            models.Index(fields=["workspace", "completed_at", "created_at"], name="execution_by_end"),
            models.Index(Apart("created_at"), name="execution_by_creation"),
            models.Index(
                Apart("status"),
                Apart("created_at"),
                name="execution_unsuccessful",
                condition=Q(status__in=UNSUCCESSFUL),
            ),
            models.Index(
                fields=["workspace", "status", "created_at"],
                name="execution_unsuccessful_in",
                condition=Q(status__in=UNSUCCESSFUL),
            ),
            models.Index(Apart("created_at"), name="execution_simulated", condition=Q(is_simulation=True)),
        ]

    def __str__(self) -> str:
        return f"execution {self.id}"

    @property
    def has_ended(self) -> bool:
        return ExecutionStatus(self.status).is_final

    @property
    def duration_ms(self) -> int | None:
        """From its first claim to its end, None while one is still to come; 0 at least, whoever sets the clock."""
        if self.started_at is None or self.completed_at is None:
            return None
        return max(0, round((self.completed_at - self.started_at).total_seconds() * 1000))


class Step(models.Model):
    """What happened at one place (`path`) of the definition. `position` is that of its latest change.

    `attempts` holds what went wrong before the latest attempt, oldest first. `wait_until` is set while a running step
    waits for a timer or for its next attempt. `flow` is what a condition decided about the steps behind it.
    """

    id = UUID7Key()
    execution = models.ForeignKey(Execution, models.CASCADE, related_name="steps", db_index=False)
    path = models.CharField(max_length=200)
    action_id = models.CharField(max_length=100)
    action_type = models.CharField(max_length=100)
    name = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=9, choices=[(status, status) for status in StepStatus])
    attempt = models.PositiveIntegerField(default=1)
    attempts = DocumentField(null=True)
    input = DocumentField(null=True)
    output = DocumentField(null=True)
    error = DocumentField(null=True)
    log = DocumentField(null=True)
    flow = models.CharField(max_length=9, default="continue")
    position = models.BigIntegerField()
    wait_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    attempt_started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "path"], name="step_once_per_path"),
            models.CheckConstraint(name="step_status_known", condition=Q(status__in=list(StepStatus))),
            models.CheckConstraint(
                name="step_waits_only_while_running", condition=Q(status="running") | Q(wait_until=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} {self.action_id}"

    @property
    def duration_ms(self) -> int | None:
        if self.started_at is None or self.completed_at is None:
            return None
        return max(0, round((self.completed_at - self.started_at).total_seconds() * 1000))


class Pruned(models.Model):
    """How many of a workflow's executions retention has deleted, as the workflow's counters would count them.

    Those go on counting all there ever were. Written by `executions.retention` in the transaction that deletes.
    """

    workflow = models.OneToOneField(Workflow, models.CASCADE, primary_key=True, related_name="pruned")
    execution_count = models.BigIntegerField(default=0)
    success_count = models.BigIntegerField(default=0)
    failure_count = models.BigIntegerField(default=0)
    timeout_count = models.BigIntegerField(default=0)
    cancelled_count = models.BigIntegerField(default=0)
    simulation_count = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"pruned of {self.workflow_id}"


class Chore(models.Model):
    """What one process of all does now and then. Due when `due_at <= now`; its lease and its fence are an execution's.

    `begun_at` and `ended_at` are of its latest run, `ended_at` being NULL while that goes on or was cut off.
    """

    name = models.CharField(max_length=50, primary_key=True)
    due_at = models.DateTimeField()
    epoch = models.BigIntegerField(default=0)
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
