from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("executions", "0008_retention")]

    operations = [
        migrations.AddField("execution", "resumed_from", models.UUIDField(null=True)),
        migrations.AddField("execution", "first", models.UUIDField(null=True)),
        migrations.AddConstraint(
            "execution",
            models.UniqueConstraint(
                fields=["resumed_from"],
                name="execution_resumed_once",
                condition=models.Q(resumed_from__isnull=False),
            ),
        ),
    ]
