"""Networks: layers, the layout of their parameters, and blocks that stack layers."""
