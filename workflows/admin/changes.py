"""What the page changes, each change with its entry in the admin's log."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from workflows import services
from workflows.admin.forms import DetailsForm, NewForm
from workflows.admin.lists import WorkflowList
from workflows.models import Workflow, WorkflowVersion


class Changes(WorkflowList):
    """Through the services; who may is for the views to ask."""

    def made(self, request: HttpRequest, form: NewForm, document: Any) -> Workflow | None:
        """None when it couldn't be made; why is in the form."""
        try:
            with transaction.atomic():
                made = services.create(**form.cleaned_data, definition=document, created_by=_user(request))
                self.log_addition(request, made, "Made with version 1.")
        except services.NameTaken as taken:
            form.add_error("name", str(taken))
        except ValidationError as error:
            form.blame(error)
        else:
            return made
        return None

    def changed(self, request: HttpRequest, workflow: Workflow, form: DetailsForm) -> bool:
        """Whether it could be; if not, why is in the form."""
        if not (changes := form.changes()):
            messages.info(request, "Nothing was changed.")
            return True
        try:
            with transaction.atomic():
                services.change(workflow=workflow, changed_by=_user(request), **changes)
                self.log_change(request, workflow, f"Changed {form.named(changes)}.")
        except services.NameTaken as taken:
            form.add_error("name", str(taken))
        except services.StatusNotAllowed as refused:
            form.add_error(None, str(refused))
        except ValidationError as error:
            form.blame(error)
        else:
            messages.success(request, f"Changed {form.named(changes)}.")
            return True
        return False

    @transaction.atomic
    def saved(self, request: HttpRequest, workflow: Workflow, began_as: int | None, document: Any) -> str | None:
        """Saves the definition, unless somebody else saved another meanwhile: then why not."""
        locked = Workflow.objects.select_for_update().get(pk=workflow.pk)
        before = WorkflowVersion.objects.select_related("created_by").defer("definition").get(pk=locked.version_id)
        if before.number != began_as:
            by = f" by {before.created_by}" if before.created_by else ""
            return (
                f"Not saved: version {before.number} was saved{by} while you wrote. Look at it first; if you save"
                " again, what you wrote takes its place as another version."
            )
        try:
            services.change(workflow=workflow, definition=document, changed_by=_user(request))
        except services.StatusNotAllowed as refused:
            return str(refused)
        after = WorkflowVersion.objects.defer("definition").get(pk=workflow.version_id)
        if after == before:
            messages.info(request, f"Nothing was changed: that is version {after.number} already.")
            return None
        is_old = after.number < before.number
        says = f"Went back to {after}." if is_old else f"Saved {after}."
        self.log_change(request, workflow, says)
        messages.success(request, f"{says} The next execution runs it.")
        return None


def _user(request: HttpRequest) -> Any:
    return request.user
