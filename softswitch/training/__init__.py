"""Practice calls: the agent's page with a callee of our own making, and no way to anybody else."""
