"""What a runner says of an attempt that can't be made, takes too long, or has to be undone."""

from django.db import transaction

from executions.engine import calling
from executions.engine.outcomes import Failure, Outcome
from executions.engine.plan import StepRecord
from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionType, UnknownAction
from workflows.definition import Action
from workflows.documents import DocumentError
from workflows.expressions import ExpressionError
from workspaces.secrets import Unreadable

UNUSABLE = (ExpressionError, DocumentError, UnknownAction, Unreadable)


class ConnectionClosed(Exception):
    """By the handler, and with it the transaction of its step; else it would look like an outage, again and again."""


def undone(error: Exception) -> Failure:
    if isinstance(error, ConnectionClosed):
        return Failure("HANDLER_ERROR", "It closed the database's connection, and with it the transaction of its step.")
    return Failure("INTEGRITY_ERROR", f"What the handler wrote breaks a rule of the database: {error}")


def performed_in_savepoint(action_type: ActionType, record: StepRecord, context: ActionContext) -> Outcome:
    with transaction.atomic():
        outcome = calling.perform(action_type, record.input, context)
        if transaction.get_connection().closed_in_transaction:
            raise ConnectionClosed
        if not isinstance(outcome, Failure) and not context.remaining():
            outcome = timed_out(context)
        if isinstance(outcome, Failure):
            transaction.set_rollback(True)
    return outcome


def unusable(action: Action, error: Exception) -> Failure:
    """Why the attempt can't even be made, in this process and with this definition."""
    if isinstance(error, UnknownAction):
        return Failure("UNKNOWN_ACTION", f"No installed app has an action {action.type!r} any more.", retryable=False)
    if isinstance(error, Unreadable):
        return Failure("SECRET_UNREADABLE", str(error), retryable=False)
    return Failure("INVALID_EXPRESSION", str(error), retryable=False)


def timed_out(context: ActionContext) -> Failure:
    return Failure("TIMEOUT", f"The attempt took longer than its timeout of {context.timeout_ms} ms.")
