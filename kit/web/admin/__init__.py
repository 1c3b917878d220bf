"""The base of the admin's pages, which correct records with evidence."""

from kit.web.admin.autocomplete_filter import AutocompleteFilter, SearchedFilters
from kit.web.admin.bulk_acts import ask_about, is_chosen_across_pages, log_bulk, resolve_rows
from kit.web.admin.corrections import correct
from kit.web.admin.forms import GovernedForm
from kit.web.admin.governed import GovernedAdmin, GovernedInline, reason_to_delete
from kit.web.admin.long_tables import BoundedPaginator, LongTable, ReadOnlyAdmin

__all__ = [
    "AutocompleteFilter",
    "BoundedPaginator",
    "GovernedAdmin",
    "GovernedForm",
    "GovernedInline",
    "LongTable",
    "ReadOnlyAdmin",
    "SearchedFilters",
    "ask_about",
    "correct",
    "is_chosen_across_pages",
    "log_bulk",
    "reason_to_delete",
    "resolve_rows",
]
