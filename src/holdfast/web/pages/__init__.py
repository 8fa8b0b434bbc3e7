"""One module and one template a page; found by being here."""
