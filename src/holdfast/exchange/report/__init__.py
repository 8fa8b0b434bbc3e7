"""A report of findings: what it says, in which language, as PDF and DOCX, checked and signed."""
