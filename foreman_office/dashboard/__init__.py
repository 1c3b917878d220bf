"""The pages, a folder for each: its view, its queries, its addresses.

A page may show what any app knows; what it needs of several apps is a query of that page.
"""
