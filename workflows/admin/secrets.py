"""The page of a secret, as far as workflows go: which of them name it, and so would miss it."""

from typing import Any, ClassVar, override

from django.contrib import admin
from django.db.models import ExpressionWrapper, F, TextField
from django.http import HttpRequest
from django.utils.html import format_html_join

from workflows.admin.workflows import page_of
from workflows.models import Workflow, WorkflowStatus
from workflows.services import definition_of
from workspaces.admin.secrets import SecretAdmin
from workspaces.models import Secret

admin.site.unregister(Secret)


@admin.register(Secret)
class NamedSecretAdmin(SecretAdmin):
    class Media:
        css: ClassVar = {"all": ["trilith/people.css"]}

    def get_fields(self, request: HttpRequest, obj: Secret | None = None) -> tuple[str, ...]:
        return (*super().get_fields(request, obj), *(("named_by",) if obj else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: Secret | None = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, obj), *(("named_by",) if obj else ()))

    @admin.display(description="named by")
    def named_by(self, secret: Secret) -> str:
        links = ((page_of(workflow), workflow.name) for workflow in _naming(secret))
        return format_html_join(", ", '<a class="t-link" href="{}">{}</a>', links) or "no workflow"

    @override
    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Says beside what is removed who would miss it."""
        removed, *more = super().get_deleted_objects(objs, request)
        told = "{} is named by the workflow {}, which stays and will miss it"
        return [*removed, *(told.format(secret.name, each) for secret in objs for each in _naming(secret))], *more


def _naming(secret: Secret) -> list[Workflow]:
    """The workflows of its workspace whose current version names it, by their names; archived ones run no more."""
    text = ExpressionWrapper(F("version__definition"), output_field=TextField())
    found = Workflow.objects.filter(workspace=secret.workspace_id).exclude(status=WorkflowStatus.ARCHIVED)
    likely = found.alias(text=text).filter(text__contains=secret.name).order_by("name")
    return [each for each in likely if each.version_id and secret.name in definition_of(each.version_id).secret_names]
