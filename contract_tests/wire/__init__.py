"""HTTP as it is on the wire: exchanges, and event streams read strictly."""
