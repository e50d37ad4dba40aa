"""The pages keep to Django's own admin: without the theme all of them are there too."""

import subprocess
import sys
from pathlib import Path

from django.contrib import admin

from config.admin import Site
from tests.config.processes import ROOT, SECONDS, environment
from workspaces.admin import theme


def test_every_page_is_there_without_the_theme(tmp_path: Path) -> None:
    plain = environment(
        DJANGO_SETTINGS_MODULE="tests.admin.plain_settings", DATABASE_URL=f"sqlite:///{tmp_path}/plain.sqlite3"
    )

    ended = subprocess.run(
        [sys.executable, "-m", "tests.admin.plain"],
        cwd=ROOT, env=plain, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("200 /admin/") > 3 * len(admin.site._registry)


def test_the_models_have_pages_in_the_theme_and_the_site_is_its_own() -> None:
    assert isinstance(admin.site, Site)
    unthemed = [each for each in admin.site._registry.values() if not isinstance(each, theme.ModelAdmin)]
    assert unthemed == []


def test_only_two_modules_name_the_theme() -> None:
    """And the settings, which install it."""
    apps = [ROOT / app for app in ("config", "executions", "workflows", "workspaces")]
    naming = {str(path.relative_to(ROOT)) for app in apps for path in app.rglob("*.py") if "unfold" in path.read_text()}

    assert naming == {"config/admin.py", "config/settings.py", "workspaces/admin/theme.py"}
