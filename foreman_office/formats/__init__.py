"""How the admin writes dates and times: as the pages do."""
