from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.migrations.operations import AddIndex

import executions.states


class AddIndexOnline(AddIndexConcurrently):
    """On PostgreSQL without a lock that writers would wait for; SQLite knows no other way than its own."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        kind = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else AddIndex
        kind.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        kind = AddIndexConcurrently if schema_editor.connection.vendor == "postgresql" else AddIndex
        kind.database_backwards(self, app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("executions", "0006_executions_list"),
        ("workflows", "0004_limits"),
        ("workspaces", "0003_limits"),
    ]
    operations = [
        migrations.AlterField(
            model_name="execution",
            name="waiting_for",
            field=models.CharField(
                choices=[(reason, reason) for reason in executions.states.WaitingFor], max_length=5, null=True
            ),
        ),
        *[
            AddIndexOnline(
                model_name="execution",
                index=models.Index(
                    condition=models.Q(wake_at__isnull=False), fields=[field, "wake_at"], name=f"execution_due_{name}"
                ),
            )
            for field, name in (("workspace", "in"), ("workflow", "of"))
        ],
    ]
