"""`send_notification`: a Notification row for each recipient, and mail when asked."""

from typing import Annotated

from django.contrib.auth.models import User
from pydantic import Field

from workflows.actions.context import ActionContext, ActionError
from workflows.actions.registry import ActionConfig, action
from workflows.documents import Json
from workspaces import services
from workspaces.services import NoSuchMember

MAX_RECIPIENTS = 100


class SendNotificationConfig(ActionConfig):
    recipient: int | str | Annotated[list[int | str], Field(min_length=1, max_length=MAX_RECIPIENTS)] = Field(
        description=f"A member's user id, user name or e-mail address; or a list of up to {MAX_RECIPIENTS} of them."
    )
    message: str = Field(min_length=1, max_length=20_000, description="What to tell.")
    title: str = Field("", max_length=200, description="The mail's subject; without it the message's beginning.")
    email: bool = Field(False, description="Also send it by mail, once the step is recorded.")


@action("send_notification", config=SendNotificationConfig, transactional=True)
def send_notification(config: SendNotificationConfig, context: ActionContext) -> Json:
    """Notifies members of the workspace, each of them once: the notifications and their step are one transaction."""
    references = config.recipient if isinstance(config.recipient, list) else [config.recipient]
    found = [_member(reference, context) for reference in references]
    recipients = list({recipient.pk: recipient for recipient in found}.values())
    if config.email and (without := [user.username for user in recipients if not user.email]):
        raise ActionError("NO_ADDRESS", f"No e-mail address: {', '.join(without)}; add one.", retryable=False)
    made = [
        services.notify(
            workspace_id=context.workspace_id, recipient=recipient, title=config.title, message=config.message,
            by_mail=config.email, execution_id=context.execution_id, step_path=context.path,
        )
        for recipient in recipients
    ]  # fmt: skip
    return {
        "notificationIds": [str(notification.pk) for notification in made],
        "recipientIds": [recipient.pk for recipient in recipients],
        "email": config.email,
    }


def _member(reference: int | str, context: ActionContext) -> User:
    try:
        return services.member(workspace_id=context.workspace_id, reference=reference)
    except NoSuchMember as error:
        raise ActionError("NO_SUCH_MEMBER", str(error), retryable=False) from error
