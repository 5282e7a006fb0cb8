"""Networks: layers, where their numbers live, and recipes that stack them."""
