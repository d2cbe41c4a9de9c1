"""Several backends behind one API: which of them answers for a model, and who stands in for it."""

from adapter.routing.breakers import State
from adapter.routing.config import BackendConfig, RoutingConfig, read_routing
from adapter.routing.reload import watch
from adapter.routing.router import Router

__all__ = ["BackendConfig", "Router", "RoutingConfig", "State", "read_routing", "watch"]
