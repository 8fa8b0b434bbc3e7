"""From sealed bytes to records: open containers, parse, find, keep count of what was missed."""
