"""What `connector check` tells of a deployment."""
