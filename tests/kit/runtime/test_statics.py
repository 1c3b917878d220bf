import shutil

import pytest

from kit.runtime import statics

FINDER = "django.contrib.staticfiles.finders.FileSystemFinder"


@pytest.fixture
def place(settings, tmp_path):
    """Where there is one file to collect."""
    settings.FOREMAN_VAR, settings.STATIC_ROOT = tmp_path, tmp_path / "static"
    settings.STATICFILES_DIRS, settings.STATICFILES_FINDERS = [tmp_path / "ours"], [FINDER]
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "page.js").write_text("first")
    return tmp_path


@pytest.fixture
def collected(place):
    statics.collect()
    return place / "static" / "page.js"


def test_what_has_changed_is_collected_and_what_has_not_is_left_alone(place, collected):
    assert collected.read_text() == "first"
    collected.write_text("as it was left")
    statics.collect()
    assert collected.read_text() == "as it was left"
    (place / "ours" / "page.js").write_text("other")
    statics.collect()
    assert collected.read_text() == "other"


@pytest.mark.parametrize("name", ["static", "static.collected"])
def test_what_is_gone_is_collected_again(place, collected, name):
    gone = place / name
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    collected.unlink(missing_ok=True)
    statics.collect()
    assert collected.read_text() == "first"


def test_what_was_collected_by_half_is_collected_again(place, collected, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    (place / "ours" / "page.js").write_text("other")
    with monkeypatch.context() as killed:
        killed.setattr(statics, "call_command", interrupted)
        with pytest.raises(KeyboardInterrupt):
            statics.collect()
    (place / "ours" / "page.js").write_text("first")
    collected.unlink()
    statics.collect()
    assert collected.read_text() == "first"
