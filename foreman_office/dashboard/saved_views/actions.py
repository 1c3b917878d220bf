"""What people do with their views: save, change and delete them."""

from typing import Any

from governance.models import ListColumns, SavedView
from kit.core.acts import act
from kit.runtime.database.members import as_office


def save_view(
    *, place: str, name: str, query: str, is_shared: bool = False, is_default: bool = False, by: Any
) -> SavedView:
    """Save a list under a name; a view of the same name gets the new filters."""
    with act(by):
        if is_default:
            _no_default(place, by)
        view, _ = SavedView.objects.update_or_create(
            {"query": query, "is_shared": is_shared, "is_default": is_default},
            user=by,
            place=place,
            name=name,
        )
    return view


def change_view(
    view: SavedView, *, name: str, is_shared: bool, is_default: bool, by: Any
) -> SavedView:
    """Rename a view, share it or not, and open its list with it or not."""
    with act(by):
        if is_default and not view.is_default:
            _no_default(view.place, by)
        view.name, view.is_shared, view.is_default = name, is_shared, is_default
        view.save(update_fields=["name", "is_shared", "is_default"])
    return view


def _no_default(place: str, by: Any) -> None:
    SavedView.objects.filter(user=by, place=place, is_default=True).update(is_default=False)


def delete_view(view: SavedView, *, by: Any) -> SavedView:
    """Delete a view. The list itself stays as it is."""
    with act(by):
        SavedView.objects.filter(pk=view.pk).delete()
    return view


def choose_columns(*, place: str, without: str, by: Any) -> None:
    """Keep which columns a person leaves out of a list; none puts it back as it was."""
    with as_office(), act(by):
        if without:
            ListColumns.objects.update_or_create({"without": without}, user=by, place=place)
        else:
            ListColumns.objects.filter(user=by, place=place).delete()
