"""How people and suppliers are reached: each a Channel of the ports."""
