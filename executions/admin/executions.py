from django.contrib import admin

from executions.admin.listing import ExecutionList
from executions.admin.page import ExecutionPage
from executions.models import Execution


@admin.register(Execution)
class ExecutionAdmin(ExecutionPage, ExecutionList):
    """Its list, and the page of each."""
