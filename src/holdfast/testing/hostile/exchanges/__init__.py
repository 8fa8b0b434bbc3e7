"""One file for each group of awkward exchanges; what stands here is found, not listed."""
