"""The core of every change: acts, roles, SQL, request ids."""
