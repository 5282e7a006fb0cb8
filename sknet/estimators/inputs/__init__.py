"""From what users hand in (parameters, features, target, weights) to checked parts."""
