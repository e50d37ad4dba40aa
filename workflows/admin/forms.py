"""What is said of a workflow beside its definition, as people fill it in."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from workflows.admin.texts import lines_ended
from workflows.models import Workflow
from workspaces.access import Verb
from workspaces.admin.reach import reach_of
from workspaces.models import Workspace

_NAME: Any = Workflow._meta.get_field("name")


class DetailsForm(forms.Form):
    """Tags are parted by commas; those of a workflow that nobody touched stay as they are, commas of theirs too."""

    name = forms.CharField(max_length=_NAME.max_length)
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    tags = forms.CharField(required=False)
    max_running = forms.IntegerField(
        required=False, min_value=1, max_value=2_147_483_647, label="Most at once",
        help_text="Executions of it that may run at once; others wait. Empty: no limit but the workspace's.",
    )  # fmt: skip

    def __init__(self, data: Any = None, *, workflow: Workflow | None = None) -> None:
        super().__init__(data, initial=_initial(workflow), auto_id="details-%s")
        self.workflow = workflow
        for field in self.fields.values():
            field.widget.attrs["class"] = "t-input"

    def clean_description(self) -> str:
        return lines_ended(self.cleaned_data["description"])

    def clean_tags(self) -> list[str]:
        text = self.cleaned_data["tags"]
        if self.workflow and text == _joined(self.workflow.tags):
            kept: list[str] = self.workflow.tags
            return kept
        return list(dict.fromkeys(tag for part in text.split(",") if (tag := part.strip())))

    def changes(self) -> dict[str, Any]:
        """What differs from the workflow, for `services.change`."""
        return {name: value for name, value in self.cleaned_data.items() if value != getattr(self.workflow, name)}

    def named(self, changes: Iterable[str]) -> str:
        return " and ".join(str(self[name].label).lower() for name in changes)

    def blame(self, error: ValidationError) -> None:
        """Puts each fault that the service found at its field."""
        for path, messages in error.message_dict.items():
            field = next((name for name in self.fields if path.startswith(name)), None)
            self.add_error(field, messages)


class NewForm(DetailsForm):
    """Where it may be put is where its maker may change it."""

    workspace = forms.ModelChoiceField(Workspace.objects.none(), empty_label=None)
    field_order = ("workspace", "name", "description", "tags", "max_running")

    def __init__(self, data: Any = None, *, request: HttpRequest) -> None:
        super().__init__(data)
        workspaces = reach_of(request).within(Workspace.objects.order_by("name"), "pk", Verb.WRITE)
        field: Any = self.fields["workspace"]
        field.queryset = workspaces


def _initial(workflow: Workflow | None) -> dict[str, Any]:
    if workflow is None:
        return {}
    return {
        "name": workflow.name,
        "description": workflow.description,
        "tags": _joined(workflow.tags),
        "max_running": workflow.max_running,
    }


def _joined(tags: list[str]) -> str:
    return ", ".join(tags)
