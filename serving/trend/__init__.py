"""What many answers say together: shares by speaker and over time, as a table and as a page."""
