"""The roles of the database: what each may do, what the catalog says, what differs."""
