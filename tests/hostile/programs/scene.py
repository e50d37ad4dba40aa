"""Prepares the database of a server: a workspace with its owner, and prints the token that he speaks by."""

import django

if __name__ == "__main__":
    django.setup()

from django.contrib.auth.models import User
from django.core.management import call_command

from tests.factories import MembershipFactory, WorkspaceFactory
from workspaces import tokens
from workspaces.models import Role, Scope

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    owner = User.objects.create_superuser("ada")
    MembershipFactory.create(workspace=WorkspaceFactory.create(slug="sales"), user=owner, role=Role.OWNER)
    print(tokens.issue(user=owner, name="test", scopes=Scope.values)[1])
