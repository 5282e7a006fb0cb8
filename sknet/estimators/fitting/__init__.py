"""From a task to trained networks: the two solvers, their company, and going on."""
