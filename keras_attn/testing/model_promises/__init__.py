"""One promise per file: `look(subject)` yields what it compares. `table.py` lists them."""
