"""The strict schemas of what a server answers."""
