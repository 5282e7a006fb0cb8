"""From fitted parameters to predictions, and what serves and shows them."""
