"""Where receivers without a system of their own answer handoffs: own account, own handoffs, nothing else."""
