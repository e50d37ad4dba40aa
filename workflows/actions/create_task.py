"""`create_task`: a Task row, in the transaction that records the step."""

from datetime import datetime

from pydantic import Field

from workflows.actions.context import ActionContext, ActionError
from workflows.actions.registry import ActionConfig, Moment, action
from workflows.documents import Json
from workspaces import services
from workspaces.models import TaskPriority, TaskStatus
from workspaces.services import NoSuchMember


class CreateTaskConfig(ActionConfig):
    title: str = Field(min_length=1, max_length=500, description="What is to be done.")
    description: str = Field("", max_length=20_000, description="The details.")
    status: TaskStatus = Field(TaskStatus.TODO, strict=False, description="How far it is.")
    priority: TaskPriority = Field(TaskPriority.MEDIUM, strict=False, description="How urgent it is.")
    assignee: int | str | None = Field(None, description="A member's user id, user name or e-mail address.")
    due_at: Moment | None = Field(None, description="When it is due: an ISO 8601 time with its offset.")


@action("create_task", config=CreateTaskConfig, transactional=True)
def create_task(config: CreateTaskConfig, context: ActionContext) -> Json:
    """Creates a task in the workspace. Exactly once: the task and its step are one transaction."""
    try:
        assignee = None
        if config.assignee is not None:
            assignee = services.member(workspace_id=context.workspace_id, reference=config.assignee)
    except NoSuchMember as error:
        raise ActionError("NO_SUCH_MEMBER", str(error), retryable=False) from error
    task = services.create_task(
        workspace_id=context.workspace_id, title=config.title, description=config.description,
        status=config.status, priority=config.priority, assignee=assignee, due_at=config.due_at,
        execution_id=context.execution_id, step_path=context.path,
    )  # fmt: skip
    return {
        "taskId": str(task.pk),
        "title": task.title,
        "status": str(task.status),
        "priority": str(task.priority),
        "assigneeId": assignee.pk if assignee else None,
        "dueAt": _text(config.due_at),
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
