"""Reports of evaluations: JSON that is read back, tables in markdown, one page to look at."""
