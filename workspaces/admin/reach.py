"""What a staff member sees and does in the admin: what his role in each workspace allows. A superuser: everything."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import ForeignKey, Model, QuerySet
from django.http import HttpRequest

from workspaces.access import MAY, Caller, Verb, workspaces_of
from workspaces.admin.wary import Wary
from workspaces.models import Role, Workspace

_KEPT = "_trilith_reach"


@dataclass(frozen=True, slots=True)
class Reach:
    """The role in each workspace, or None for all of them, with every right."""

    roles: dict[UUID, Role] | None

    def may(self, verb: Verb, workspace_id: UUID | None = None) -> bool:
        """In that workspace, or without one in any."""
        if self.roles is None:
            return True
        roles = self.roles.values() if workspace_id is None else [self.roles.get(workspace_id)]
        return any(role is not None and verb in MAY[role] for role in roles)

    def where(self, verb: Verb) -> Collection[UUID] | None:
        """The workspaces in which it may be done; None for all there are."""
        if self.roles is None:
            return None
        return [workspace_id for workspace_id, role in self.roles.items() if verb in MAY[role]]

    def within[M: Model](self, rows: QuerySet[M], lookup: str, verb: Verb = Verb.READ) -> QuerySet[M]:
        """Those whose workspace, which `lookup` leads to, is one of them."""
        allowed = self.where(verb)
        return rows if allowed is None else rows.filter(**{f"{lookup}__in": allowed})


def reach_of(request: HttpRequest) -> Reach:
    """That of who asks; read once a request."""
    reach: Reach | None = getattr(request, _KEPT, None)
    if reach is None:
        reach = _read(request.user)
        setattr(request, _KEPT, reach)
    return reach


def _read(user: Any) -> Reach:
    if not (isinstance(user, User) or hasattr(user, "is_staff")) or not (user.is_active and user.is_staff):
        return Reach({})
    if user.is_superuser:
        return Reach(None)
    roles = workspaces_of(Caller(user)).values_list("pk", "role")
    return Reach({workspace_id: Role(role) for workspace_id, role in roles})


class ByRole(Wary):
    """For models of a workspace: which rows there are, and what may be done with them, is for the roles to say.

    `workspace_lookup` leads from the model to its workspace; a verb that is None is for nobody.
    """

    workspace_lookup: ClassVar[str] = "workspace"
    view_verb: ClassVar[Verb] = Verb.READ
    add_verb: ClassVar[Verb | None] = None
    change_verb: ClassVar[Verb | None] = None
    delete_verb: ClassVar[Verb | None] = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return reach_of(request).within(super().get_queryset(request), self.workspace_lookup, self.view_verb)

    def addressed(self, rows: QuerySet[Any], object_id: str) -> Any:
        """That of the rows which the address of a page names, or None."""
        try:
            return rows.filter(pk=UUID(object_id)).first()
        except ValueError:
            return None

    def workspace_id_of(self, obj: Any) -> UUID:
        *path, last = self.workspace_lookup.split("__")
        for name in path:
            obj = getattr(obj, name)
        found: UUID = obj.pk if last == "pk" else getattr(obj, f"{last}_id")
        return found

    def may(self, request: HttpRequest, verb: Verb | None, obj: Any = None) -> bool:
        """With this object, or without one with any."""
        return verb is not None and reach_of(request).may(verb, None if obj is None else self.workspace_id_of(obj))

    def may_by(self, request: HttpRequest, verb: Verb, permission: str, obj: Any = None) -> bool:
        """As `may`, or by this permission of Django's to do it wherever he may look."""
        return self.may(request, verb, obj) or (
            self.may(request, self.view_verb, obj) and request.user.has_perm(permission)
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.view_verb, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.add_verb)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.change_verb, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.delete_verb, obj)

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Where a row may be put is where its maker may make and change it."""
        if db_field.remote_field.model is Workspace:
            verb = self.change_verb or self.add_verb or self.view_verb
            kwargs.setdefault("queryset", reach_of(request).within(Workspace.objects.all(), "pk", verb))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
